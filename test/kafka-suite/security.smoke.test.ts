import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { resolveConfig } from "../../src/config/resolve.ts";
import { securityOf } from "../../src/config/security.ts";
import { OutriggerError } from "../../src/errors/outrigger-error.ts";
import { connectKafka, type Kafka } from "../../src/kafka/client.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { createSecurity } from "../../src/kafka/security/security.ts";
import type { Log } from "../../src/ports/log.ts";
import { makeIdentity } from "../support/certificates.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { SECRETS, type SecureKafka, startSecureKafka } from "../support/secure-kafka.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { TokenProvider, unsecuredToken } from "../support/token-provider.ts";

const missing = whyNoKafka();
if (missing === null) describe("TLS and SASL on a real broker", suite);
else process.stdout.write(`NOT PROVED: TLS and SASL on a real broker, because ${missing}\n`);

type Settings = Readonly<Record<string, string>>;

function suite(): void {
  let kafka: SecureKafka;
  const lines: string[] = [];
  let made = 0;

  before(async () => {
    kafka = await startSecureKafka();
  });

  after(async () => {
    await kafka.stop();
  });

  const said = (message: string, fields: unknown): void => {
    lines.push(`${message} ${inspect(fields)}`);
  };
  const log: Log = { debug: said, info: said, warn: said, error: said };

  function resolved(listener: string, settings: Settings) {
    const always = { "application.id": "secure", "bootstrap.servers": kafka.at(listener) };
    return resolveConfig({ flags: { ...always, ...settings } });
  }

  function open(listener: string, settings: Settings): Promise<Kafka> {
    const { config } = resolved(listener, settings);
    return connectKafka({
      bootstrapServers: config.bootstrapServers,
      clientId: config.clientId,
      groupId: "secure",
      transactionTimeoutMs: 10_000,
      security: securityOf(config),
      limits: {},
      log,
    });
  }

  /** Control plane and data path: a topic is made, a transaction written, and read back. */
  async function roundTrip(client: Kafka, times = 1): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    const topic = `secure-${made++}`;
    const configs = {};
    await client.admin.createTopics([
      { name: topic, partitions: 1, replicationFactor: 1, configs },
    ]);
    assert.equal((await client.admin.describeTopics([topic])).get(topic)?.partitions, 1);
    const producer = client.producer(topic);
    assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
    await producer.prepare([topic], signal);
    for (let i = 0; i < times; i++) {
      const cut = producer.begin();
      const bytes = Buffer.from(`record ${i}`);
      cut.append({
        topic,
        partition: 0,
        timestamp: 1_000,
        keyBytes: bytes,
        keyPosition: 0,
        keyLength: -1,
        valueBytes: bytes,
        valuePosition: 0,
        valueLength: bytes.length,
        headersBytes: null,
        headersPosition: 0,
        headersEnd: 0,
      });
      const verdict = await producer.produce(cut);
      assert.equal(verdict.kind, "acked", "error" in verdict ? verdict.error.message : "");
      assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    }
    const values: string[] = [];
    const at = { topic, partition: 0 };
    const { end } = await client.offsets.range(at, signal);
    for await (const { columns } of client.offsets.read(at, 0, end, signal)) {
      for (let row = 0; row < columns.count; row++) values.push(String(columns.value(row)));
    }
    assert.deepEqual(
      values,
      Array.from({ length: times }, (_, i) => `record ${i}`),
    );
    await producer.close();
  }

  async function works(listener: string, settings: Settings): Promise<void> {
    const client = await open(listener, settings);
    await roundTrip(client).finally(() => client.close());
  }

  /** One line of the code, which names the remedy and no secret; and it does not try for long. */
  async function fails(
    listener: string,
    settings: Settings,
    code: string,
    line: RegExp,
  ): Promise<void> {
    const startedMs = performance.now();
    const error = await open(listener, settings).then(
      async (client) => {
        await client.close();
        return null;
      },
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof OutriggerError, `it should fail, not ${inspect(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, line);
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(error.message.length < 400, error.message);
    assert.ok(performance.now() - startedMs < 15_000, "it gave up soon");
    const whole = inspect(error, { depth: 12, showHidden: true });
    for (const secret of Object.values(SECRETS)) assert.ok(!whole.includes(secret), whole);
    process.stdout.write(`      ${error.code}: ${error.message}\n`);
  }

  const tls = (): Settings => ({
    "security.protocol": "SSL",
    "ssl.truststore.location": kafka.file("ca.pem", kafka.ca.certificate),
  });
  const password = (mechanism: string, secret: string = SECRETS.password): Settings => ({
    ...tls(),
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": mechanism,
    "sasl.username": "alice",
    "sasl.password": secret,
  });
  const clear = (mechanism: string): Settings => ({
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": mechanism,
    "sasl.username": "alice",
    "sasl.password": SECRETS.password,
  });
  const token = (more: Settings): Settings => ({
    ...tls(),
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "OAUTHBEARER",
    ...more,
  });
  const provided = (url: string, secret: string = SECRETS.clientSecret): Settings =>
    token({
      "sasl.oauthbearer.token.endpoint.url": url,
      "sasl.oauthbearer.client.credentials.client.id": "client-1",
      "sasl.oauthbearer.client.credentials.client.secret": secret,
      "sasl.oauthbearer.scope": "produce consume",
    });

  test("TLS with a CA from a file, and from the setting itself", async () => {
    await works("TLS", tls());
    await works("TLS", {
      "security.protocol": "SSL",
      "ssl.truststore.certificates": kafka.ca.certificate,
    });
  });

  test("TLS with a client's certificate: from a file, encrypted, and from settings", async () => {
    const client = makeIdentity({ name: "client", issuer: kafka.ca });
    const locked = client.keyPem(SECRETS.keyPassword) + client.certificate;
    await works("MTLS", {
      ...tls(),
      "ssl.keystore.location": kafka.file("client.pem", locked),
      "ssl.key.password": SECRETS.keyPassword,
    });
    await works("MTLS", {
      ...tls(),
      "ssl.keystore.key": client.keyPem(),
      "ssl.keystore.certificate.chain": client.certificate,
    });
  });

  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    test(`${mechanism} over TLS and without`, async () => {
      await works("PASSWORD", password(mechanism));
      await works("CLEAR", clear(mechanism));
    });
  }

  test("PLAIN and SCRAM by a line for the Java client", async () => {
    for (const [mechanism, module] of [
      ["PLAIN", "plain.PlainLoginModule"],
      ["SCRAM-SHA-512", "scram.ScramLoginModule"],
    ] as const) {
      await works("CLEAR", {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.jaas.config":
          `org.apache.kafka.common.security.${module} required username="alice" ` +
          `password="${SECRETS.password}";`,
      });
    }
  });

  test("OAUTHBEARER with a token of its own, and from a file", async () => {
    await works("TOKEN", token({ "sasl.oauthbearer.token": unsecuredToken("alice", 600) }));
    const path = kafka.file("token", `${unsecuredToken("alice", 600)}\n`);
    await works("TOKEN", token({ "sasl.oauthbearer.token.endpoint.url": `file://${path}` }));
  });

  test("OAUTHBEARER with tokens of a provider, whose signature the broker checks", async () => {
    kafka.provider.requests.length = 0;
    await works("JWT", provided(kafka.provider.url("/token")));
    assert.deepEqual(kafka.provider.requests, [
      "grant_type=client_credentials&scope=produce+consume",
    ]);
    await works("JWT", {
      ...token({ "sasl.oauthbearer.token.endpoint.url": kafka.provider.url("/token") }),
      "sasl.jaas.config":
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
        `clientId="client-1" clientSecret="${SECRETS.clientSecret}" extension_tenant="a";`,
    });
  });

  test("a provider behind TLS is checked against the same CA", async () => {
    const hosts = ["127.0.0.1"];
    const own = makeIdentity({ name: "provider", issuer: kafka.ca, hosts });
    const pair = { key: own.keyPem(), cert: own.certificate };
    const provider = await TokenProvider.start("client-1", SECRETS.clientSecret, pair);
    try {
      // The broker does not know its keys, so that only a refusal shows that a token was had.
      const settings = provided(provider.url("/token"));
      await fails("JWT", settings, "AUTHENTICATION_FAILED", /refused the token that https/);
      const other = {
        "ssl.truststore.location": kafka.file("other.pem", kafka.otherCa.certificate),
      };
      const clearTokens = { "security.protocol": "SASL_PLAINTEXT", ...other };
      await fails(
        "CLEAR",
        { ...settings, ...clearTokens },
        "TLS_FAILED",
        /token provider .* no trusted CA/,
      );
    } finally {
      await provider.stop();
    }
  });

  test("KIP-368: sessions are renewed on the open connections, and requests go on", async () => {
    const proxy = await FaultProxy.start(kafka.at("SHORT"));
    const { config } = resolved("SHORT", clear("SCRAM-SHA-256"));
    const [host = "", port] = kafka.at("SHORT").split(":");
    const cluster = await Cluster.connect(
      {
        bootstrapServers: [{ host, port: Number(port) }],
        clientId: "test",
        security: createSecurity(securityOf(config), log),
        openSocket: proxy.openSocket,
      },
      AbortSignal.timeout(30_000),
    );
    try {
      const { connections } = proxy;
      const handshakes = (): number => proxy.requests.get(17) ?? 0;
      const before = handshakes();
      let rounds = 0;
      // Each is answered: one that is refused, or whose connection ended, would reject.
      for (; handshakes() < before + 4; rounds++) await cluster.refresh([]);
      assert.ok(rounds > 100, `${rounds} requests over four sessions of 1.5 s`);
      // The first goes to a bootstrap server; what describes the cluster then stays.
      assert.ok(proxy.connections <= connections + 1, `${proxy.connections} connections`);
    } finally {
      await cluster.close();
      await proxy.stop();
    }
  });

  test("KIP-368: both planes go on over several sessions", async () => {
    const client = await open("SHORT", clear("SCRAM-SHA-256"));
    try {
      const untilMs = performance.now() + 4_000;
      while (performance.now() < untilMs) await roundTrip(client, 5);
    } finally {
      await client.close();
    }
  });

  test("certificates are read again when the files change, and the last good ones serve on", async () => {
    const path = kafka.file("changing.pem", kafka.ca.certificate);
    const client = await open("TLS", { ...tls(), "ssl.truststore.location": path });
    try {
      lines.length = 0;
      kafka.file("changing.pem", "half written");
      await roundTrip(client);
      assert.equal(lines.filter((line) => /changing\.pem .* serve on/.test(line)).length, 1);
      kafka.file("changing.pem", kafka.ca.certificate + kafka.otherCa.certificate);
      // The group's connection is opened only now.
      await client.offsets.committed(
        { memberId: "", memberEpoch: -1 },
        [{ topic: "secure-0", partition: 0 }],
        AbortSignal.timeout(30_000),
      );
      assert.ok(
        lines.some((line) => /read again/.test(line)),
        lines.join("\n"),
      );
    } finally {
      await client.close();
    }
  });

  test("a CA that did not sign the broker's certificate", async () => {
    const other = { "ssl.truststore.location": kafka.file("other.pem", kafka.otherCa.certificate) };
    const line = /shows a certificate that no trusted CA has signed .*ssl\.truststore\.location/;
    await fails("TLS", { ...tls(), ...other }, "TLS_FAILED", line);
    await fails("TLS", { "security.protocol": "SSL" }, "TLS_FAILED", line);
  });

  test("a certificate that has expired, and one for another name", async () => {
    await fails("STALE", tls(), "TLS_FAILED", /not valid today \(CERT_HAS_EXPIRED\); renew it/);
    await fails("NAMED", tls(), "TLS_FAILED", /for other names .*broker\.test.*; dial one of them/);
    await works("NAMED", { ...tls(), "ssl.endpoint.identification.algorithm": "" });
  });

  test("no certificate of our own, one of another CA, and the wrong key password", async () => {
    const line = /refuses this client's certificate, or the lack of one .*ssl\.keystore\.location/;
    await fails("MTLS", tls(), "TLS_FAILED", line);
    const stranger = makeIdentity({ name: "stranger", issuer: kafka.otherCa });
    const plainKey = kafka.file("stranger.pem", stranger.keyPem() + stranger.certificate);
    await fails("MTLS", { ...tls(), "ssl.keystore.location": plainKey }, "TLS_FAILED", line);
    const locked = stranger.keyPem(SECRETS.keyPassword) + stranger.certificate;
    const settings = {
      ...tls(),
      "ssl.keystore.location": kafka.file("locked.pem", locked),
      "ssl.key.password": SECRETS.wrongPassword,
    };
    await fails(
      "MTLS",
      settings,
      "TLS_FAILED",
      /locked\.pem cannot be read; check ssl\.key\.password/,
    );
  });

  test("a file that is not there, and one that holds something else", async () => {
    const absent = { ...tls(), "ssl.truststore.location": `${kafka.folder}/absent.pem` };
    await fails("TLS", absent, "TLS_FAILED", /ssl\.truststore\.location cannot be read: ENOENT/);
    const other = { ...tls(), "ssl.truststore.location": kafka.file("text", "hello") };
    await fails("TLS", other, "TLS_FAILED", /text holds no certificate: PEM is expected/);
  });

  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    test(`the wrong password by ${mechanism}`, async () => {
      const line = /refused user alice by .*; check sasl\.username and sasl\.password/;
      const settings = password(mechanism, SECRETS.wrongPassword);
      await fails("PASSWORD", settings, "AUTHENTICATION_FAILED", line);
    });
  }

  test("a mechanism that the listener does not offer, and a listener without SASL", async () => {
    const settings = password("SCRAM-SHA-256");
    const line = /does not offer SCRAM-SHA-256, but OAUTHBEARER: set sasl\.mechanism/;
    await fails("TOKEN", settings, "AUTHENTICATION_FAILED", line);
    const wanted = /does not authenticate by SASL on this port; .*security\.protocol to PLAINTEXT/;
    await fails("TLS", settings, "AUTHENTICATION_FAILED", wanted);
  });

  test("a token that has expired: of its own, from a file, and from a provider", async () => {
    const stale = unsecuredToken("alice", -600);
    const own = token({ "sasl.oauthbearer.token": stale });
    await fails(
      "TOKEN",
      own,
      "AUTHENTICATION_FAILED",
      /expired at 20.*: set a new sasl\.oauthbearer/,
    );
    const url = `file://${kafka.file("stale-token", stale)}`;
    const file = token({ "sasl.oauthbearer.token.endpoint.url": url });
    await fails("TOKEN", file, "AUTHENTICATION_FAILED", /expired at 20.*: have the file renewed/);
    const { claims } = kafka.provider;
    kafka.provider.claims = { ...claims, expiresIn: -600 };
    const late = provided(kafka.provider.url("/token"));
    await fails("JWT", late, "AUTHENTICATION_FAILED", /expired at 20.*: check the clocks/);
    kafka.provider.claims = claims;
  });

  test("a token for others, a provider that refuses, and a file without a token", async () => {
    const { claims } = kafka.provider;
    kafka.provider.claims = { ...claims, aud: "others" };
    const settings = provided(kafka.provider.url("/token"));
    await fails(
      "JWT",
      settings,
      "AUTHENTICATION_FAILED",
      /check its issuer, audience and signature/,
    );
    kafka.provider.claims = claims;
    const wrong = provided(kafka.provider.url("/token"), SECRETS.wrongPassword);
    const line = /gave client client-1 no token: HTTP status 401 invalid_client; check sasl\.oauth/;
    await fails("JWT", wrong, "AUTHENTICATION_FAILED", line);
    const url = `file://${kafka.file("no-token", "<html>")}`;
    const file = token({ "sasl.oauthbearer.token.endpoint.url": url });
    await fails("TOKEN", file, "AUTHENTICATION_FAILED", /no-token holds no token: one line/);
    const absent = token({ "sasl.oauthbearer.token.endpoint.url": "file:///absent/token" });
    await fails("TOKEN", absent, "AUTHENTICATION_FAILED", /absent\/token cannot be read: ENOENT/);
  });

  test("a provider in trouble is asked again", async () => {
    kafka.provider.status = 503;
    kafka.provider.requests.length = 0;
    const opening = open("JWT", provided(kafka.provider.url("/token")));
    while (kafka.provider.requests.length < 3) await new Promise((r) => setImmediate(r));
    kafka.provider.status = 200;
    const client = await opening;
    await client.close();
  });

  test("plaintext to a TLS listener", async () => {
    const line = /speaks TLS on this port; set security\.protocol to SSL or SASL_SSL/;
    await fails("TLS", { "security.protocol": "PLAINTEXT" }, "TLS_FAILED", line);
  });

  test("who hangs up without a word is asked again, and the last line says what it may be", async () => {
    const tried = async (listener: string, settings: Settings): Promise<string> => {
      const { config } = resolved(listener, settings);
      const [host = "", port] = config.bootstrapServers[0]?.split(":") ?? [];
      const security = createSecurity(securityOf(config), log);
      const bootstrapServers = [{ host, port: Number(port) }];
      const options = { bootstrapServers, clientId: "test", security };
      const failure = await Cluster.connect(options, AbortSignal.timeout(1_500)).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.ok(failure instanceof OutriggerError && failure.code === "BROKER_UNAVAILABLE");
      return failure.message;
    };
    assert.match(await tried("CLEAR", { "security.protocol": "PLAINTEXT" }), /may want SASL: set/);
    assert.match(await tried("CLEAR", tls()), /may not speak TLS: set security\.protocol/);
  });

  test("a broker that is only starting is waited for", async () => {
    await kafka.broker.kill();
    const opening = open("PASSWORD", password("SCRAM-SHA-512"));
    await kafka.broker.restart();
    await (await opening).close();
  });

  test("the sidecar itself: it listens, or ends with one line, and tells nobody a secret", async () => {
    const run = (command: readonly string[], secret: string): Child => {
      const flags = {
        "application.id": "secure",
        "bootstrap.servers": kafka.at("PASSWORD"),
        "state.dir": `${kafka.folder}/state`,
        "log.level": "debug",
        ...password("SCRAM-SHA-256"),
        "sasl.username": "alice",
      };
      const args = Object.entries(flags).flatMap(([key, value]) =>
        key === "sasl.password" ? [] : [`--${key}`, value],
      );
      const main = join(REPOSITORY_ROOT, "dist/src/main.js");
      const environment = { OUTRIGGER_SASL_PASSWORD: secret };
      return new Child("secure", [main, ...command, ...args], environment);
    };
    const good = run(["run"], SECRETS.password);
    await eventually("the sidecar listens", () => /outrigger is listening/.test(good.output));
    assert.equal(await good.stop(), "0", good.output);
    const bad = run(["run"], SECRETS.wrongPassword);
    assert.equal(await bad.ended(), "1", bad.output);
    assert.match(bad.output, /AUTHENTICATION_FAILED.*refused user alice by SCRAM-SHA-256/);
    const described = run(["config", "print"], SECRETS.password);
    assert.equal(await described.ended(), "0");
    assert.match(described.output, /sasl\.password\s+\*\*\*/);
    for (const { output } of [good, bad, described]) {
      for (const secret of Object.values(SECRETS)) assert.ok(!output.includes(secret), output);
    }
  });

  test("no secret is in any line that was logged", () => {
    const all = lines.join("\n");
    for (const secret of Object.values(SECRETS)) assert.ok(!all.includes(secret));
  });
}
