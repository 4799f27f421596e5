import { promisify } from "node:util";
import { gunzip, gunzipSync, gzip } from "node:zlib";
import { asTooLarge, type Codec, POOL_BYTES_MIN } from "./codec.ts";

const pooledGunzip = promisify(gunzip);
const pooledGzip = promisify<Buffer, Buffer>(gzip);

export const gzipCodec: Codec = {
  decompress: (compressed, bytesMax) => {
    if (compressed.length >= POOL_BYTES_MIN) return unpackOnPool(compressed, bytesMax);
    try {
      return gunzipSync(compressed, { maxOutputLength: bytesMax });
    } catch (thrown) {
      throw asTooLarge(thrown, bytesMax);
    }
  },
  compress: (records) => pooledGzip(records),
};

async function unpackOnPool(compressed: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    // Chunks as large as the data are likely to be: each one is a way to the pool and back.
    const chunkSize = Math.min(compressed.length * 4, 1024 * 1024);
    return await pooledGunzip(compressed, { maxOutputLength: bytesMax, chunkSize });
  } catch (thrown) {
    throw asTooLarge(thrown, bytesMax);
  }
}
