import zlib from "node:zlib";
import { asTooLarge, type Codec, chunkSizeFor, POOL_BYTES_MIN, UnpackedTooLarge } from "./codec.ts";

/** Node's own from 22.15 on; before that, a build of the reference library for WebAssembly. */
export async function loadZstd(): Promise<Codec> {
  return nativeZstd() ?? (await wasmZstd());
}

interface Options {
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
}

/** What `zlib.zstdCompress` and `zlib.zstdDecompress` are where they exist. */
type Pooled = (
  bytes: Buffer,
  options: Options,
  done: (error: Error | null, result: Buffer) => void,
) => void;

function nativeZstd(): Codec | null {
  // The types of the oldest Node that is supported do not know these functions.
  const compress: unknown = Reflect.get(zlib, "zstdCompress");
  const decompress: unknown = Reflect.get(zlib, "zstdDecompress");
  const decompressSync: unknown = Reflect.get(zlib, "zstdDecompressSync");
  if (typeof compress !== "function" || typeof decompress !== "function") return null;
  if (typeof decompressSync !== "function") return null;
  return {
    decompress: (compressed, bytesMax) => {
      const options = { maxOutputLength: bytesMax, chunkSize: chunkSizeFor(compressed) };
      if (compressed.length >= POOL_BYTES_MIN) {
        const unpacked = promised((...args) => decompress(...args), compressed, options);
        return unpacked.catch((thrown: unknown) => {
          throw asTooLarge(thrown, bytesMax);
        });
      }
      try {
        return decompressSync(compressed, options);
      } catch (thrown) {
        throw asTooLarge(thrown, bytesMax);
      }
    },
    compress: (records) => promised((...args) => compress(...args), records, {}),
  };
}

function promised(work: Pooled, bytes: Buffer, options: Options): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    work(bytes, options, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

const FIRST_GUESS_BYTES = 1024 * 1024;
/** ZSTD_error_dstSize_tooSmall, as the package words it. */
const TOO_SMALL = /code -70$/;

async function wasmZstd(): Promise<Codec> {
  const zstd = await import("@bokuweb/zstd-wasm");
  await zstd.init();
  return {
    decompress: (compressed, bytesMax) => {
      const claimed = contentSize(compressed);
      if (claimed !== null && claimed > bytesMax) throw new UnpackedTooLarge(bytesMax);
      // Frames written as a stream, as the Java client's are, do not say what they unpack to.
      let room = Math.min(Math.max(FIRST_GUESS_BYTES, compressed.length * 4), bytesMax);
      for (;;) {
        try {
          const unpacked = zstd.decompress(compressed, { defaultHeapSize: room });
          return Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.length);
        } catch (thrown) {
          const isTooSmall = thrown instanceof Error && TOO_SMALL.test(thrown.message);
          if (!isTooSmall || claimed !== null) throw thrown;
          if (room >= bytesMax) throw new UnpackedTooLarge(bytesMax);
          room = Math.min(room * 4, bytesMax);
        }
      }
    },
    compress: (records) => {
      const packed = zstd.compress(records);
      return Buffer.from(packed.buffer, packed.byteOffset, packed.length);
    },
  };
}

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT_FLAG = 0x20;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

/** What the frame says that it unpacks to; null where it does not say (RFC 8878, 3.1.1.1). */
function contentSize(frame: Buffer): number | null {
  if (frame.length < 6 || frame.readUInt32LE(0) !== MAGIC) throw new Error("no zstd frame");
  const descriptor = frame[4] ?? 0;
  const isSingle = (descriptor & SINGLE_SEGMENT_FLAG) !== 0;
  const kind = descriptor >> 6;
  const at = 5 + (isSingle ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  const bytes = kind === 0 ? (isSingle ? 1 : 0) : 2 ** kind;
  if (bytes === 0) return null;
  if (at + bytes > frame.length) throw new Error("a zstd frame that is cut off");
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  return frame.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
