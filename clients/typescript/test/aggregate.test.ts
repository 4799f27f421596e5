import assert from "node:assert/strict";
import { it } from "node:test";
import { int64, json, nullable, utf8 } from "../src/serdes.ts";
import { windowed } from "../src/windowed.ts";
import { tumbling } from "../src/windows.ts";
import { FakeSidecar, outputsOf, plainText, segment, source, text } from "./fake-sidecar.ts";

const SINK = { key: utf8, value: utf8 };

it("an aggregate in the application: folds each record into its windows' values and forwards each new one", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, json<number>())
    .groupByKey()
    .windowedBy(tumbling("1s"))
    .aggregate(
      () => 0,
      (_key, value, sum) => sum + value,
      { store: "sums", value: json<number>(), name: "a" },
    )
    .map(({ key: { key, window }, value }) => ({
      key: `${key}@${window.start}-${window.end}`,
      value: String(value),
    }))
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["sums"], sinks: ["out"] });
  sidecar.batch({
    segments: [
      segment([
        ["a", "1"],
        ["b", "2"],
        ["a", "3"],
        ["late", "4"],
      ]),
    ],
    states: [
      {
        values: [text("10"), text("")],
        absent: [1],
        slots: [0, 1, 0],
        slotCounts: [1, 1, 1, 0],
        windowBase: 5000n,
        windowUnitMs: 1000n,
        windowSteps: [0, -2],
      },
    ],
  });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), [
    "0: a@5000-6000=11",
    "1: b@3000-4000=2",
    "2: a@5000-6000=14",
  ]);
  const [mutation] = result.mutations;
  assert.deepEqual(mutation?.slots, [0, 1]);
  assert.deepEqual(mutation?.values.map(plainText), ["14", "2"]);
});

it("an aggregate in the application: takes window starts as they are where they do not fit steps", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .windowedBy(tumbling(1))
    .aggregate(
      () => "",
      (_key, value) => value,
      { store: "s", value: utf8, name: "a" },
    )
    .map(({ key }) => ({ key: String(key.window.start), value: "" }))
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["s"], sinks: ["out"] });
  const windows = { windowUnitMs: 1n, windowStarts: [0n, 1_000_000_000_000n] };
  const states = [{ values: [text(""), text("")], absent: [0, 1], ...windows }];
  sidecar.batch({
    segments: [
      segment([
        ["a", ""],
        ["b", ""],
      ]),
    ],
    states,
  });
  assert.deepEqual(outputsOf(await sidecar.result()), ["0: 0=", "1: 1000000000000="]);
});

it("an aggregate in the application: skips, as Kafka Streams does, records without key or without value, unread", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .aggregate(
      () => "",
      (_key, value, all) => all + value,
      { store: "s", value: utf8, name: "a" },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["s"], sinks: ["out"] });
  const states = [{ values: [text("x")], slots: [0], slotCounts: [0, 1, 0] }];
  sidecar.batch({
    segments: [
      segment([
        [null, "1"],
        ["k", "2"],
        ["k", null],
      ]),
    ],
    states,
  });
  const result = await sidecar.result();
  assert.equal(result.failure, undefined);
  assert.deepEqual(outputsOf(result), ["1: k=x2"]);
});

it("an aggregate in the application: skips null values that a mapValues above it made", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .mapValues((value) => (value === "drop" ? null : value), { name: "m" })
    .groupByKey()
    .aggregate(
      () => "",
      (_key, value, all) => `${all}${value}`,
      { store: "s", value: utf8, name: "a" },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["m"], stores: ["s"], sinks: ["out"] });
  const states = [{ values: [text("x")], slots: [0, 0] }];
  sidecar.batch({
    segments: [
      segment([
        ["k", "drop"],
        ["k", "2"],
      ]),
    ],
    states,
  });
  assert.deepEqual(outputsOf(await sidecar.result()), ["1: k=x2"]);
});

it("an aggregate in the application: deletes its value where it becomes null, and forwards a tombstone", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .aggregate(
      (): string | null => null,
      (_key, value) => (value === "end" ? null : value),
      { store: "s", value: nullable(utf8), name: "a" },
    )
    .to("topic-out", { key: utf8, value: nullable(utf8) }, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["s"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["k", "end"]])], states: [{ values: [text("x")] }] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: k=null"]);
  assert.deepEqual(result.mutations[0]?.deletes, [0]);
});

it("a count in the sidecar: arrives as windowed keys and 64-bit counts", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .windowedBy(tumbling("5m"))
    .count({ name: "c" })
    .map(({ key, value }) => ({ key: `${key.key}@${key.window.end}`, value: `${value}` }), {
      name: "m",
    })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["m"], sinks: ["out"] });
  const key = windowed(utf8, 300_000).serialize({
    key: "k",
    window: { start: 300_000, end: 600_000 },
  });
  const rows = {
    ...segment([["", ""]]),
    keys: [key ?? text("")],
    values: [int64.serialize(3n) ?? text("")],
  };
  sidecar.batch({ segments: [rows] });
  assert.deepEqual(outputsOf(await sidecar.result()), ["0: k@600000=3"]);
});

it("an aggregate in the application: leaves no trace of what a failed record has written to its store", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .aggregate(
      () => "",
      (_key, value, all) => all + value,
      { store: "all", value: utf8, name: "a" },
    )
    .peek(({ value }) => assert.notEqual(value, "2"), { name: "p" })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["all"], sinks: ["out"] });
  const rows = [
    ["a", "1"],
    ["b", "2"],
  ] as const;
  sidecar.batch({ segments: [segment(rows)], states: [{ values: [text(""), text("")] }] });
  const { done, failure, mutations } = await sidecar.result();
  assert.equal(done, 1);
  assert.equal(failure?.node, "p");
  const [mutation] = mutations;
  assert.deepEqual([mutation?.slots, mutation?.deletes], [[0], []]);
  assert.deepEqual(mutation?.values.map(plainText), ["1"]);
});

it("an aggregate in the application: goes to a topic of the same serde as its store has it", async () => {
  const sidecar = new FakeSidecar();
  let written = 0;
  const counted = {
    ...utf8,
    serialize: (value: string) => {
      written += 1;
      return utf8.serialize(value);
    },
  };
  const sums = source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .aggregate(
      () => "",
      (_key, value, all) => all + value,
      { store: "all", value: counted, name: "a" },
    );
  sums.to("topic-out", { key: utf8, value: counted }, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["all"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["a", "1"]])], states: [{ values: [text("0")] }] });
  assert.deepEqual(outputsOf(await sidecar.result()), ["0: a=01"]);
  assert.equal(written, 1);
});
