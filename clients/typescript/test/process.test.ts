import assert from "node:assert/strict";
import { it } from "node:test";
import { nullable, utf8 } from "../src/serdes.ts";
import { keyValueStore } from "../src/stores.ts";
import { FakeSidecar, outputsOf, plainText, segment, source, text } from "./fake-sidecar.ts";

const counts = keyValueStore("counts", { key: utf8, value: utf8 });
const SINK = { key: utf8, value: utf8 };
const PROCESS = { entries: ["p"], sinks: ["out"] };
const WITH_STORE = { ...PROCESS, stores: ["counts"] };

it("process: gets each record with its place, time, headers and idempotency key, in order", async () => {
  const sidecar = new FakeSidecar();
  const seen: unknown[] = [];
  source(sidecar.builder, nullable(utf8), nullable(utf8)).process(
    ({ key, value, timestamp, headers, topic, partition, offset, idempotencyKey }) => {
      seen.push([key, value, timestamp, headers.length, topic, partition, offset, idempotencyKey]);
    },
    { name: "p" },
  );
  sidecar.welcome({ entries: ["p"] });
  const headers = [{ row: 1, headers: [{ key: "h", value: text("x") }, { key: "h" }] }];
  const pairs = [
    ["a", "1"],
    [null, ""],
    ["c", null],
  ] as const;
  const sparse = { partition: 3, offsetDeltas: [0, 5, 9], timestampDeltas: [0, -1, 7], headers };
  sidecar.batch({ dispatchId: 4n, segments: [segment(pairs, sparse)] });
  const { done, dispatchId, taskId, failure } = await sidecar.result();
  assert.deepEqual([done, dispatchId, taskId, failure], [3, 4n, "0_0", undefined]);
  assert.deepEqual(seen, [
    ["a", "1", 1000, 0, "topic", 3, 10n, "app/topic-3@10"],
    [null, "", 999, 2, "topic", 3, 15n, "app/topic-3@15"],
    ["c", null, 1007, 0, "topic", 3, 19n, "app/topic-3@19"],
  ]);
});

it("process: forwards any number of records, which take their input's time and headers", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      (record, ctx) => {
        ctx.forward({ key: record.key, value: "one" });
        if (record.key === "b") ctx.forward({ ...record, value: "two" });
      },
      { name: "p" },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(PROCESS);
  sidecar.batch({
    segments: [
      segment([
        ["a", "1"],
        ["b", "2"],
      ]),
    ],
  });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: a=one", "1: b=one", "1: b=two"]);
  assert.deepEqual(result.outputs?.timestamps, []);
  assert.deepEqual(result.outputs?.headers, []);
  assert.deepEqual(result.outputs?.sinks, []);
});

it("process: keeps a time and headers of its own through the nodes behind it", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      ({ key, value }, ctx) => {
        if (key === "a") ctx.forward({ key, value });
        else ctx.forward({ key, value, timestamp: 5, headers: [{ key: "h", value: null }] });
      },
      { name: "p" },
    )
    .mapValues((value) => `${value}!`)
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(PROCESS);
  const headers = [{ row: 1, headers: [{ key: "input's", value: text("x") }] }];
  sidecar.batch({
    segments: [
      segment(
        [
          ["a", "1"],
          ["b", "2"],
        ],
        { headers },
      ),
    ],
  });
  const { outputs } = await sidecar.result();
  assert.deepEqual(outputs?.timestamps, [1000n, 5n]);
  assert.deepEqual(
    outputs?.headers.map(({ row, headers: [first] }) => [row, first?.key, first?.value]),
    [[1, "h", undefined]],
  );
});

it("process: says which sink an output goes to", async () => {
  const sidecar = new FakeSidecar();
  const stream = source(sidecar.builder, utf8, utf8).filter(() => true, { name: "p" });
  stream.to("left", SINK, { name: "l" });
  stream.mapValues(() => "r").to("right", SINK, { name: "r" });
  sidecar.welcome({ entries: ["p"], sinks: ["r", "l"] });
  sidecar.batch({ segments: [segment([["a", "1"]])] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: a=1", "0: a=r"]);
  assert.deepEqual(result.outputs?.sinks, [1, 0]);
});

it("process: leaves nothing of a record whose handler throws, and everything of those before it", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      async (record, ctx) => {
        const store = ctx.store(counts);
        const before = (await store.get("a")) ?? "";
        store.put("a", `${before}${record.value}`);
        store.put("other", record.value);
        ctx.forward({ key: record.key, value: record.value });
        if (record.value === "bad") throw new RangeError("no good");
      },
      { name: "p", stores: [counts] },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(WITH_STORE);
  const values = [text("0")];
  sidecar.batch({
    segments: [
      segment([
        ["a", "1"],
        ["a", "bad"],
        ["a", "3"],
      ]),
    ],
    states: [{ values, slots: [0, 0, 0] }],
  });
  const result = await sidecar.result();
  assert.equal(result.done, 1);
  assert.equal(result.failure?.type, "RangeError");
  assert.equal(result.failure?.message, "no good");
  assert.deepEqual(outputsOf(result), ["0: a=1"]);
  const [mutation] = result.mutations;
  assert.deepEqual(mutation?.slots, [0]);
  assert.deepEqual(mutation?.keys.map(plainText), ["other"]);
  assert.deepEqual(mutation?.values.map(plainText), ["01", "1"]);
});

it("process: finishes what a handler forwarded without waiting for it, in order", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      (record, ctx) => {
        ctx.forward({ key: record.key, value: "1" });
        ctx.forward({ key: record.key, value: "2" });
      },
      { name: "p" },
    )
    .process(async (record, ctx) => {
      await new Promise((resolve) => setImmediate(resolve));
      ctx.forward({ key: record.key, value: record.value });
    })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(PROCESS);
  sidecar.batch({
    segments: [
      segment([
        ["a", ""],
        ["b", ""],
      ]),
    ],
  });
  assert.deepEqual(outputsOf(await sidecar.result()), ["0: a=1", "0: a=2", "1: b=1", "1: b=2"]);
});

it("process: fails the record when a handler further down fails that nobody waited for", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process((record, ctx) => void ctx.forward({ key: record.key, value: "" }), { name: "p" })
    .process(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("further down");
    })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(PROCESS);
  sidecar.batch({ segments: [segment([["a", ""]])] });
  assert.equal((await sidecar.result()).failure?.message, "further down");
});

it("process: refuses what comes after the record is done", async () => {
  const sidecar = new FakeSidecar();
  let late: () => unknown = () => {};
  source(sidecar.builder, utf8, utf8).process(
    (record, ctx) => {
      const store = ctx.store(counts);
      late = () => store.put(record.key, "late");
    },
    { name: "p", stores: [counts] },
  );
  sidecar.welcome(WITH_STORE);
  sidecar.batch({ segments: [segment([["a", ""]])], states: [{ values: [text("")] }] });
  await sidecar.result();
  assert.throws(late, /after the record was done/);
});

it("process: fails a record that cannot be read, or written, saying which and why", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8).mapValues((value) => value, { name: "p" });
  sidecar.welcome({ entries: ["p"] });
  sidecar.batch({ segments: [segment([["a", null]])] });
  const { failure } = await sidecar.result();
  assert.match(failure?.message ?? "", /value of app\/topic-0@10 cannot be read: .*nullable/);
});

it("process: fails the record with which a result would outgrow a frame, and answers those before", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .mapValues(() => "x".repeat(50_000), { name: "p" })
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(PROCESS, 200 * 1024);
  const pairs = Array.from({ length: 5 }, () => ["k", "v"] as const);
  sidecar.batch({ segments: [segment(pairs)] });
  const { done, failure, outputs } = await sidecar.result();
  assert.equal(done, 2);
  assert.equal(outputs?.values.length, 2);
  assert.match(failure?.message ?? "", /bytes, the sidecar takes/);
});

function counter(): FakeSidecar {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      async (record, ctx) => {
        const store = ctx.store(counts);
        const [verb = "", key = "", value = ""] = record.value.split(" ");
        if (verb === "put") store.put(key, value);
        if (verb === "del") store.delete(key);
        ctx.forward({ key, value: (await store.get(key)) ?? "nothing" });
      },
      { name: "p", stores: [counts] },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome(WITH_STORE);
  return sidecar;
}

it("a key-value store: has the batch's keys at hand, and shows each record what those before it wrote", async () => {
  const sidecar = counter();
  const pairs = [
    ["a", "get a"],
    ["a", "put a 1"],
    ["b", "get a"],
    ["b", "get b"],
    ["a", "del a"],
    ["a", "get a"],
  ] as const;
  const states = [{ values: [text("0"), text("")], absent: [1], slots: [0, 0, 1, 1, 0, 0] }];
  sidecar.batch({ segments: [segment(pairs)], states });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), [
    "0: a=0",
    "1: a=1",
    "2: a=1",
    "3: b=nothing",
    "4: a=nothing",
    "5: a=nothing",
  ]);
  assert.equal(sidecar.frames.length, 1, "nothing was asked for");
  const [mutation] = result.mutations;
  assert.deepEqual([mutation?.slots, mutation?.deletes], [[0], [0]]);
});

it("a key-value store: asks the sidecar for other keys, once each, and sends what was written to them by key", async () => {
  const sidecar = counter();
  const pairs = [
    ["a", "get x"],
    ["a", "get x"],
    ["a", "put x 7"],
    ["a", "get x"],
  ] as const;
  const states = [{ values: [text("0")], slots: [0, 0, 0, 0] }];
  sidecar.batch({ dispatchId: 9n, segments: [segment(pairs)], states });
  const question = await sidecar.question();
  assert.deepEqual(question.keys.map(plainText), ["x"]);
  assert.equal(question.dispatchId, 9n);
  sidecar.answerState(question.requestId, text("5"));
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: x=5", "1: x=5", "2: x=7", "3: x=7"]);
  const [mutation] = result.mutations;
  assert.deepEqual([mutation?.slots, mutation?.keys.map(plainText)], [[], ["x"]]);
  assert.deepEqual(mutation?.values.map(plainText), ["7"]);
});

it("a key-value store: hands the batch back when the sidecar cannot say: that is no fault of the record", async () => {
  const sidecar = counter();
  const states = [{ values: [text("0")] }];
  sidecar.batch({ dispatchId: 9n, segments: [segment([["a", "get x"]])], states });
  const { requestId } = await sidecar.question();
  sidecar.answerState(requestId, null, "the task has left");
  await sidecar.until(() => sidecar.handedBack.length > 0);
  assert.deepEqual(sidecar.handedBack, [9n]);
  assert.ok(!sidecar.frames.some((frame) => frame.case === "result"));
});

it("a key-value store: is refused to a processor that did not name it", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8).process(
    (_, ctx) => {
      ctx.store(counts);
    },
    { name: "p" },
  );
  sidecar.welcome({ entries: ["p"] });
  sidecar.batch({ segments: [segment([["a", ""]])] });
  assert.match((await sidecar.result()).failure?.message ?? "", /name it in `stores`/);
});

it("cuts what a failure says to 4 KiB each, between characters", async () => {
  const sidecar = new FakeSidecar();
  sidecar.source().process(
    () => {
      throw new RangeError("ä€".repeat(4_000));
    },
    { name: "p" },
  );
  sidecar.welcome({ entries: ["p"] });
  sidecar.batch({ segments: [segment([["a", ""]])] });
  const { failure } = await sidecar.result();
  assert.equal(Buffer.byteLength(failure?.message ?? ""), 4_095);
  assert.ok(failure?.message.endsWith("€"));
  assert.ok(Buffer.byteLength(failure?.stack ?? "") <= 4_096);
});
