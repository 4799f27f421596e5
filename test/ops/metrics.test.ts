import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import {
  METRICS,
  type MetricDefinition,
  prometheusName,
} from "../../src/telemetry/metric-table.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { freePort } from "../support/ports.ts";
import { opsPython } from "../support/python.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { ask } from "./http.ts";
import { type Metric, OtlpReceiver } from "./otlp.ts";
import { type Broker, bestBroker } from "./scene.ts";
import { send } from "./traced-records.ts";

const python = opsPython();
const definitions: readonly MetricDefinition[] = Object.values(METRICS);
/**
 * Appear when there is something of the kind: a fresh broker may refuse once, or not, and this
 * application suppresses nothing (test/unit/telemetry/recorder.test.ts has one that does).
 */
const ON_EVENT = [
  "outrigger_producer_errors_total",
  "kafka_stream_state_suppression_buffer_count",
  "kafka_stream_state_suppression_buffer_size",
  "outrigger_suppression_buffer_count",
  "outrigger_suppression_buffer_size_bytes",
];
const RECORDS = 40;
/** One of them fails once, and one never works. */
const FAILURES = 1;

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
  }[];
}

/** By the Prometheus client's own parser. */
function parsed(text: string): Family[] {
  const script = join(REPOSITORY_ROOT, "test/ops/parse_metrics.py");
  const result = spawnSync(python ?? "", [script], { input: text, encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

/** Every metric that an expression names, with the labels that it filters, groups or shows by. */
function namesIn(expression: string): { names: Set<string>; labels: Set<string> } {
  const names = new Set(expression.match(/\b(?:outrigger|kafka|messaging|process)_[a-z0-9_]+/g));
  const labels = new Set<string>();
  for (const [, list = ""] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of list.split(",")) labels.add(label.trim());
  }
  for (const [, list = ""] of expression.matchAll(/\{([^}]*)\}/g)) {
    for (const [, label = ""] of list.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) labels.add(label);
  }
  for (const label of labels) names.delete(label);
  // What Prometheus adds to every scrape.
  labels.delete("instance");
  return { names, labels };
}

describe("metrics of a running sidecar", { skip: python === null }, () => {
  const kind = bestBroker();
  let broker: Broker;
  let receiver: OtlpReceiver;
  let scene: Scene;
  let families: Family[];
  let address: string;

  before(async () => {
    broker = await kind.start();
    receiver = await OtlpReceiver.start(python ?? "");
    address = `127.0.0.1:${await freePort()}`;
    const flags = {
      "http.address": address,
      "metrics.kafka.streams.names": "true",
      "retry.initial.ms": 1,
      "retry.max": 1,
    };
    scene = await Scene.make(kind.name, broker, "metrics", flags);
    scene.startSidecar({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_TRACES_EXPORTER: "none",
      OTEL_METRIC_EXPORT_INTERVAL: "300",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    });
    scene.startApplication("test/support/apps/traced.js", {
      OTEL_TRACES_EXPORTER: "none",
      OTEL_METRICS_EXPORTER: "none",
      OUTRIGGER_TEST_FAILURES: String(FAILURES),
    });
    const records = Array.from({ length: RECORDS - 1 }, (_, i) => ({ key: `k${i}`, value: "x" }));
    await send(scene, ...records, { key: "k0", value: "fails once" });
    await scene.outputs(RECORDS);
    const committed = async (): Promise<boolean> => {
      const { text } = await ask(address, "/metrics");
      return text.includes(`outrigger_records_processed_total ${RECORDS}\n`);
    };
    await eventually("all to be counted", committed, scene.children);
    families = parsed((await ask(address, "/metrics")).text);
  });
  after(async () => {
    await scene.end();
    await receiver.process.kill();
    await broker.stop();
  });

  const sample = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const found = families
      .flatMap(({ samples }) => samples)
      .filter((each) => each.name === name)
      .filter((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value));
    assert.equal(found.length, 1, `${found.length} samples of ${name} ${JSON.stringify(labels)}`);
    return Number(found[0]?.value);
  };

  test("every metric of the table is there, with its type, help and labels, and no other", () => {
    const expected = definitions.map((definition) => prometheusName(definition));
    const there = new Map(
      families.map((family) => [
        family.type === "counter" ? `${family.name}_total` : family.name,
        family,
      ]),
    );
    assert.deepEqual(
      [...there.keys()].filter((name) => !ON_EVENT.includes(name)).sort(),
      ["target_info", ...expected.filter((name) => !ON_EVENT.includes(name))].sort(),
    );
    for (const definition of definitions) {
      const family = there.get(prometheusName(definition));
      if (family === undefined) continue;
      assert.equal(family.type, definition.kind, definition.name);
      assert.equal(family.help, definition.description);
      const labels = definition.attributes.map((name) => name.replaceAll(".", "_")).sort();
      for (const each of family.samples) {
        const { le: _, ...rest } = each.labels;
        assert.deepEqual(Object.keys(rest).sort(), labels, definition.name);
      }
    }
  });

  test("they say what happened", () => {
    const kafka = { messaging_system: "kafka" };
    const input = { ...kafka, messaging_destination_name: scene.input };
    assert.equal(sample("messaging_client_consumed_messages_total", input), RECORDS);
    const output = { ...kafka, messaging_destination_name: scene.output };
    assert.equal(sample("messaging_client_sent_messages_total", output), RECORDS);
    assert.equal(sample("outrigger_record_failures_total"), FAILURES);
    assert.equal(sample("outrigger_eos_enabled"), 1);
    assert.equal(sample("outrigger_ready"), 1);
    assert.equal(sample("outrigger_workers"), 1);
    assert.equal(sample("outrigger_tasks", { state: "running" }), 4);
    const commits = sample("outrigger_commits_total", { outcome: "committed" });
    assert.ok(commits >= 1);
    assert.equal(sample("outrigger_commit_duration_seconds_count"), commits);
    assert.equal(sample("outrigger_commit_duration_seconds_bucket", { le: "+Inf" }), commits);
    const average = (sample("outrigger_commit_duration_seconds_sum") / commits) * 1_000;
    assert.ok(Math.abs(sample("kafka_stream_thread_commit_latency_avg") - average) < 0.001);
    assert.ok(sample("kafka_stream_thread_commit_latency_max") >= average);
    assert.equal(sample("kafka_stream_thread_commit_total"), commits);
    assert.equal(sample("kafka_stream_thread_process_total"), RECORDS);
    assert.ok(sample("process_memory_usage_bytes") > 30e6);
    const lags = families.find(({ name }) => name === "outrigger_consumer_lag")?.samples ?? [];
    assert.deepEqual([lags.length, ...lags.map(({ value }) => Number(value))], [4, 0, 0, 0, 0]);
  });

  test("the four that every guide names are under Kafka Streams' names without being asked for", async () => {
    const other = `127.0.0.1:${await freePort()}`;
    const plain = await Scene.make(kind.name, broker, "plain", { "http.address": other });
    try {
      plain.startSidecar();
      let text = "";
      await eventually(
        "metrics",
        async () => {
          text = (await ask(other, "/metrics")).text;
          return text !== "";
        },
        plain.children,
      );
      const names = parsed(text)
        .map(({ name }) => name)
        .filter((name) => name.startsWith("kafka_"));
      assert.deepEqual(names.sort(), [
        "kafka_producer_record_error",
        "kafka_stream_eos_enabled",
        "kafka_stream_failed_stream_threads",
        "kafka_stream_thread_commit_latency_avg",
        "kafka_stream_thread_commit_latency_max",
      ]);
    } finally {
      await plain.end();
    }
  });

  test("OTLP brings the same metrics with the same names, units and values", async () => {
    const latest = (): Map<string, Metric> =>
      new Map(receiver.metrics.map((metric) => [metric.name, metric]));
    const whole = (): boolean => {
      const point = latest().get("outrigger.records.processed")?.points[0];
      return Number(point?.["asInt"] ?? point?.["asDouble"]) === RECORDS;
    };
    await eventually("all to be exported", whole, [...scene.children, receiver.process]);
    const received = [...latest().values()].filter(({ points }) => points.length > 0);
    const service = received[0]?.service;
    assert.equal(service, scene.settings.applicationId);
    const exported = received.map(({ name, unit, data, monotonic }) => {
      const asKind = data === "sum" && monotonic ? "counter" : data;
      const definition = definitions.find((each) => each.name === name);
      assert.equal(unit, definition?.unit, name);
      assert.equal(asKind, definition?.kind, name);
      return prometheusName(definition ?? assert.fail(name));
    });
    const scraped = definitions.map((definition) => prometheusName(definition));
    assert.deepEqual(
      exported.filter((name) => !ON_EVENT.includes(name)).sort(),
      scraped.filter((name) => !ON_EVENT.includes(name)).sort(),
    );
    const commit = latest().get("outrigger.commit.duration")?.points[0];
    assert.equal(Number(commit?.["count"]), sample("outrigger_commit_duration_seconds_count"));
    assert.ok(
      Math.abs(Number(commit?.["sum"]) - sample("outrigger_commit_duration_seconds_sum")) < 1e-6,
    );
    assert.deepEqual(
      commit?.["explicitBounds"],
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    );
    const sent = latest().get("messaging.client.sent.messages")?.points[0];
    assert.deepEqual(sent?.attributes, {
      "messaging.system": "kafka",
      "messaging.operation.name": "send",
      "messaging.destination.name": scene.output,
    });
  });

  const known = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const labels = new Map<string, Set<string>>();
    for (const { samples } of families) {
      for (const each of samples) labels.set(each.name, new Set(Object.keys(each.labels)));
    }
    for (const definition of definitions) {
      const name = prometheusName(definition);
      const own = definition.attributes.map((each) => each.replaceAll(".", "_"));
      if (ON_EVENT.includes(name)) labels.set(name, new Set(own));
    }
    return labels;
  };

  function assertKnown(where: string, expression: string, shown = ""): void {
    const { names, labels } = namesIn(expression);
    assert.ok(names.size > 0, `${where} names no metric: ${expression}`);
    const there = known();
    for (const name of names) assert.ok(there.has(name), `${where}: ${name} is not on /metrics`);
    const all = new Set([...names].flatMap((name) => [...(there.get(name) ?? [])]));
    for (const [, label = ""] of shown.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g)) {
      if (label !== "instance") labels.add(label);
    }
    for (const label of labels) assert.ok(all.has(label), `${where}: no label ${label}`);
  }

  test("the Grafana dashboard names only what is on /metrics", () => {
    const path = join(REPOSITORY_ROOT, "ops/grafana/outrigger.json");
    const { panels } = JSON.parse(readFileSync(path, "utf8"));
    let expressions = 0;
    for (const { title, targets } of panels) {
      for (const { expr, legendFormat } of targets ?? []) {
        assertKnown(title, expr, legendFormat);
        expressions += 1;
      }
    }
    assert.ok(expressions > 20);
  });

  test("the alert rules name only what is on /metrics, and the page tells what to do", () => {
    const path = join(REPOSITORY_ROOT, "ops/prometheus/alerts.yml");
    const page = readFileSync(join(REPOSITORY_ROOT, "docs/operations.md"), "utf8");
    const [{ rules }] = parse(readFileSync(path, "utf8")).groups;
    assert.ok(rules.length > 10);
    for (const { alert, expr, annotations } of rules) {
      assertKnown(alert, expr, annotations.summary);
      assert.ok(page.includes(`\`${alert}\``), `docs/operations.md does not know ${alert}`);
    }
  });

  test("a misspelt metric or label would be found", () => {
    assert.throws(() => assertKnown("x", "rate(outrigger_comits_total[5m])"), /not on \/metrics/);
    assert.throws(() => assertKnown("x", 'outrigger_tasks{stat="stopped"}'), /no label stat/);
    assert.throws(() => assertKnown("x", "outrigger_ready", "{{ $labels.tsk }}"), /no label tsk/);
  });
});
