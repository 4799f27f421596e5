import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Figures, figureOf, type Run, spreadOf, valuesOf } from "./figures.ts";
import { boundBytes } from "./memory.ts";
import { toldOf } from "./restore.ts";
import { Results } from "./results.ts";
import { runOf } from "./runs.ts";
import { tables } from "./tables.ts";
import { verdictLines } from "./verdicts.ts";
import { GROWTH, WORKLOADS } from "./workloads.ts";

const FIGURES: Figures = {
  rate: 100,
  lastHalfRate: 150,
  cpuMicros: 20,
  peakRssMb: 300,
  sidecarPeakRssMb: 150,
  firstOutputSeconds: 2,
};

function run(system: string, round: number, figures: Figures, fault?: string): Run {
  return { ...runOf("W2", system, { ...FIGURES, ...figures }, round), fault: fault ?? null };
}

const saidOf = (runs: readonly Run[]): string[] => {
  return verdictLines(runs).map((line) => line.split(/ {2,}/)[0] ?? "");
};

describe("systems side by side", () => {
  const runs = [
    run("kafka-streams-1", 1, { lastHalfRate: 100, cpuMicros: 20 }),
    run("kafka-streams-2", 1, { lastHalfRate: 110, cpuMicros: 25, peakRssMb: 200 }),
    run("outrigger-go", 1, { lastHalfRate: 352, cpuMicros: 7, firstOutputSeconds: 0.4 }),
    run("outrigger-python", 1, { lastHalfRate: 209, cpuMicros: 8 }),
    run("kafka-streams-1", 2, { lastHalfRate: 50, cpuMicros: 40 }),
    run("outrigger-go", 2, { lastHalfRate: 170, cpuMicros: 14, firstOutputSeconds: 0.6 }),
  ];

  test("are compared with the better Kafka Streams of their own round, warm", () => {
    assert.deepEqual(saidOf(runs), [
      "W2 go 3.3x ok",
      "W2 go cpu 0.35x ok",
      "W2 go sidecar memory 0.63x short",
      "W2 go first output 0.50 s ok",
      "W2 python 1.9x short",
      "W2 python cpu 0.40x short",
      "W2 python sidecar memory 0.75x short",
      "W2 python NOT PROVED: no round has both it and Quix Streams, right",
    ]);
  });
  test("have the ratio of the whole run beside that of its last half", () => {
    const [line = ""] = verdictLines(runs);
    // 100 to 100 in both rounds; the runs are of 1,000 records.
    assert.match(line, /3\.2 to 3\.4, at least 3x; last half, whole run 1\.0x; not warm: 1000 /);
    const warm = runs.map((each) => ({ ...each, records: 3_000_000 }));
    assert.match(verdictLines(warm)[0] ?? "", /whole run 1\.0x$/);
  });
  test("are compared with Quix Streams, whatever the number of its records", () => {
    const quix = { ...run("quix", 1, { lastHalfRate: 14 }), records: 500 };
    const found = saidOf([...runs, quix]);
    assert.ok(found.includes("W2 python to quix 14.9x short"), found.join("\n"));
  });
  test("are not compared where no round has both", () => {
    const alone = runs.filter(({ round, system }) => round === 2 || system === "outrigger-python");
    const [line] = verdictLines(alone.filter(({ round }) => round === 1));
    assert.equal(line, "W2 python NOT PROVED: no round has both it and Kafka Streams, right");
  });
  test("are not compared by a run that was wrong", () => {
    const wrong = run("outrigger-go", 1, { lastHalfRate: 9_000 }, "1 faults");
    assert.deepEqual(verdictLines([run("kafka-streams-1", 1, {}), wrong]), [
      "W2 go NOT PROVED: no round has both it and Kafka Streams, right",
      "W2 go first output NOT PROVED: no run is right",
    ]);
  });
  test("are short by what is printed", () => {
    const close = (lastHalfRate: number): Run[] => [
      run("kafka-streams-1", 1, { lastHalfRate: 100 }),
      run("outrigger-go", 1, { lastHalfRate }),
    ];
    assert.match(verdictLines(close(296))[0] ?? "", /^W2 go 3\.0x ok /);
    assert.match(verdictLines(close(294))[0] ?? "", /^W2 go 2\.9x short /);
  });
  test("have the median and its range in the table, and whether all of it was right", () => {
    const failed: Run = { ...run("outrigger-go", 4, {}, "it died"), figures: null };
    const all = [...runs, run("outrigger-go", 3, { rate: 9_000 }, "1 faults"), failed];
    const table = tables(all);
    assert.match(table, /^\| outrigger-go \| 4 \| 0\.1 \(0\.1 to 9\.0\) \|.*\| \*\*no\*\* \|$/m);
    assert.match(table, /^\| kafka-streams-1 \| 2 \| 0\.1 .*\| yes \|$/m);
  });
});

describe("what is no backlog", () => {
  const streams = { restoreRate: 700_000, p50Ms: 70, p99Ms: 160, cpuPercent: 60 };
  const own = { restoreRate: 770_000, p50Ms: 63, p99Ms: 168, cpuPercent: 33 };
  const pair = (workload: string): Run[] => [
    runOf(workload, "kafka-streams-1", streams),
    runOf(workload, "outrigger-typescript", own),
  ];

  test("is compared by entries, by latency and by processor time", () => {
    const short = runOf("W7-2000-10ms", "outrigger-typescript", { p99Ms: 30.06 });
    const all = ["W6", "W6-random", "W7-2000", "W7-20000"].flatMap(pair);
    assert.deepEqual(saidOf([...all, short]), [
      "W6 typescript 1.1x ok",
      "W6-random typescript 1.1x ok",
      "W7-2000 typescript p50 0.90x ok",
      "W7-2000 typescript p99 1.05x short",
      "W7-20000 typescript p50 0.90x ok",
      "W7-20000 typescript p99 1.05x short",
      "W7-2000 typescript cpu 0.55x ok",
      "W7-2000-10ms typescript p99 30.1 ms short",
    ]);
  });
  test("has a bound of memory beside each point of growth", () => {
    const at = (name: string, sidecarPeakRssMb: number): Run => {
      return runOf(name, "outrigger-typescript", { rate: 1, sidecarPeakRssMb, boundMb: 500 });
    };
    const runs = [at("partitions-64", 310), at("keys-10000", 501)];
    assert.deepEqual(verdictLines(runs), [
      "partitions-64 memory 310 of 500 MB ok",
      "keys-10000 memory 501 of 500 MB short",
    ]);
    assert.match(
      tables(runs),
      /^\| W2, 64 partitions \| 1 \| 0\.00 \| – \| 310 \| 500 \| yes \|$/m,
    );
  });
  test("is bounded by what tasks and stores may take", () => {
    const of = (name: string): number => {
      const found = [...WORKLOADS, ...GROWTH].find((each) => each.name === name);
      assert.ok(found !== undefined);
      return boundBytes(found);
    };
    const perTask = (of("handler-0") - of("W1")) / 60;
    assert.equal(perTask, 6 * 1_024 * 1_024);
    assert.equal(of("W3") - of("W3-cold"), 240 * 1_024 * 1_024);
  });
  test("restores from its first word to its last task, whichever comes last", () => {
    const line = (what: string, atMs: number, records = 0) => ({ what, atMs, records });
    const lines = [
      line("restoring", 200),
      line("restoring", 100),
      line("restored", 400, 60),
      line("running", 450),
      line("restored", 900, 40),
    ];
    assert.deepEqual(toldOf(lines), { begunMs: 100, endedMs: 900, records: 100 });
  });
});

test("a median lies in the middle, and there is none of nothing", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 });
  assert.equal(spreadOf([]), null);
});

test("a figure of a wrong run counts in tables only", () => {
  const wrong = run("outrigger-go", 1, { rate: 7 }, "1 faults");
  assert.equal(figureOf(wrong, "rate"), null);
  assert.deepEqual(valuesOf([wrong], "rate"), [7]);
});

test("a run that is in the file is known, and a line that was cut off is not", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-results-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "results.jsonl");
  const [first, second] = [run("outrigger-go", 1, {}), run("outrigger-go", 2, {})];
  new Results(file).add(first);
  appendFileSync(file, JSON.stringify(second).slice(0, 40));
  const again = new Results(file);
  assert.deepEqual(again.find(first), first);
  assert.equal(again.find(second), null);
  assert.equal(again.find({ ...first, records: 2_000 }), null);
  again.add(second);
  assert.equal(readFileSync(file, "utf8").split("\n").length, 3);
  assert.deepEqual(new Results(file).find(second), second);
  assert.deepEqual(new Results(file).all(), [first, second]);
});
