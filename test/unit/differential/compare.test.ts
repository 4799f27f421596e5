import assert from "node:assert/strict";
import { test } from "node:test";
import { compareWithOurs, compareWithStreams } from "../../differential/compare.ts";
import { randomCase } from "../../differential/random-topology.ts";
import type { Outcome, Output } from "../../differential/topology.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const header = ["h", base64("1")] as const;
const OUTPUTS: readonly Output[] = [
  { topic: "out", key: base64("a"), value: base64("1"), at: 10, headers: [header] },
  { topic: "out", key: base64("a"), value: base64("2"), at: 7, headers: [] },
];
const changes = [{ key: base64("a"), value: base64("2"), at: 10 }];
const RUN: Outcome = {
  outputs: OUTPUTS,
  changelogs: { "test-store-changelog": changes },
  stores: { store: [{ key: base64("a"), value: base64("2") }] },
};

const withLast = (change: Partial<Output>): Outcome => {
  const [first, last] = OUTPUTS;
  assert.ok(first !== undefined && last !== undefined);
  return { ...RUN, outputs: [first, { ...last, ...change }] };
};

test("two runs that are the same have no difference", () => {
  assert.deepEqual(compareWithStreams(RUN, RUN).differences, []);
  assert.deepEqual(compareWithOurs(RUN, RUN).differences, []);
});

const planted: Readonly<Record<string, Outcome>> = {
  "another value": withLast({ value: base64("3") }),
  "an empty value in place of a tombstone": withLast({ value: null }),
  "another key": withLast({ key: base64("b") }),
  "no key in place of an empty one": withLast({ key: null }),
  "another time": withLast({ at: 8 }),
  "a header too many": withLast({ headers: [header] }),
  "another topic": withLast({ topic: "other" }),
  "an output lost": { ...RUN, outputs: OUTPUTS.slice(0, 1) },
  "an output doubled": { ...RUN, outputs: [...OUTPUTS, ...OUTPUTS.slice(1)] },
  "another order": { ...RUN, outputs: OUTPUTS.toReversed() },
  "another value in the changelog": {
    ...RUN,
    changelogs: { "test-store-changelog": [{ key: base64("a"), value: base64("1"), at: 10 }] },
  },
  "a key that the changelog lacks": { ...RUN, changelogs: { "test-store-changelog": [] } },
  "another value in the store": {
    ...RUN,
    stores: { store: [{ key: base64("a"), value: base64("1") }] },
  },
  "a key that the store lacks": { ...RUN, stores: { store: [] } },
  "a store that is not there": { ...RUN, stores: {} },
};

for (const [fault, other] of Object.entries(planted)) {
  test(`${fault} is a difference, whichever of the two has it`, () => {
    assert.notDeepEqual(compareWithStreams(other, RUN).differences, []);
    assert.notDeepEqual(compareWithStreams(RUN, other).differences, []);
    assert.notDeepEqual(compareWithOurs(other, RUN).differences, []);
    assert.notDeepEqual(compareWithOurs(RUN, other).differences, []);
  });
}

test("D-1 explains the time of the record that caused an output, and no other time", () => {
  const theirs = withLast({ at: 10, enteredAt: 7 });
  const { differences, explained } = compareWithStreams(RUN, theirs);
  assert.deepEqual(differences, []);
  assert.deepEqual([...explained], [["D-1", 1]]);
  assert.notDeepEqual(compareWithStreams(RUN, withLast({ at: 10, enteredAt: 6 })).differences, []);
  assert.notDeepEqual(compareWithStreams(RUN, withLast({ at: 5, enteredAt: 7 })).differences, []);
});

test("a window that Kafka Streams does not show any more is one that it had, with that value", () => {
  const start = 1_000;
  const key = Buffer.concat([Buffer.from("a"), Buffer.alloc(12)]);
  key.writeBigInt64BE(BigInt(start), 1);
  const logged = { key: key.toString("base64"), value: base64("2"), at: 10 };
  const changelogs = { "test-store-changelog": [logged] };
  const ours = { ...RUN, changelogs, stores: { store: [{ ...OURS, start }] } };
  const theirs = { ...RUN, changelogs, stores: { store: [] } };
  assert.deepEqual(compareWithStreams(ours, theirs).differences, []);
  const other = { ...ours, stores: { store: [{ ...OURS, value: base64("3"), start }] } };
  assert.notDeepEqual(compareWithStreams(other, theirs).differences, []);
});

const OURS = { key: base64("a"), value: base64("2") };

test("a seed decides a topology and its input", () => {
  for (const reach of ["plain", "any"] as const) {
    assert.deepEqual(randomCase(7, reach), randomCase(7, reach));
    assert.notDeepEqual(randomCase(7, reach).nodes, randomCase(8, reach).nodes);
  }
});
