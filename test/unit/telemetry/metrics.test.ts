import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { definitionOf, METRICS, prometheusName } from "../../../src/telemetry/metric-table.ts";
import { metricsPage } from "../../../src/telemetry/metrics-page.ts";
import { prometheusText } from "../../../src/telemetry/prometheus-text.ts";
import { Recent } from "../../../src/telemetry/recent.ts";
import { Registry } from "../../../src/telemetry/registry.ts";

describe("the table of metrics", () => {
  it("has unique names, on /metrics too, and a sentence for each", () => {
    const all = Object.values(METRICS).map((definition) => definition);
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    assert.equal(new Set(all.map((each) => prometheusName(each))).size, all.length);
    for (const { description, name } of all) assert.match(description, /^\S.*\.$/, name);
  });

  it("is what docs/metrics.md says: run scripts/generate-docs.ts", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8");
    assert.ok(page === metricsPage(), "docs/metrics.md is stale");
  });

  it("names units as collectors do", () => {
    assert.equal(
      prometheusName(definitionOf("commitDuration")),
      "outrigger_commit_duration_seconds",
    );
    assert.equal(prometheusName(definitionOf("commits")), "outrigger_commits_total");
    assert.equal(prometheusName(definitionOf("memory")), "process_memory_usage_bytes");
    assert.equal(prometheusName(definitionOf("ready")), "outrigger_ready");
  });
});

function textOf(registry: Registry, starting: string): string[] {
  return prometheusText(registry.collect(), { "service.name": 'a"b' })
    .split("\n")
    .filter((line) => line.startsWith(starting));
}

describe("/metrics", () => {
  it("adds up buckets, and counts what is above the last bound", () => {
    const registry = new Registry();
    for (const ms of [1, 2, 50, 50, 99_000]) registry.record("phaseDuration", ms, "end");
    const lines = textOf(registry, "outrigger_transaction_phase_duration_seconds");
    const bucket = (le: string) =>
      lines
        .find((line) => line.includes(`le="${le}"`))
        ?.split(" ")
        .at(-1);
    assert.deepEqual([bucket("0.001"), bucket("0.005"), bucket("0.05")], ["1", "2", "4"]);
    assert.deepEqual([bucket("10"), bucket("+Inf")], ["4", "5"]);
    assert.match(lines.at(-1) ?? "", /_count\{phase="end"\} 5$/);
    assert.match(lines.at(-2) ?? "", /_sum\{phase="end"\} 99\.103$/);
  });

  it("shows at 0 what has not happened yet, and what is observed when asked", () => {
    const registry = new Registry();
    let workers = 1;
    registry.observe((observe) => observe("workers", workers));
    assert.deepEqual(textOf(registry, "outrigger_record_failures_total"), [
      "outrigger_record_failures_total 0",
    ]);
    assert.equal(textOf(registry, 'outrigger_commits_total{outcome="aborted"} 0').length, 1);
    workers = 2;
    assert.deepEqual(textOf(registry, "outrigger_workers"), ["outrigger_workers 2"]);
  });

  it("escapes what labels may hold", () => {
    const registry = new Registry();
    registry.add("taskFailed", 1, 'a"\\\nb');
    assert.deepEqual(textOf(registry, 'outrigger_task_failed_total{reason="a'), [
      'outrigger_task_failed_total{reason="a\\"\\\\\\nb"} 1',
    ]);
    assert.deepEqual(textOf(registry, "target_info"), ['target_info{service_name="a\\"b"} 1']);
  });

  it("keeps a bounded number of cells", () => {
    const registry = new Registry();
    for (let i = 0; i < 5_000; i++) registry.add("sent", 1, "kafka", "send", `topic-${i}`);
    assert.equal(registry.counted("sent").length, 2_000);
  });
});

describe("average and maximum of the last minute", () => {
  it("forget a window after the next one", () => {
    const recent = new Recent();
    assert.deepEqual(recent.read(0), { avg: 0, max: 0 });
    recent.record(10, 1_000);
    recent.record(20, 2_000);
    assert.deepEqual(recent.read(29_000), { avg: 15, max: 20 });
    recent.record(30, 32_000);
    assert.deepEqual(recent.read(33_000), { avg: 20, max: 30 });
    assert.deepEqual(recent.read(63_000), { avg: 30, max: 30 });
    assert.deepEqual(recent.read(200_000), { avg: 0, max: 0 });
  });
});
