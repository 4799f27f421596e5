import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { int64, json, nullable, utf8 } from "../src/serdes.ts";
import type { KStream } from "../src/streams.ts";
import { session, sliding } from "../src/windows.ts";
import { FakeSidecar, outputsOf, plainText, segment, source, text } from "./fake-sidecar.ts";

const SINK = { key: utf8, value: utf8 };
const MAYBE = { key: utf8, value: nullable(utf8) };

it("writes what a stage's sinks name with the serdes of that node, and runs all else", async () => {
  const sidecar = new FakeSidecar();
  const lengths = source(sidecar.builder, utf8, utf8).mapValues((value) => BigInt(value.length), {
    name: "length",
  });
  lengths.groupByKey({ value: int64 }).sum({ number: "int64", name: "sum" });
  lengths.mapValues(String, { name: "text" }).to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["length"], sinks: ["out", "sum"] });
  sidecar.batch({ segments: [segment([["k", "four"]])] });
  const { outputs } = await sidecar.result();
  assert.deepEqual(outputs?.sinks, [1, 0]);
  assert.deepEqual(int64.deserialize(outputs?.values[0] ?? null), 4n);
  assert.equal(plainText(outputs?.values[1]), "4");
});

it("names the node whose rows cannot be written, and says what is missing", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .map((record) => record, { name: "m" })
    .groupByKey()
    .count({ name: "count" });
  sidecar.welcome({ entries: ["m"], sinks: ["count"] });
  sidecar.batch({ segments: [segment([["k", "v"]])] });
  const { failure } = await sidecar.result();
  assert.equal(failure?.node, "count");
  assert.match(failure?.message ?? "", /bytes takes Uint8Array: name its serde/);
});

it("ends where a built-in node is neither in the stage nor among its sinks", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .mapValues((value) => value, { name: "m" })
    .groupByKey()
    .count({ name: "count" });
  sidecar.welcome({ entries: ["m"], sinks: [] });
  sidecar.batch({ segments: [segment([["k", "v"]])] });
  await sidecar.until(() => sidecar.rejection !== null);
  assert.equal(sidecar.rejection?.code, "PROTOCOL_VIOLATION");
  assert.match(sidecar.rejection?.message ?? "", /"count", which does not run here/);
});

it("makes a node of several parents once, however many ways lead to it", async () => {
  const sidecar = new FakeSidecar();
  let stream: KStream<string, string> = source(sidecar.builder, utf8, utf8).filter(() => true, {
    name: "first",
  });
  for (let each = 0; each < 60; each++) stream = stream.merge(stream.filter(() => true));
  stream.to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["first"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([])] });
  assert.equal((await sidecar.result()).done, 0);
});

it("hands several records for one on in order, also where the code that follows waits", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .flatMapValues((value) => value.split(" "), { name: "words" })
    .flatMap(
      ({ key, value }) =>
        new Set([
          { key: value, value: key },
          { key, value },
        ]),
    )
    .processValues<string>(async ({ value }, ctx) => {
      if (value.startsWith("k")) await turn();
      ctx.forward({ value });
    })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["words"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["k", "a b"]])] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: a=k", "0: k=a", "0: b=k", "0: k=b"]);
});

it("fails a record whose processValues forwards another key, whatever the handler makes of it", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .processValues<string>(
      (record, ctx) => {
        ctx.forward({ ...record, value: "kept" });
        if (record.key === "same") return;
        assert.throws(() => ctx.forward({ key: `${record.key}!`, value: "" }), /another key/);
      },
      { name: "p" },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  const rows = [
    ["same", "v"],
    ["other", "v"],
  ] as const;
  sidecar.batch({ segments: [segment(rows)] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: same=kept"]);
  assert.equal(result.failure?.node, "p");
  assert.match(result.failure?.message ?? "", /processValues keeps it/);
});

it("shows a peek each record, and goes on with it as it came", async () => {
  const sidecar = new FakeSidecar();
  const seen: string[] = [];
  source(sidecar.builder, utf8, utf8)
    .peek(({ key, value }) => seen.push(`${key}=${value}`), { name: "p" })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["k", "v"]])] });
  assert.deepEqual(outputsOf(await sidecar.result()), ["0: k=v"]);
  assert.deepEqual(seen, ["k=v"]);
});

/** The state of two sessions and the one that they become with the next record. */
const MERGING = {
  values: ["one", "two", ""].map(text),
  absent: [2],
  slots: [0, 1, 2],
  slotCounts: [3],
  windowUnitMs: 1n,
  windowStarts: [0n, 100n, 0n],
  sessionLengths: [10n, 0n, 100n],
};

it("reduces sessions that merge in their order, and the record last", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .windowedBy(session(100))
    .reduce((one, two) => `${one}+${two}`, { store: "s", name: "r" })
    .map(({ key: { key, window }, value }) => ({
      key: `${key}@${window.start}-${window.end}`,
      value,
    }))
    .processValues<string | null>(async (record, ctx) => {
      await turn();
      ctx.forward(record);
    })
    .to("topic-out", MAYBE, { name: "out" });
  sidecar.welcome({ entries: ["r"], stores: ["s"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["k", "new"]])], states: [MERGING] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), [
    "0: k@0-10=null",
    "0: k@100-100=null",
    "0: k@0-100=one+two+new",
  ]);
  assert.deepEqual(result.mutations[0]?.deletes, [0, 1]);
  assert.deepEqual(result.mutations[0]?.slots, [0, 1, 2]);
});

it("takes a merge back whole where what follows fails", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .windowedBy(session(100))
    .aggregate(
      () => "",
      (_key, value, all) => `${all}${value}`,
      (_key, one, two) => `${one}${two}`,
      { store: "s", value: utf8, name: "a" },
    )
    .process<string, string | null>(({ value, key }, ctx) => {
      if (value !== null) throw new Error("no");
      ctx.forward({ key: key.key, value });
    })
    .to("topic-out", MAYBE, { name: "out" });
  sidecar.welcome({ entries: ["a"], stores: ["s"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["k", "new"]])], states: [MERGING] });
  const result = await sidecar.result();
  assert.equal(result.done, 0);
  assert.deepEqual(outputsOf(result), []);
  assert.deepEqual(result.mutations, []);
});

it("folds a null value in sessions, and not in sliding windows", async () => {
  for (const [windows, wanted] of [
    [session(5), ["0: k=1"]],
    [sliding(5), []],
  ] as const) {
    const sidecar = new FakeSidecar();
    const grouped = source(sidecar.builder, utf8, nullable(utf8)).groupByKey();
    const options = { store: "s", value: json<number>(), name: "a" };
    const add = (_key: string, _value: string | null, sum: number): number => sum + 1;
    const folded =
      windows.kind === "session"
        ? grouped.windowedBy(windows).aggregate(
            () => 0,
            add,
            (_key, a, b) => a + b,
            options,
          )
        : grouped.windowedBy(windows).aggregate(() => 0, add, options);
    folded
      .map(({ key, value }) => ({ key: key.key, value: String(value) }))
      .to("topic-out", SINK, { name: "out" });
    sidecar.welcome({ entries: ["a"], stores: ["s"], sinks: ["out"] });
    const states = [{ values: [text("")], absent: [0], windowSteps: [0] }];
    sidecar.batch({ segments: [segment([["k", null]])], states });
    assert.deepEqual(outputsOf(await sidecar.result()), wanted);
  }
});
