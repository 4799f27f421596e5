import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { CODEC_NAMES, type Codec, UnpackedTooLarge } from "../../../src/kafka/codecs/codec.ts";
import { loadCodec, unreadableCodecs } from "../../../src/kafka/codecs/codecs.ts";
import { toChunks } from "../../../src/kafka/fetch/chunks.ts";
import { visibleBatches } from "../../../src/kafka/fetch/visible-batches.ts";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";
import { RecordBatchBuilder } from "../../../src/kafka/records/record-batch-builder.ts";
import { inTurn } from "../../../src/kafka/records/turns.ts";
import type { RecordColumns } from "../../../src/model/columns.ts";
import { JAVA_BATCHES } from "./java-bytes.ts";

const AT = { topic: "flights", partition: 3 };
const MIB = 1024 * 1024;
/** Of LZ4 only the number of blocks is known before, each of up to 4 MiB. */
const LZ4_BLOCK_BYTES_MAX = 4 * MIB;
const NAMES = CODEC_NAMES.filter((name) => name !== "none");

async function read(batch: Buffer): Promise<RecordColumns> {
  const fetched = { bytes: batch, start: 0, end: batch.length, aborted: [] };
  const visible = visibleBatches(fetched, 0, AT);
  for await (const { columns } of toChunks(visible, batch, 0, AT, 0)) return columns;
  throw new Error("no chunk");
}

function built(values: readonly Buffer[]): RecordBatchBuilder {
  const builder = new RecordBatchBuilder({ bytesMax: 8 * MIB, transactional: true });
  for (const value of values) {
    const record = {
      timestamp: 7,
      keyBytes: value,
      keyPosition: 0,
      keyLength: Math.min(value.length, 4),
      valueBytes: value,
      valuePosition: 0,
      valueLength: value.length,
      headersBytes: null,
      headersPosition: 0,
      headersEnd: 0,
    };
    assert.ok(builder.append(record));
  }
  return builder;
}

function valuesOf(columns: RecordColumns): (string | undefined)[] {
  return Array.from({ length: columns.count }, (_, row) => columns.value(row)?.toString("hex"));
}

for (const name of NAMES) describe(name, () => suite(name));

function suite(name: (typeof NAMES)[number]): void {
  const codec = (): Promise<Codec> => loadCodec(name);

  test("what was packed unpacks to the same, small and large, regular and random", async () => {
    const { compress, decompress } = await codec();
    const parts = [
      Buffer.from("a"),
      randomBytes(300_000),
      Buffer.alloc(3 * MIB, "abcdefg"),
      Buffer.concat([randomBytes(70_000), Buffer.alloc(200_000), randomBytes(9)]),
    ];
    for (const part of parts) {
      const packed = await compress(part);
      assert.ok((await decompress(packed, part.length + LZ4_BLOCK_BYTES_MAX)).equals(part));
    }
  });

  test("a batch of it is written and read, and says so in its attributes", async () => {
    const values = Array.from({ length: 50 }, (_, i) => Buffer.alloc(100 + i, i));
    const builder = built(values);
    const plain = Buffer.from(builder.seal(1n, 2, 3));
    await builder.compress(name);
    const sealed = builder.seal(1n, 2, 3);
    assert.equal(sealed.readInt16BE(21) & 7, CODEC_NAMES.indexOf(name));
    assert.ok(sealed.length < plain.length / 4);
    assert.equal(builder.bytes, sealed.length);
    assert.deepEqual(
      valuesOf(await read(sealed)),
      values.map((value) => value.toString("hex")),
    );
    // An aborted cut is produced again: the same records under another epoch.
    await builder.compress(name);
    assert.equal((await read(Buffer.from(builder.seal(1n, 3, 0)))).count, 50);
  });

  test("a frame that unpacks to more than is allowed is refused before memory is spent", async () => {
    const { compress, decompress } = await codec();
    const bomb = await compress(Buffer.alloc(64 * MIB));
    assert.ok(bomb.length < 4 * MIB);
    const before = process.memoryUsage();
    await assert.rejects(async () => decompress(bomb, MIB), UnpackedTooLarge);
    const { rss } = process.memoryUsage();
    assert.ok(rss - before.rss < 32 * MIB, `${rss - before.rss} bytes were taken`);
  });

  test("mutated data are refused, or unpack within the bound: no crash, no hang", async () => {
    const { decompress } = await codec();
    const builder = built([Buffer.alloc(400, "abc"), randomBytes(200), Buffer.alloc(100)]);
    await builder.compress(name);
    const batch = Buffer.from(builder.seal(1n, 2, 3));
    const change = fc.record({
      at: fc.integer({ min: 61, max: batch.length - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    const changes = fc.array(change, { minLength: 1, maxLength: 6 });
    const law = async (list: readonly { at: number; to: number }[], cut: number) => {
      const changed = Buffer.from(batch.subarray(0, batch.length - cut));
      for (const { at, to } of list) if (at < changed.length) changed[at] = to;
      changed.writeInt32BE(changed.length - 12, 8);
      changed.writeUInt32BE(crc32c(changed.subarray(21)), 17);
      try {
        const unpacked = await decompress(changed.subarray(61), 64 * 1024);
        assert.ok(unpacked.length <= 64 * 1024);
      } catch (thrown) {
        assert.ok(thrown instanceof Error);
      }
      try {
        await read(changed);
      } catch (thrown) {
        assert.ok(thrown instanceof OutriggerError, String(thrown));
        assert.equal(thrown.code, "RECORD_CORRUPT");
        assert.match(thrown.message, /flights-3@0 is corrupt/);
      }
    };
    await fc.assert(fc.asyncProperty(changes, fc.integer({ min: 0, max: 20 }), law), {
      numRuns: 500,
    });
  });
}

test("Java's snappy, in blocks of snappy-java, is read", async () => {
  const columns = await read(Buffer.from(JAVA_BATCHES.snappy));
  assert.deepEqual(valuesOf(columns), [Buffer.from("z").toString("hex")]);
});

test("blocks of snappy-java that do not add up, or claim too much, are refused", async () => {
  const { compress, decompress } = await loadCodec("snappy");
  const header = Buffer.from("82534e41505059000000000100000001", "hex");
  const block = await compress(Buffer.alloc(1000, "x"));
  const framed = (length: number, ...blocks: Buffer[]) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    return Buffer.concat([header, ...blocks.flatMap((each) => [head, each])]);
  };
  const twice = await decompress(framed(block.length, block, block), 2000);
  assert.ok(twice.equals(Buffer.alloc(2000, "x")));
  for (const length of [0, -1, block.length + 1, 2 ** 31 - 1]) {
    await assert.rejects(async () => decompress(framed(length, block), 2000));
  }
  await assert.rejects(
    async () => decompress(framed(block.length, block, block), 1999),
    UnpackedTooLarge,
  );
});

test("unpacking leaves the event loop its turn, and takes a few batches at once", async () => {
  const order: string[] = [];
  let running = 0;
  let most = 0;
  setImmediate(() => order.push("turn"));
  const works = Array.from({ length: 12 }, (_, i) =>
    inTurn(async () => {
      running++;
      most = Math.max(most, running);
      await Promise.resolve();
      running--;
      order.push(`work ${i}`);
      return Buffer.alloc(MIB);
    }),
  );
  await Promise.all(works);
  assert.ok(order.includes("turn") && order.indexOf("turn") < 5, order.join());
  assert.equal(most, 4);
});

test("every codec that a topic may be written with loads here, and other values are none", async () => {
  const types = new Set(["producer", "uncompressed", "", ...NAMES]);
  assert.deepEqual(await unreadableCodecs(types), []);
});
