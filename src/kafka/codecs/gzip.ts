import { promisify } from "node:util";
import { gunzip, gunzipSync, gzip } from "node:zlib";
import { asTooLarge, type Codec, chunkSizeFor, POOL_BYTES_MIN } from "./codec.ts";

const pooledGunzip = promisify(gunzip);
const pooledGzip = promisify<Buffer, Buffer>(gzip);

export const gzipCodec: Codec = {
  decompress: (compressed, bytesMax) => {
    if (compressed.length >= POOL_BYTES_MIN) return unpackOnPool(compressed, bytesMax);
    try {
      const chunkSize = chunkSizeFor(compressed);
      return gunzipSync(compressed, { maxOutputLength: bytesMax, chunkSize });
    } catch (thrown) {
      throw asTooLarge(thrown, bytesMax);
    }
  },
  compress: (records) => pooledGzip(records),
};

async function unpackOnPool(compressed: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    const chunkSize = chunkSizeFor(compressed);
    return await pooledGunzip(compressed, { maxOutputLength: bytesMax, chunkSize });
  } catch (thrown) {
    throw asTooLarge(thrown, bytesMax);
  }
}
