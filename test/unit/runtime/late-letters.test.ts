import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeclaredNode, Windows } from "../../../src/model/topology.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { count, functionNode, sink, source, topology, windowStore } from "../topology/nodes.ts";

const { task } = testLimits;
const limitsWith = (lettersForLate: boolean): KernelLimits => ({
  ...testLimits,
  task: { ...task, failures: { ...task.failures, deadLetterTopic: "dead", lettersForLate } },
});
const IN = { topic: "in", partition: 0 };
const DEAD = { topic: "dead", partition: 0 };
const BASE = 1_000_000;

const kinds: Readonly<Record<string, Windows>> = {
  tumbling: { kind: "time", sizeMs: 100, advanceMs: 100, graceMs: 0 },
  hopping: { kind: "time", sizeMs: 100, advanceMs: 50, graceMs: 0 },
  sliding: { kind: "sliding", differenceMs: 100, graceMs: 0 },
  session: { kind: "session", gapMs: 100, graceMs: 0 },
};

function declared(windows: Windows, below: readonly DeclaredNode[] = []) {
  const kind = windows.kind === "session" ? "session" : "window";
  const nodes = [
    source("in", "in"),
    ...below,
    count("n", below.at(-1)?.name ?? "in", "s", windows),
  ];
  return topology([...nodes, sink("o", "n", "out")], [{ ...windowStore("s"), kind }]);
}

const records = [
  { key: "a", value: "1", timestamp: BASE },
  { key: "a", value: "2", timestamp: BASE + 10_000 },
  { key: "a", value: "late", timestamp: BASE + 1 },
  { key: null, value: "keyless", timestamp: BASE + 1 },
  { key: "a", value: "3", timestamp: BASE + 10_001 },
];

async function run(
  windows: Windows,
  isOn: boolean,
  below: readonly DeclaredNode[] = [],
): Promise<KernelWorld> {
  const program = compile(declared(windows, below), { applicationId: "app" });
  const doubled = ({ key, value }: { key: string | null; value: string | null }) => {
    const twice = [key ?? "", value ?? ""] as const;
    return { outputs: key === null ? [] : [twice, twice] };
  };
  const kernel = await KernelWorld.start(program, doubled, undefined, limitsWith(isOn));
  kernel.world.append(IN, ...records);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === records.length);
  return kernel;
}

for (const [name, windows] of Object.entries(kinds)) {
  test(`a record that is late for ${name} windows has a dead letter where it is wanted`, async () => {
    const kernel = await run(windows, true);
    const [letter, ...others] = kernel.world.log(DEAD);
    assert.deepEqual([letter?.key, letter?.value, others.length], ["a", "late", 0]);
    const off = await run(windows, false);
    assert.deepEqual(off.world.log(DEAD), []);
    assert.deepEqual(
      off.world.log({ topic: "out", partition: 0 }).length,
      kernel.world.log({ topic: "out", partition: 0 }).length,
    );
  });
}

test("one record that has become several late ones has one dead letter, of itself", async () => {
  const kernel = await run(kinds["tumbling"] as Windows, true, [
    functionNode("f", "flatMapValues", ["in"]),
  ]);
  const letters = kernel.world.log(DEAD).map(({ key, value }) => [key, value]);
  assert.deepEqual(letters, [["a", "late"]]);
});
