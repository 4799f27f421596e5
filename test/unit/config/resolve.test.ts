import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfigFile } from "../../../src/config/files.ts";
import { type ConfigSources, configFrom, resolveConfig } from "../../../src/config/resolve.ts";
import { configKeys } from "../../../src/config/schema.ts";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";

const required = { "application.id": "app", "bootstrap.servers": "a:1" };

function faultsOf(sources: ConfigSources): string[] {
  try {
    resolveConfig(sources);
  } catch (error: unknown) {
    assert.ok(error instanceof OutriggerError);
    assert.equal(error.code, "CONFIG_INVALID");
    return error.message.split("\n- ").slice(1);
  }
  assert.fail("the configuration was accepted");
}

function faultOf(sources: ConfigSources): string {
  const faults = faultsOf({ presets: required, ...sources });
  assert.equal(faults.length, 1, faults.join("\n"));
  return faults[0] ?? "";
}

describe("a configuration", () => {
  it("has the documented defaults", () => {
    const config = configFrom(required);
    assert.deepEqual(config, {
      applicationId: "app",
      bootstrapServers: ["a:1"],
      clientId: "app",
      parkedEnable: "false",
      parkedMaxBytes: 67_108_864,
      parkedMaxRecords: 10_000,
      processId: null,
      serverAddress: null,
      serverToken: null,
      processingGuarantee: "exactly_once_v2",
      commitIntervalMs: 100,
      transactionTimeoutMs: 10_000,
      maxTaskIdleMs: 0,
      repartitionPurgeIntervalMs: 30_000,
      streamTimeIdleMs: null,
      replicationFactor: 3,
      autoOffsetReset: "earliest",
      stateDir: ".outrigger",
      statestoreUncommittedMaxBytes: 24 * 2 ** 20,
      rocksdbMemoryMaxBytes: 256 * 2 ** 20,
      processingTimeoutMs: 60_000,
      appAbsenceTimeoutMs: 300_000,
      maxFrameBytes: 4 * 2 ** 20,
      serverMaxMessageBytes: 64 * 2 ** 20,
      batchMaxRecords: 2_000,
      batchMaxBytes: 512 * 2 ** 10,
      batchMaxInFlight: 4,
      retryMax: 10,
      retryInitialMs: 100,
      retryFactor: 2,
      retryMaxDelayMs: 30_000,
      retryJitter: 0.5,
      retryThen: null,
      crashesMax: 3,
      errorsDeadLetterQueueTopicName: null,
      errorsDeadLetterQueueLateRecords: "false",
      revokeTimeoutMs: 5_000,
      shutdownTimeoutMs: 25_000,
      requestTimeoutMs: 30_000,
      metadataMaxAgeMs: 300_000,
      connectionsMaxIdleMs: 540_000,
      fetchMinBytes: 1,
      fetchMaxWaitMs: 500,
      fetchMaxBytes: 16 * 2 ** 20,
      maxPartitionFetchBytes: 2 ** 20,
      inputBufferMaxBytes: 2 * 2 ** 20,
      producerMaxRequestSize: 2 ** 20,
      compressionType: "none",
      securityProtocol: "PLAINTEXT",
      sslTruststoreType: "PEM",
      sslTruststoreLocation: null,
      sslTruststoreCertificates: null,
      sslKeystoreType: "PEM",
      sslKeystoreLocation: null,
      sslKeystoreCertificateChain: null,
      sslKeystoreKey: null,
      sslKeyPassword: null,
      sslEndpointIdentificationAlgorithm: "https",
      saslMechanism: null,
      saslUsername: null,
      saslPassword: null,
      saslJaasConfig: null,
      saslOauthbearerToken: null,
      saslOauthbearerTokenEndpointUrl: null,
      saslOauthbearerClientCredentialsClientId: null,
      saslOauthbearerClientCredentialsClientSecret: null,
      saslOauthbearerScope: null,
      saslOauthbearerExtensions: null,
      checkAccept: [],
      httpAddress: null,
      metricsKafkaStreamsNames: "false",
      tracingRecordSpansMax: 100,
      logLevel: "info",
    });
  });

  it("cannot be changed", () => {
    assert.ok(Object.isFrozen(configFrom(required)));
  });

  it("takes flag over environment over file over preset over default, and knows which", () => {
    const key = "commit.interval.ms";
    const layers: [ConfigSources, number, string][] = [
      [{}, 100, "default"],
      [{ presets: { [key]: 1 } }, 1, "the command's default"],
      [{ file: parseConfigFile("a.yaml", `${key}: 2`) }, 2, "a.yaml:1:1"],
      [
        { env: { OUTRIGGER_COMMIT_INTERVAL_MS: "3" } },
        3,
        "environment OUTRIGGER_COMMIT_INTERVAL_MS",
      ],
      [{ flags: { [key]: "4" } }, 4, "flag --commit.interval.ms"],
      [{ fixed: { [key]: 5 } }, 5, "set by the command"],
    ];
    let sources: ConfigSources = {};
    for (const [layer, value, origin] of layers) {
      sources = { ...sources, ...layer, presets: { ...required, ...layer.presets } };
      const { config, origins } = resolveConfig(sources);
      assert.equal(config.commitIntervalMs, value);
      assert.equal(origins.get(key), origin);
    }
  });

  it("reads numbers from texts, and texts from numbers", () => {
    const { config } = resolveConfig({
      presets: required,
      flags: { "retry.factor": "1.5", "replication.factor": " -1 " },
      file: parseConfigFile("a.yaml", "process.id: 7"),
    });
    assert.equal(config.retryFactor, 1.5);
    assert.equal(config.replicationFactor, -1);
    assert.equal(config.processId, "7");
  });

  it("splits the brokers, with blanks and IPv6 addresses", () => {
    const config = configFrom({ ...required, "bootstrap.servers": "a:1, b:2,[::1]:3" });
    assert.deepEqual(config.bootstrapServers, ["a:1", "b:2", "[::1]:3"]);
  });
});

describe("a fault names the place, the value and what is expected:", () => {
  const cases: readonly [string, ConfigSources, RegExp][] = [
    [
      "a value out of range",
      { flags: { "batch.max.records": "0" } },
      /^batch.max.records is 0 \(flag --batch.max.records\): .* an integer from 1 to 10000$/,
    ],
    [
      "a text where a number belongs",
      { env: { OUTRIGGER_RETRY_MAX: "ten" } },
      /^retry.max is ten \(environment OUTRIGGER_RETRY_MAX\): it must be an integer/,
    ],
    ["a fraction", { flags: { "retry.max": "1.5" } }, /must be an integer/],
    ["no replicas", { flags: { "replication.factor": "0" } }, /from 1 to 32767, or -1/],
    [
      "a word that is none of the words",
      { flags: { "auto.offset.reset": "smallest" } },
      /must be `earliest`, `latest`, `none`/,
    ],
    [
      "an address that is none",
      { flags: { "server.address": "http://x" } },
      /`unix:<path>` or `host:port`/,
    ],
    [
      "less than exactly once",
      { flags: { "processing.guarantee": "at_least_once" } },
      /^processing.guarantee is at_least_once .*the only guarantee/,
    ],
    [
      "an unknown key, with the nearest known one",
      { file: parseConfigFile("a.yaml", "\ncomit.intervall.ms: 3") },
      /^comit.intervall.ms \(a.yaml:2:1\) is not known: did you mean commit.interval.ms\?$/,
    ],
    ["a key like no other", { flags: { zzz: "1" } }, /zzz .* is not known: see docs/],
    [
      "a slip in an environment name",
      { env: { OUTRIGGER_LOG_LEVLE: "debug" } },
      /did you mean OUTRIGGER_LOG_LEVEL\?/,
    ],
    [
      "a setting that exactly-once owns",
      { file: parseConfigFile("a.properties", "consumer.isolation.level=read_uncommitted") },
      /^consumer.isolation.level \(a.properties:1\) cannot be set: only committed records/,
    ],
    [
      "one of these in the environment",
      { env: { OUTRIGGER_ACKS: "1" } },
      /OUTRIGGER_ACKS cannot be set/,
    ],
    [
      "a commit interval beyond the transaction timeout",
      { flags: { "commit.interval.ms": "10000" } },
      /^commit.interval.ms \(10000\) must be below transaction.timeout.ms .* or the brokers/,
    ],
    [
      "batches that fill a frame",
      { flags: { "batch.max.bytes": "4000000" } },
      /at most half of max.frame/,
    ],
    [
      "a revocation longer than a shutdown",
      { flags: { "shutdown.timeout.ms": "9" } },
      /revoke.timeout.ms/,
    ],
    [
      "pauses that shrink",
      { flags: { "retry.max.delay.ms": "9" } },
      /retry.initial.ms \(100\) must be at/,
    ],
    [
      "fetches held too long",
      { flags: { "fetch.max.wait.ms": "40000" } },
      /below request.timeout.ms/,
    ],
    [
      "a partition's share too large",
      { flags: { "fetch.max.bytes": "1024" } },
      /max.partition.fetch/,
    ],
    [
      "records larger than messages",
      { flags: { "server.max.message.bytes": "5000000", "producer.max.request.size": "5000001" } },
      /producer.max.request.size \(5000001\) must be at most server.max.message.bytes/,
    ],
    [
      "frames larger than messages",
      { flags: { "server.max.message.bytes": "2000000" } },
      /max.frame.bytes \(4194304\) must be at most server.max.message.bytes/,
    ],
  ];
  for (const [name, sources, expected] of cases) {
    it(name, () => assert.match(faultOf(sources), expected));
  }

  it("all of them at once", () => {
    const faults = faultsOf({
      flags: { "retry.max": "x", "fetch.max.wait.ms": "40000" },
      env: { OUTRIGGER_BATCH_MAX_RECORDS: "-3" },
      file: parseConfigFile("a.yaml", "nonsense: 1\nacks: 1"),
    });
    // Both required keys are missing as well.
    assert.equal(faults.length, 7, faults.join("\n"));
  });
});

it("variables that platforms make of a service's name are left alone", () => {
  const env = { OUTRIGGER_SERVICE_HOST: "10.0.0.1", OUTRIGGER_ADDRESS: "x", OUTRIGGER_CONFIG: "y" };
  assert.ok(resolveConfig({ presets: required, env }));
});

it("no key is a refused one, and every key says what it is in a sentence", async () => {
  const { refusalOf } = await import("../../../src/config/refused.ts");
  const { keyReference } = await import("../../../src/config/reference.ts");
  for (const key of configKeys) {
    assert.equal(refusalOf(key), null);
    assert.match(keyReference(key).description, /^[A-Z].*\.$/);
  }
});
