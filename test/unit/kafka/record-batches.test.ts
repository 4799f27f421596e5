import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { toChunks } from "../../../src/kafka/fetch/chunks.ts";
import { visibleBatches } from "../../../src/kafka/fetch/visible-batches.ts";
import { crc32c, crc32cPortable } from "../../../src/kafka/records/crc32c.ts";
import { RecordBatchBuilder } from "../../../src/kafka/records/record-batch-builder.ts";
import {
  HEADERS_END,
  HEADERS_POSITION,
  type RecordColumns,
  STRIDE,
} from "../../../src/model/columns.ts";
import type { FetchedChunk } from "../../../src/ports/consumer.ts";
import { JAVA_BATCHES } from "./java-bytes.ts";

const AT = { topic: "flights", partition: 3 };
const T = 990_000_000_000;

interface PlainRecord {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In the record format; null for none. */
  readonly headers: Buffer | null;
}

/** What `Golden.java` appended. */
const GOLDEN: readonly PlainRecord[] = [
  { timestamp: T, key: Buffer.alloc(4), value: Buffer.from("a"), headers: null },
  {
    timestamp: T + 2 ** 31 + 5,
    key: null,
    value: null,
    headers: Buffer.from([4, 2, 0x68, 2, 0x78, 2, 0x68, 1]),
  },
  { timestamp: T - 1, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: null },
  { timestamp: T - 2 ** 39, key: Buffer.from("k"), value: Buffer.alloc(70), headers: null },
  { timestamp: T + 2 ** 50, key: Buffer.from("k"), value: Buffer.from("z"), headers: null },
];

function append(builder: RecordBatchBuilder, record: PlainRecord): boolean {
  // Surrounded by other bytes, as in a frame.
  const pad = Buffer.from("##");
  const keyBytes = Buffer.concat([pad, record.key ?? pad, pad]);
  const valueBytes = Buffer.concat([pad, record.value ?? pad, pad]);
  const headersBytes = record.headers && Buffer.concat([pad, record.headers, pad]);
  return builder.append({
    timestamp: record.timestamp,
    keyBytes,
    keyPosition: 2,
    keyLength: record.key?.length ?? -1,
    valueBytes,
    valuePosition: 2,
    valueLength: record.value?.length ?? -1,
    headersBytes,
    headersPosition: 2,
    headersEnd: 2 + (record.headers?.length ?? 0),
  });
}

function build(records: readonly PlainRecord[], transactional = true): RecordBatchBuilder {
  const builder = new RecordBatchBuilder({ bytesMax: 1 << 20, transactional, initialBytes: 64 });
  for (const record of records) assert.ok(append(builder, record));
  return builder;
}

function rows(columns: RecordColumns): PlainRecord[] {
  const found: PlainRecord[] = [];
  for (let row = 0; row < columns.count; row++) {
    const start = columns.positions[row * STRIDE + HEADERS_POSITION];
    const end = columns.positions[row * STRIDE + HEADERS_END];
    const headers = Buffer.from(columns.bytes.subarray(start, end));
    found.push({
      timestamp: columns.timestamps[row] ?? Number.NaN,
      key: columns.key(row) && Buffer.from(columns.key(row) ?? ""),
      value: columns.value(row) && Buffer.from(columns.value(row) ?? ""),
      headers: headers.equals(Buffer.from([0])) ? null : headers,
    });
  }
  return found;
}

async function read(bytes: Buffer, from = 0): Promise<FetchedChunk[]> {
  const visible = visibleBatches({ bytes, start: 0, end: bytes.length, aborted: [] }, from, AT);
  const chunks: FetchedChunk[] = [];
  for await (const chunk of toChunks(visible, bytes, from, AT, 7)) chunks.push(chunk);
  return chunks;
}

/** Rewrites the checksum after bytes were changed on purpose. */
function reseal(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function isCorrupt(pattern: RegExp) {
  return (thrown: unknown) =>
    thrown instanceof OutriggerError &&
    thrown.code === "RECORD_CORRUPT" &&
    pattern.test(thrown.message);
}

test("a sealed batch has the bytes of Java's", () => {
  const transactional = build(GOLDEN).seal(4242n, 7, 19);
  assert.equal(transactional.toString("hex"), JAVA_BATCHES.transactional.toString("hex"));
  const plain = build(GOLDEN, false).seal(-1n, -1, -1);
  assert.equal(plain.toString("hex"), JAVA_BATCHES.plain.toString("hex"));
});

test("a batch can be sealed again under another producer, its records unchanged", () => {
  const builder = build(GOLDEN);
  builder.seal(1n, 1, 1);
  assert.deepEqual(builder.seal(4242n, 7, 19), JAVA_BATCHES.transactional);
});

test("Java's batch is read with its nulls, headers and far-apart timestamps", async () => {
  const [chunk, ...others] = await read(Buffer.from(JAVA_BATCHES.transactional));
  assert.ok(chunk);
  assert.equal(others.length, 0);
  assert.deepEqual(rows(chunk.columns), GOLDEN);
  assert.deepEqual([...chunk.columns.offsets], [0, 1, 2, 3, 4]);
  assert.equal(chunk.nextOffset, 5);
  assert.equal(chunk.fence, 7);
});

test("a gzip batch under the broker's clock has the append time everywhere", async () => {
  const [chunk] = await read(Buffer.from(JAVA_BATCHES.gzipLogappend), 500);
  assert.ok(chunk);
  const expected = GOLDEN.map((record) => ({ ...record, timestamp: T + 777 }));
  assert.deepEqual(rows(chunk.columns), expected);
  assert.deepEqual([...chunk.columns.offsets.subarray(0, 5)], [500, 501, 502, 503, 504]);
  assert.equal(chunk.leaderEpoch, 3);
});

test("a codec that Kafka does not define is named", async () => {
  const batch = Buffer.from(JAVA_BATCHES.snappy);
  batch[22] = 5;
  await assert.rejects(
    read(reseal(batch)),
    (thrown: unknown) =>
      thrown instanceof OutriggerError &&
      thrown.code === "COMPRESSION_UNSUPPORTED" &&
      /flights-3@0 is compressed with codec 5/.test(thrown.message),
  );
});

test("compressed and plain batches of one answer come as chunks in offset order", async () => {
  const plain = Buffer.from(JAVA_BATCHES.plain);
  const after = Buffer.from(JAVA_BATCHES.plain);
  after.writeUInt32BE(505, 4);
  const chunks = await read(Buffer.concat([plain, JAVA_BATCHES.gzipLogappend, after]));
  assert.deepEqual(
    chunks.map((chunk) => [chunk.columns.count, chunk.nextOffset]),
    [
      [5, 5],
      [5, 505],
      [5, 510],
    ],
  );
});

test("records below the position are left out of the first batch", async () => {
  const [chunk] = await read(Buffer.from(JAVA_BATCHES.plain), 3);
  assert.ok(chunk);
  assert.deepEqual(rows(chunk.columns), GOLDEN.slice(3));
  assert.equal(chunk.columns.offsets[0], 3);
});

test("any records survive being encoded and decoded", async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const header = fc.tuple(
    fc.uint8Array({ maxLength: 9 }),
    fc.option(fc.uint8Array({ maxLength: 9 })),
  );
  const headers = fc.array(header, { minLength: 1, maxLength: 3 }).map((list) => {
    const parts = [Buffer.from([list.length << 1])];
    for (const [key, value] of list) {
      parts.push(Buffer.from([key.length << 1, ...key]));
      parts.push(value === null ? Buffer.from([1]) : Buffer.from([value.length << 1, ...value]));
    }
    return Buffer.concat(parts);
  });
  const fields = {
    timestamp: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.option(headers),
  };
  const record = fc.record(fields, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), async (records) => {
      const [chunk] = await read(Buffer.from(build(records).seal(7n, 0, 0)));
      assert.ok(chunk);
      assert.deepEqual(rows(chunk.columns), records);
    }),
  );
});

test("a batch takes what fits, and a first record whatever its size", () => {
  const record = { timestamp: T, key: null, value: Buffer.alloc(100), headers: null };
  const builder = new RecordBatchBuilder({ bytesMax: 300, transactional: true });
  assert.ok(append(builder, record));
  assert.ok(append(builder, record));
  const before = builder.bytes;
  assert.equal(append(builder, record), false);
  assert.equal(builder.bytes, before);
  assert.equal(builder.count, 2);
  assert.ok(builder.seal(1n, 0, 0).length <= 300);
  const oversized = new RecordBatchBuilder({ bytesMax: 300, transactional: true });
  assert.ok(append(oversized, { ...record, value: Buffer.alloc(5000) }));
});

test("a flipped bit anywhere under the checksum is found, and names the batch", async () => {
  for (let at = 21; at < JAVA_BATCHES.plain.length; at += 7) {
    const batch = Buffer.from(JAVA_BATCHES.plain);
    batch[at] = (batch[at] ?? 0) ^ 0x10;
    await assert.rejects(read(batch), isCorrupt(/flights-3@0 is corrupt: checksum/));
  }
});

test("bytes that a right checksum covers, but that are no records, are refused", async () => {
  const arbitrary = fc.record({
    at: fc.integer({ min: 57, max: JAVA_BATCHES.plain.length - 1 }),
    to: fc.integer({ min: 0, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(arbitrary, { minLength: 1, maxLength: 8 }), async (changes) => {
      const batch = Buffer.from(JAVA_BATCHES.plain);
      for (const { at, to } of changes) batch[at] = to;
      try {
        for (const { columns } of await read(reseal(batch))) {
          for (let i = 0; i < columns.count * STRIDE; i++) {
            const int = columns.positions[i] ?? Number.NaN;
            assert.ok(int >= -1 && int <= columns.bytes.length, "a position within the bytes");
          }
        }
      } catch (thrown) {
        assert.ok(isCorrupt(/flights-3@0/)(thrown), String(thrown));
      }
    }),
    { numRuns: 2000 },
  );
});

test("an old record format, an absurd length and a lone half batch are refused", async () => {
  const old = Buffer.from(JAVA_BATCHES.plain);
  old[16] = 1;
  await assert.rejects(read(old), isCorrupt(/record format 1/));
  const short = Buffer.from(JAVA_BATCHES.plain);
  short.writeInt32BE(-5, 8);
  await assert.rejects(read(short), isCorrupt(/length of -5/));
  const half = Buffer.from(JAVA_BATCHES.plain.subarray(0, 100));
  await assert.rejects(read(half), isCorrupt(/no whole batch/));
});

test("a marker that says it is compressed is refused before room is made for its count", async () => {
  const marker = Buffer.from(JAVA_BATCHES.abort);
  marker[22] = (marker[22] ?? 0) | 1;
  marker.writeInt32BE(2 ** 31 - 1, 57);
  await assert.rejects(read(reseal(marker), 7), isCorrupt(/a marker that is compressed/));
});

test("a half batch behind a whole one is left for the next fetch", async () => {
  const half = JAVA_BATCHES.plain.subarray(0, 100);
  const [chunk] = await read(Buffer.concat([JAVA_BATCHES.plain, half]));
  assert.equal(chunk?.nextOffset, 5);
});

test("the portable checksum equals the native one", () => {
  assert.equal(crc32cPortable(Buffer.from("123456789")), 0xe3069283);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(crc32cPortable(bytes), crc32c(bytes));
    }),
  );
});
