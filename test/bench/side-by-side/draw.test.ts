import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";
import { draw, withFigures } from "./draw.ts";
import { shown, svg } from "./picture.ts";
import { picturesOf } from "./pictures.ts";
import { runOf } from "./runs.ts";

const RUNS = [
  runOf("W2", "kafka-streams-1", { lastHalfRate: 100_000, cpuMicros: 20 }),
  runOf("W2", "outrigger-go", { lastHalfRate: 300_000, cpuMicros: 6 }),
  runOf("W2", "outrigger-go", { lastHalfRate: 400_000, cpuMicros: 5 }, 2),
  { ...runOf("W2", "quix", { lastHalfRate: 900_000 }), fault: "1 faults" },
  runOf("partitions-64", "outrigger-typescript", { rate: 5_000 }),
  runOf("partitions-1", "outrigger-typescript", { rate: 2_500 }),
];

describe("pictures of runs", () => {
  test("are of what was measured, our own first, and of no run that was wrong", () => {
    const pictures = picturesOf(RUNS);
    assert.deepEqual([...pictures.keys()], ["throughput", "processor-time", "growth"]);
    const [group] = pictures.get("throughput")?.groups ?? [];
    assert.deepEqual(group?.bars, [
      { label: "outrigger-go", kind: "own", value: 350, least: 300, most: 400 },
      { label: "kafka-streams-1", kind: "peer", value: 100, least: 100, most: 100 },
    ]);
    const grown = pictures.get("growth")?.groups ?? [];
    assert.deepEqual(
      grown.map(({ title, bars }) => [title, ...bars.map(({ label, value }) => [label, value])]),
      [["Partitions (W2)", ["1", 2_500], ["64", 5_000]]],
    );
  });
  test("have bars as long as their values, on a scale that the longest fills", () => {
    const picture = picturesOf(RUNS).get("throughput");
    assert.ok(picture !== undefined);
    const drawn = svg(picture);
    const widths = [...drawn.matchAll(/class="(?:own|peer)".* width="([\d.]+)"/g)].map(widthOf);
    // 560 for 400, which is the most of the longest.
    assert.deepEqual(widths, [490, 140]);
    assert.match(drawn, /prefers-color-scheme: dark/);
  });
  test("say nothing that SVG would take for its own", () => {
    const bars = [{ label: "a<b&c", value: 1, least: 1, most: 1, kind: "own" }] as const;
    const groups = [{ title: '"', bars }];
    const drawn = svg({ title: "x", unit: "y", scale: "own", groups });
    assert.match(drawn, /a&lt;b&amp;c/);
    assert.match(drawn, />&quot;</);
  });
  test("round to three digits that count", () => {
    const values = [0, 0.0456, 0.5, 1.234, 45.67, 123.4, 123_456.7];
    assert.deepEqual(values.map(shown), ["0", "0.0456", "0.5", "1.23", "45.7", "123", "123,457"]);
  });
});

function widthOf([, text]: RegExpMatchArray): number {
  return Number(text);
}

describe("the page of figures", () => {
  test("is written between its marks, and again over what was written", (context) => {
    const root = mkdtempSync(join(tmpdir(), "outrigger-bench-draw-"));
    context.after(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, "docs"));
    const page = join(root, "docs/performance.md");
    cpSync(join(REPOSITORY_ROOT, "docs/performance.md"), page);
    const before = readFileSync(page, "utf8");
    assert.equal(draw(RUNS, root), 0);
    const once = readFileSync(page, "utf8");
    assert.match(once, /^Measured 2026-01-31, at commit abc1234\.$/m);
    assert.match(once, /^W2 go 3\.0x ok /m);
    assert.match(once, /^!\[throughput\]\(pictures\/throughput\.svg\)$/m);
    assert.ok(existsSync(join(root, "docs/pictures/growth.svg")));
    const [head, tail] = [before.split("<!--")[0] ?? "", before.split("-->").at(-1) ?? ""];
    assert.ok(once.startsWith(head) && once.endsWith(tail));
    draw(RUNS, root);
    assert.equal(readFileSync(page, "utf8"), once);
  });
  test("is left alone where it has no marks, or there is no run", () => {
    assert.throws(() => withFigures("# Performance\n", "x"), /the page has no/);
    assert.equal(draw([], "/nowhere"), 2);
  });
});
