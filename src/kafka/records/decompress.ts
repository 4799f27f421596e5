import { gunzipSync } from "node:zlib";
import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";
import { corruptBatch } from "./corrupt.ts";

/** By the number in a batch's attributes. A codec without a decoder here is named and refused. */
const CODEC_NAMES: readonly string[] = ["none", "gzip", "snappy", "lz4", "zstd"];

type Decompress = (compressed: Buffer, bytesMax: number) => Buffer;

const DECODERS: ReadonlyMap<number, Decompress> = new Map([
  [1, (compressed, bytesMax) => gunzipSync(compressed, { maxOutputLength: bytesMax })],
]);

/** Names of the codecs without a decoder here, as `compression.type` has them. */
export const UNREADABLE_CODECS: readonly string[] = CODEC_NAMES.filter(
  (_, codec) => codec > 0 && !DECODERS.has(codec),
);

/** A batch that unpacks to more is refused: a small frame must not take all memory. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

/** The records of a compressed batch, in a buffer of their own. */
export function decompress(
  codec: number,
  compressed: Buffer,
  at: TopicPartition,
  offset: number,
): Buffer {
  const decoder = DECODERS.get(codec);
  if (decoder === undefined) {
    throw new OutriggerError(
      "COMPRESSION_UNSUPPORTED",
      `the record batch at ${topicPartitionName(at)}@${offset} is compressed with ` +
        `${CODEC_NAMES[codec] ?? `codec ${codec}`}, which cannot be read yet; ` +
        "set compression.type of the topic or of its producers to none or gzip",
    );
  }
  try {
    return decoder(compressed, DECOMPRESSED_BYTES_MAX);
  } catch (thrown) {
    throw corruptBatch(at, offset, `its ${CODEC_NAMES[codec]} data cannot be unpacked`, thrown);
  }
}
