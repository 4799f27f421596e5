import { createRequire } from "node:module";
import { type Codec, UnpackedTooLarge } from "./codec.ts";

/**
 * Two ways to frame it are in use: the bare format of librdkafka and Go clients, and the blocks of
 * snappy-java ("xerial"), which the Java client writes. Both are read; the bare one is written, which
 * every client reads.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic, version, lowest compatible version. */
const XERIAL_HEADER_BYTES = 16;

export function loadSnappy(): Codec {
  // Required when first needed: a platform without a prebuilt binary must still start.
  const snappy: typeof import("snappy") = createRequire(import.meta.url)("snappy");
  const block = (compressed: Buffer): Buffer => {
    const unpacked = snappy.uncompressSync(compressed, { asBuffer: true });
    return typeof unpacked === "string" ? Buffer.from(unpacked) : unpacked;
  };
  return {
    decompress: (compressed, bytesMax) => {
      const blocks = isXerial(compressed) ? xerialBlocks(compressed) : [compressed];
      let bytes = 0;
      for (const each of blocks) bytes += claimedLength(each);
      if (bytes > bytesMax) throw new UnpackedTooLarge(bytesMax);
      const [first] = blocks;
      return blocks.length === 1 && first !== undefined
        ? block(first)
        : Buffer.concat(blocks.map(block), bytes);
    },
    compress: (records) => snappy.compress(records),
  };
}

function isXerial(compressed: Buffer): boolean {
  const magic = compressed.subarray(0, XERIAL_MAGIC.length);
  return compressed.length >= XERIAL_HEADER_BYTES && magic.equals(XERIAL_MAGIC);
}

/** Behind the header, each block stands after its length. */
function xerialBlocks(compressed: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < compressed.length; ) {
    const length = compressed.length - at < 4 ? -1 : compressed.readInt32BE(at);
    const start = at + 4;
    if (length <= 0 || length > compressed.length - start) {
      throw new Error(`a block of ${length} bytes in ${compressed.length - at}`);
    }
    blocks.push(compressed.subarray(start, start + length));
    at = start + length;
  }
  return blocks;
}

/** A block begins with what it unpacks to, as a varint of at most 32 bits. */
function claimedLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw new Error("a block without a length");
}
