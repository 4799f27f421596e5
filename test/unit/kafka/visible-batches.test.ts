import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toChunks } from "../../../src/kafka/fetch/chunks.ts";
import { visibleBatches } from "../../../src/kafka/fetch/visible-batches.ts";
import type { FetchedChunk } from "../../../src/ports/consumer.ts";
import { CommittedLog } from "./committed-log.ts";

const AT = { topic: "flights", partition: 0 };
const INT32_ZERO = Buffer.alloc(4);

async function chunksOf(log: CommittedLog, position: number, fence = 0, bytesMax?: number) {
  const fetched = log.fetched(position, bytesMax);
  const chunks: FetchedChunk[] = [];
  const visible = visibleBatches(fetched, position, AT);
  for await (const chunk of toChunks(visible, fetched.bytes, position, AT, fence)) {
    chunks.push(chunk);
  }
  return chunks;
}

/** Reads the log as a consumer does, fetch by fetch. */
async function readAll(log: CommittedLog, from = 0, bytesMax?: number) {
  const keys: string[] = [];
  let position = from;
  while (position < log.end) {
    const chunks = await chunksOf(log, position, 0, bytesMax);
    for (const { columns } of chunks) {
      for (let row = 0; row < columns.count; row++) keys.push(columns.key(row)?.toString() ?? "");
    }
    const next = chunks.at(-1)?.nextOffset ?? position;
    assert.ok(next > position, "every fetch moves the position");
    position = next;
  }
  return { keys, position };
}

test("committed records are seen, aborted ones and markers are not", async () => {
  const log = new CommittedLog().append(1, ["a"]).commit(1).append(1, ["b"]).abort(1);
  log.append(-1, ["c"]);
  assert.deepEqual(await readAll(log), { keys: ["a", "c"], position: log.end });
});

test("R-5: the position behind the last visible batch steps over the markers that follow", async () => {
  const log = new CommittedLog().append(1, ["a"]).append(2, ["x"]).commit(1).abort(2);
  assert.equal((await chunksOf(log, 0)).at(-1)?.nextOffset, log.end);
});

test("both aborted transactions of one producer are hidden, not what it committed between", async () => {
  const log = new CommittedLog().append(1, ["x1"]).append(2, ["y1"]).abort(1).append(1, ["a"]);
  log.append(2, ["y2"]).commit(1).append(1, ["x2"]).abort(2).append(1, ["x3"]).abort(1);
  log.append(1, ["b"]).commit(1);
  assert.deepEqual((await readAll(log)).keys, ["a", "b"]);
});

test("overlapping transactions of several producers are told apart", async () => {
  const log = new CommittedLog().append(1, ["x1"]).append(2, ["a1"]).append(3, ["y1"]);
  log.append(1, ["x2"]).append(2, ["a2"]).abort(3).append(3, ["b1"]).abort(1);
  log.append(2, ["a3"]).append(3, ["b2"]).commit(2).commit(3);
  assert.deepEqual((await readAll(log)).keys, ["a1", "a2", "b1", "a3", "b2"]);
});

test("a record whose key is an int32 0, as an abort marker's begins, is a record", async () => {
  const log = new CommittedLog().append(1, [INT32_ZERO, "x"]).append(2, [INT32_ZERO]);
  log.append(1, [INT32_ZERO, "y"]).abort(1).commit(2);
  assert.deepEqual((await readAll(log)).keys, ["\0\0\0\0"]);
});

test("a fetch may start at an abort marker, or within an aborted batch", async () => {
  const log = new CommittedLog().append(1, ["x1", "x2", "x3"]).abort(1).append(1, ["a"]).commit(1);
  for (const from of [1, 2, 3, 4]) assert.deepEqual((await readAll(log, from)).keys, ["a"]);
});

test("where nothing visible is left, a chunk without records moves the position", async () => {
  const log = new CommittedLog().append(1, ["x"]).abort(1).append(2, ["y"]).abort(2);
  const [chunk, ...others] = await chunksOf(log, 0, 5);
  assert.ok(chunk);
  assert.equal(others.length, 0);
  assert.deepEqual([chunk.columns.count, chunk.nextOffset, chunk.fence], [0, 4, 5]);
});

test("nothing new is no chunk at all", async () => {
  assert.deepEqual(await chunksOf(new CommittedLog(), 0), []);
});

test("any interleaving of transactions reads as the plain replay of what was committed", async () => {
  const step = fc.record({
    producer: fc.integer({ min: 1, max: 4 }),
    action: fc.constantFrom("append", "append", "append", "commit", "abort"),
    records: fc.integer({ min: 1, max: 3 }),
    zeroKey: fc.boolean(),
  });
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  const law = async (steps: readonly Step[], bytesMax: number) => {
    const log = new CommittedLog();
    const open = new Map<number, { offset: number; key: string }[]>();
    const committed: { offset: number; key: string }[] = [];
    const end = (producer: number, action: "commit" | "abort") => {
      if (action === "commit") committed.push(...(open.get(producer) ?? []));
      open.delete(producer);
      log[action](producer);
    };
    for (const { producer, action, records, zeroKey } of steps) {
      if (action !== "append") {
        if (open.has(producer)) end(producer, action);
        continue;
      }
      const pending = open.get(producer) ?? [];
      const keys = Array.from({ length: records }, (_, i) =>
        zeroKey ? INT32_ZERO : `${log.end + i}`,
      );
      for (const [i, key] of keys.entries()) {
        pending.push({ offset: log.end + i, key: key.toString() });
      }
      open.set(producer, pending);
      log.append(producer, keys);
    }
    for (const producer of [...open.keys()]) end(producer, producer % 2 === 0 ? "commit" : "abort");
    committed.sort((a, b) => a.offset - b.offset);
    const expected = committed.map(({ key }) => key);
    assert.deepEqual((await readAll(log, 0, bytesMax)).keys, expected);
  };
  const bytesMax = fc.integer({ min: 1, max: 900 });
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), bytesMax, law));
});
