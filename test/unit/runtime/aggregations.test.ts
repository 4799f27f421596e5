import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FailurePolicy } from "../../../src/model/failure.ts";
import type { Operator, Program } from "../../../src/model/topology.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { headersIn } from "../../support/headers.ts";
import { copyProgram, KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const sum: Operator = {
  kind: "sum",
  node: "total",
  store: 0,
  windows: null,
  takes: "valued",
  number: "int64",
};

function programOf(operator: Operator, over: Partial<Program> = {}): Program {
  const kind = operator.windows === null ? "keyValue" : "window";
  const stores = [{ name: "totals", kind, changelogTopic: "app-totals-changelog" }] as const;
  return { ...copyProgram, operators: [operator], stores, ...over };
}

const withoutCode = programOf(sum, { stage: null, directSinks: ["out"] });

const toText: Handler = ({ key, value }) => ({
  outputs: [[key ?? "", String(Buffer.from(value ?? "", "latin1").readBigInt64BE())]],
});

function limitsWith(
  deadLetterTopic: string | null,
  overrides: Partial<FailurePolicy> = {},
): KernelLimits {
  const failures = { ...testLimits.task.failures, deadLetterTopic, overrides };
  return { ...testLimits, task: { ...testLimits.task, failures, recordBytesMax: 5_000 } };
}

function long(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes.toString("latin1");
}

function send(kernel: KernelWorld, ...records: readonly (readonly [string, string])[]): void {
  const all = records.map(([key, value]) => ({ key, value, timestamp: 1_000 }));
  kernel.world.append({ topic: "in", partition: 0 }, ...all);
}

const sums = (kernel: KernelWorld): string[] =>
  kernel.world.log({ topic: "out", partition: 0 }).map(({ key, value }) => {
    return `${key}=${Buffer.from(value ?? "", "latin1").readBigInt64BE()}`;
  });

const mixed = [
  ["a", long(1n)],
  ["a", "seven"],
  ["a", long(2n)],
  ["b", ""],
  ["b", long(3n)],
] as const;

describe("a record that a built-in node cannot read", () => {
  for (const [name, program] of [
    ["before code of the application", programOf(sum)],
    ["without any", withoutCode],
  ] as const) {
    test(`is dead-lettered at once, ${name}, and the others are added up`, async () => {
      const kernel = await KernelWorld.start(program, toText, undefined, limitsWith("dead"));
      send(kernel, ...mixed);
      await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 5);
      const found = program.stage === null ? sums(kernel) : kernel.outputs();
      assert.deepEqual(found, ["a=1", "a=3", "b=3"]);
      const letters = kernel.world.log({ topic: "dead", partition: 0 });
      assert.deepEqual(
        letters.map(({ key, value }) => `${key}=${value}`),
        ["a=seven", "b="],
      );
      const headers = new Map(headersIn(Buffer.from(letters[0]?.headers ?? "", "latin1")));
      assert.equal(headers.get("outrigger.errors.reason"), "malformed");
      assert.equal(headers.get("outrigger.errors.node"), "total");
      assert.equal(headers.get("outrigger.errors.attempts"), "1");
      assert.match(headers.get("__streams.errors.message") ?? "", /int64 .* 8 bytes, .* has 5/);
      assert.equal(kernel.active.counters.deadLettered, 2);
      assert.ok(kernel.clock.nowMs() < 5_000, "it was tried again");
    });
  }

  test("is skipped where the policy says so", async () => {
    const limits = limitsWith(null, { exhausted: "skip" });
    const kernel = await KernelWorld.start(withoutCode, toText, undefined, limits);
    send(kernel, ...mixed);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 5);
    assert.deepEqual(sums(kernel), ["a=1", "a=3", "b=3"]);
  });

  test("stops its task where nothing else is said, and names node, offset, lengths, remedy", async () => {
    const kernel = await KernelWorld.start(withoutCode, toText);
    send(kernel, ...mixed);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 1);
    await kernel.clock.until(() => kernel.active.status().tasks[0]?.error != null);
    const text = kernel.active.status().tasks[0]?.error ?? "";
    assert.match(String(text), /in-0@1: .*node "total".*8 bytes, and it has 5: send what Kafka/);
    assert.deepEqual(sums(kernel), ["a=1"]);
  });
});

describe("a record that is in several windows", () => {
  const hopping: Operator = {
    ...sum,
    windows: { kind: "time", sizeMs: 1_000, advanceMs: 250, graceMs: 0 },
  };

  test("fails as one, whichever of its rows the code fails on", async () => {
    let failures = 2;
    const kernel = await KernelWorld.start(
      programOf(hopping),
      (row) => {
        const value = Buffer.from(row.value ?? "", "latin1").readBigInt64BE();
        const start = Buffer.from((row.key ?? "").slice(1), "latin1").readBigInt64BE();
        if (value === 6n && start === 750n && failures > 0) {
          failures -= 1;
          throw new Error("no");
        }
        return { outputs: [[`${start}`, String(value)]] };
      },
      undefined,
      limitsWith(null),
    );
    send(kernel, ["a", long(1n)], ["a", long(5n)], ["a", long(7n)]);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
    const starts = [250, 500, 750, 1_000];
    const expected = [1, 6, 13].flatMap((total) => starts.map((start) => `${start}=${total}`));
    assert.deepEqual(kernel.outputs(), expected);
    assert.equal(failures, 0);
  });
});
