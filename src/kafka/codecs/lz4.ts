import { createRequire } from "node:module";
import { type Codec, UnpackedTooLarge } from "./codec.ts";

/** The LZ4 frame format, with independent blocks: the Java client reads no others. */
export function loadLz4(): Codec {
  // Required when first needed: a platform without a prebuilt binary must still start.
  const lz4: typeof import("lz4-napi") = createRequire(import.meta.url)("lz4-napi");
  return {
    decompress: (compressed, bytesMax) => {
      // The package takes no bound, so the frame's blocks are added up before.
      if (unpackedBytesMax(compressed) > bytesMax) throw new UnpackedTooLarge(bytesMax);
      return lz4.decompressFrameSync(compressed);
    },
    compress: (records) => lz4.compressFrame(records),
  };
}

const MAGIC = 0x184d2204;
const CONTENT_SIZE_FLAG = 0x08;
const BLOCK_CHECKSUM_FLAG = 0x10;
const CONTENT_CHECKSUM_FLAG = 0x04;
const DICTIONARY_FLAG = 0x01;
const STORED_FLAG = 0x8000_0000;
/** By the number in the block descriptor. */
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];
/** A match of LZ4 adds at most 255 bytes for each of its own. */
const EXPANSION_MAX = 255;

/** The most that the blocks of all frames can unpack to; throws where they do not add up. */
function unpackedBytesMax(compressed: Buffer): number {
  let bytes = 0;
  for (let at = 0; at < compressed.length; ) {
    if (uint32(compressed, at) !== MAGIC) throw new Error("no LZ4 frame");
    const flags = compressed[at + 4] ?? 0;
    const blockBytesMax = BLOCK_BYTES_MAX[((compressed[at + 5] ?? 0) >> 4) & 7] ?? 0;
    if (blockBytesMax === 0) throw new Error("an LZ4 frame without a block size");
    at += 7;
    if ((flags & CONTENT_SIZE_FLAG) !== 0) at += 8;
    if ((flags & DICTIONARY_FLAG) !== 0) at += 4;
    const checksumBytes = (flags & BLOCK_CHECKSUM_FLAG) !== 0 ? 4 : 0;
    for (;;) {
      const head = uint32(compressed, at);
      at += 4;
      if (head === 0) break;
      const length = head % STORED_FLAG;
      bytes += head >= STORED_FLAG ? length : Math.min(blockBytesMax, length * EXPANSION_MAX);
      at += length + checksumBytes;
    }
    if ((flags & CONTENT_CHECKSUM_FLAG) !== 0) at += 4;
    if (at > compressed.length) throw new Error("an LZ4 frame that is cut off");
  }
  return bytes;
}

function uint32(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw new Error("an LZ4 frame that is cut off");
  return bytes.readUInt32LE(at);
}
