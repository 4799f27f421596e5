/** What a record batch may be compressed with, in the order of the numbers in its attributes. */
export const CODEC_NAMES = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export type CodecName = (typeof CODEC_NAMES)[number];

/** One codec, as Kafka's clients write and read it. */
export interface Codec {
  /**
   * Throws or rejects on bytes that are no such data, and with `UnpackedTooLarge` before it takes more
   * than `bytesMax`. Small data come at once, larger ones from the thread pool where it can be used.
   */
  decompress(compressed: Buffer, bytesMax: number): Buffer | Promise<Buffer>;
  compress(records: Buffer): Buffer | Promise<Buffer>;
}

/** A small frame that claims, or turns out, to unpack to more than is allowed. */
export class UnpackedTooLarge extends Error {
  constructor(bytesMax: number) {
    super(`it unpacks to more than ${bytesMax} bytes`);
  }
}

/** Below this, the way to the thread pool and back takes longer than the work. */
export const POOL_BYTES_MIN = 16 * 1024;

/**
 * Output comes in pieces of this size: as large as it is likely to be, since each piece is a step of its
 * own, on the thread pool a way there and back.
 */
export function chunkSizeFor(compressed: Buffer): number {
  return Math.min(Math.max(compressed.length * 8, 16 * 1024), 1024 * 1024);
}

/** Node's zlib says so when `maxOutputLength` is reached. */
export function asTooLarge(thrown: unknown, bytesMax: number): unknown {
  const isTooLarge =
    thrown instanceof Error && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
  return isTooLarge ? new UnpackedTooLarge(bytesMax) : thrown;
}
