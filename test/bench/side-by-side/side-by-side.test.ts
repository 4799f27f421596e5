import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { REPOSITORY_ROOT, whyNoKafka } from "../../support/kafka-jars.ts";
import { SYSTEMS } from "./systems.ts";

/** `npm run bench` as a whole, on a small input. Needs `npm run build`. */
const MAIN = join(import.meta.dirname, "main.ts");
const TRIO = "kafka-streams-1,outrigger-typescript,raw-java";

interface Said {
  readonly status: number | null;
  readonly text: string;
  readonly last: string | undefined;
}

function bench(...flags: readonly string[]): Said {
  const args = ["--import", "tsx", "--conditions=@outrigger/source", MAIN, ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: REPOSITORY_ROOT,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr, last: stdout.trimEnd().split("\n").at(-1) };
}

function whyNoQuix(): string | false {
  return SYSTEMS.find(({ name }) => name === "quix")?.whyNot() ?? false;
}

describe("the benchmark", { skip: whyNoKafka() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-test-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "results.jsonl");
  const small = ["--records", "5000", "--rounds", "1", "--workloads", "W2", "--systems", TRIO];

  test("runs systems side by side, judges them, and keeps what it has found", () => {
    const { status, text, last } = bench(...small, "--results", file);
    assert.equal(last, "3 passed, 0 failed", text);
    assert.equal(status, 0);
    assert.match(text, /^W2 typescript \d+\.\dx (?:ok|short) /m);
    assert.match(text, /^W2 typescript cpu \d+\.\d\dx (?:ok|short) /m);
    assert.match(text, /^\| kafka-streams-1 \| 1 \|.*\| yes \|$/m);
    assert.equal(readFileSync(file, "utf8").trimEnd().split("\n").length, 3);
  });
  test("does no run again that is there, and fails by one that was wrong", () => {
    const before = readFileSync(file, "utf8");
    assert.equal(bench(...small, "--results", file).last, "3 passed, 0 failed");
    assert.equal(readFileSync(file, "utf8"), before);
    writeFileSync(file, before.replace('"fault":null', '"fault":"1 faults, first key 1: lost"'));
    const wrong = bench(...small, "--results", file);
    assert.equal(wrong.last, "2 passed, 1 failed");
    assert.equal(wrong.status, 1);
    assert.match(wrong.text, /\| \*\*no\*\* \|$/m);
  });
  test("restores what it deleted, and measures how long outputs take", () => {
    const pair = ["--systems", "kafka-streams-1,outrigger-typescript", "--rounds", "1"];
    const little = ["--entries", "3000", "--seconds", "1", "--workloads", "W6-random,W7-2000"];
    const { status, text, last } = bench(...pair, ...little);
    assert.equal(last, "4 passed, 0 failed", text);
    assert.equal(status, 0);
    assert.match(text, /^W6-random typescript \d+\.\dx (?:ok|short) /m);
    for (const figure of ["p50", "p99", "cpu"]) {
      assert.match(
        text,
        new RegExp(`^W7-2000 typescript ${figure} \\d+\\.\\d\\dx (?:ok|short) `, "m"),
      );
    }
  });
  test("runs stores with little memory, and Quix Streams", { skip: whyNoQuix() }, () => {
    const systems = ["--systems", "quix,kafka-streams-1,outrigger-typescript"];
    const little = ["--records", "2000", "--rounds", "1", "--workloads", "W2,W3-cold"];
    const { status, text, last } = bench(...systems, ...little);
    assert.equal(last, "5 passed, 0 failed", text);
    assert.equal(status, 0);
    assert.match(text, /^\| quix \| 1 \|.*\| yes \|$/m);
    assert.match(text, /^W3-cold typescript \d+\.\dx (?:ok|short) /m);
  });
  test("lets one thing grow, with the memory that it may take", () => {
    const points = ["--workloads", "partitions-64,handler-10", "--records", "640"];
    const { status, text, last } = bench("--growth", ...points);
    assert.equal(last, "2 passed, 0 failed", text);
    assert.equal(status, 0);
    assert.match(text, /^partitions-64 memory \d+ of \d+ MB ok$/m);
    assert.match(text, /^\| W1, 64 partitions, 10 ms .*\| yes \|$/m);
  });
  test("refuses what it does not know", () => {
    for (const flags of [
      ["--systems", "flink"],
      ["--workloads", "W9"],
      ["--records", "many"],
    ]) {
      const { status, text } = bench(...flags);
      assert.equal(status, 2, text);
      assert.match(text, /flink|W9|many/);
    }
  });
});
