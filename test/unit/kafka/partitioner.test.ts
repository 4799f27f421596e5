import assert from "node:assert/strict";
import { test } from "node:test";
import { CutBatches } from "../../../src/kafka/produce/cut-batches.ts";
import { murmur2, partitionOf } from "../../../src/kafka/produce/murmur2.ts";
import { PartitionQueue } from "../../../src/kafka/produce/partition-queue.ts";
import { BufferPool } from "../../../src/model/buffer-pool.ts";
import type { AppendedRecord } from "../../../src/ports/producer.ts";

/** The vectors of Kafka's own UtilsTest. */
const VECTORS: readonly (readonly [string, number])[] = [
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
  ["abc", 479_470_107],
];

test("murmur2 is Java's, wherever the key lies in its buffer", () => {
  for (const [text, hash] of VECTORS) {
    assert.equal(murmur2(Buffer.from(text), 0, text.length), hash, text);
    assert.equal(murmur2(Buffer.from(`..${text}..`), 2, text.length), hash, text);
  }
});

test("a negative hash still names a partition", () => {
  assert.equal(partitionOf(Buffer.from("21"), 0, 2, 7), (-973_932_308 & 0x7fffffff) % 7);
});

function record(topic: string, key: Buffer | null, value: Buffer): AppendedRecord {
  return {
    topic,
    partition: -1,
    timestamp: 5,
    keyBytes: key ?? value,
    keyPosition: 0,
    keyLength: key === null ? -1 : key.length,
    valueBytes: value,
    valuePosition: 0,
    valueLength: value.length,
    headersBytes: null,
    headersPosition: 0,
    headersEnd: 0,
  };
}

test("records without a key share one partition per cut, and cuts take turns", () => {
  const used = [1, 2, 3, 4].map((sticky) => {
    const cut = new CutBatches(new Map([["t", 4]]), sticky, new BufferPool(0));
    for (let i = 0; i < 5; i++) cut.append(record("t", null, Buffer.from("v")));
    assert.equal(cut.all.length, 1);
    return cut.all[0]?.partition;
  });
  assert.equal(new Set(used).size, 4);
});

test("a partition's records are cut into batches; a large record is a batch of its own", () => {
  const cut = new CutBatches(new Map([["t", 1]]), 0, new BufferPool(0));
  const key = Buffer.from("k");
  for (let i = 0; i < 30; i++) cut.append(record("t", key, Buffer.alloc(10_000)));
  cut.append(record("t", key, Buffer.alloc(300_000)));
  cut.append(record("t", key, Buffer.alloc(10)));
  const counts = cut.all[0]?.builders.map(({ count }) => count) ?? [];
  assert.equal(counts.length, 5);
  assert.deepEqual(counts.slice(-2), [1, 1]);
  assert.equal(cut.records, 32);
});

test("batches in buffers that were used before hold nothing of that use", () => {
  const pool = new BufferPool(1_000_000);
  const sealed = (buffers: BufferPool, fill: string): readonly Buffer[] => {
    const cut = new CutBatches(new Map([["t", 1]]), 0, buffers);
    const key = Buffer.from("k");
    for (let i = 0; i < 300; i++) cut.append(record("t", key, Buffer.from(fill.repeat(i * 9))));
    const builders = cut.all.flatMap((batches) => batches.builders);
    const bytes = builders.map((builder) => Buffer.from(builder.seal(1n, 2, 3)));
    cut.release();
    assert.ok(builders.length > 2 && builders.every(({ count }) => count > 0));
    return bytes;
  };
  sealed(pool, "x");
  assert.deepEqual(sealed(pool, "y"), sealed(new BufferPool(0), "y"));
});

test("a topic that was not prepared is refused by name", () => {
  const cut = new CutBatches(new Map(), 0, new BufferPool(0));
  assert.throws(() => cut.append(record("nowhere", null, Buffer.from("v"))), /nowhere/);
});

function queueOf(batches: number): PartitionQueue {
  const list = Array.from({ length: batches }, (_, i) => ({
    bytes: Buffer.from([i]),
    records: 10,
  }));
  return new PartitionQueue({ topic: "t", partition: 0 }, list);
}

test("R-3: the first batch goes alone, then at most five are in flight", () => {
  const queue = queueOf(9);
  queue.sent();
  assert.equal(queue.canSend(5), false, "the first is not acknowledged yet");
  queue.acknowledged(100);
  for (let i = 0; i < 5; i++) {
    assert.equal(queue.canSend(5), true);
    queue.sent();
  }
  assert.equal(queue.canSend(5), false);
});

test("R-3: behind a failure nothing is sent; the replay starts at the first without an answer", () => {
  const queue = queueOf(4);
  queue.sent();
  queue.acknowledged(100);
  queue.sent();
  queue.sent();
  queue.failed();
  assert.equal(queue.canSend(5), false);
  queue.acknowledged(120);
  queue.rewind();
  assert.deepEqual(queue.peek(), Buffer.from([1]));
  assert.equal(queue.isDone, false);
});

test("R-4: the last offset is of the last record, unknown where the broker gave none", () => {
  const queue = queueOf(2);
  queue.sent();
  queue.acknowledged(100);
  assert.equal(queue.lastOffset, 109);
  queue.sent();
  queue.acknowledged(-1);
  assert.equal(queue.lastOffset, -1);
  assert.equal(queue.isDone, true);
});
