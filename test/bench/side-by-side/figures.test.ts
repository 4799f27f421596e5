import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Figures, type Run, spreadOf, tables, verdictLines } from "./figures.ts";
import { Results } from "./results.ts";

const FIGURES: Figures = {
  rate: 100,
  lastHalfRate: 150,
  cpuMicros: 20,
  lastHalfCpuMicros: null,
  peakRssMb: 300,
  firstOutputSeconds: 2,
};

function run(system: string, round: number, figures: Partial<Figures>, fault?: string): Run {
  const about = {
    workload: "W2",
    records: 1_000,
    seed: 42,
    load: 0,
    date: "",
    commit: "",
  } as const;
  return { ...about, system, round, figures: { ...FIGURES, ...figures }, fault: fault ?? null };
}

describe("systems side by side", () => {
  const runs = [
    run("kafka-streams-1", 1, { rate: 100, cpuMicros: 20 }),
    run("kafka-streams-2", 1, { rate: 110, cpuMicros: 25 }),
    run("outrigger-go", 1, { rate: 352, cpuMicros: 7 }),
    run("outrigger-python", 1, { rate: 209, cpuMicros: 8 }),
    run("kafka-streams-1", 2, { rate: 50, cpuMicros: 40 }),
    run("outrigger-go", 2, { rate: 170, cpuMicros: 14 }),
  ];

  test("are compared with the better Kafka Streams of their own round", () => {
    assert.deepEqual(
      verdictLines(runs).map((line) => line.split(/ {2,}/)[0]),
      ["W2 go 3.3x ok", "W2 go cpu 0.35x ok", "W2 python 1.9x short", "W2 python cpu 0.40x short"],
    );
  });
  test("are not compared where no round has both", () => {
    const alone = runs.filter(({ system, round }) => round === 2 || system === "outrigger-python");
    const [line] = verdictLines(alone.filter(({ round }) => round === 1));
    assert.equal(line, "W2 python NOT PROVED: no round has both it and Kafka Streams, right");
  });
  test("are not compared by a run that was wrong", () => {
    const wrong = run("outrigger-go", 1, { rate: 9_000 }, "1 faults");
    const lines = verdictLines([run("kafka-streams-1", 1, {}), wrong]);
    assert.deepEqual(lines, ["W2 go NOT PROVED: no round has both it and Kafka Streams, right"]);
  });
  test("are short by what is printed", () => {
    const close = (rate: number): Run[] => [
      run("kafka-streams-1", 1, {}),
      run("outrigger-go", 1, { rate }),
    ];
    assert.match(verdictLines(close(296))[0] ?? "", /^W2 go 3\.0x ok /);
    assert.match(verdictLines(close(294))[0] ?? "", /^W2 go 2\.9x short /);
  });
  test("have the median and its range in the table, and whether all of it was right", () => {
    const all = [...runs, run("outrigger-go", 3, { rate: 9_000 }, "1 faults"), failed];
    const table = tables(all);
    assert.match(table, /^\| outrigger-go \| 4 \| 0\.4 \(0\.2 to 9\.0\) \|.*\| \*\*no\*\* \|$/m);
    assert.match(table, /^\| kafka-streams-1 \| 2 \| 0\.1 .*\| yes \|$/m);
  });
  const failed: Run = { ...run("outrigger-go", 4, {}, "it died"), figures: null };
});

test("a median lies in the middle, and there is none of nothing", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 });
  assert.equal(spreadOf([]), null);
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
});
