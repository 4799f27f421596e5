import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";
import { UnpackedTooLarge } from "../codecs/codec.ts";
import { codecNumbered, loadCodec } from "../codecs/codecs.ts";
import { corruptBatch } from "./corrupt.ts";
import { inTurn } from "./turns.ts";

/** A batch that unpacks to more is refused: a small frame must not take all memory. */
export const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

/**
 * The records of a compressed batch, in a buffer of their own. Rejects with COMPRESSION_UNSUPPORTED,
 * or with RECORD_CORRUPT when they cannot be unpacked or are too many.
 */
export async function decompress(
  number: number,
  compressed: Buffer,
  at: TopicPartition,
  offset: number,
): Promise<Buffer> {
  const name = codecNumbered(number);
  if (name === null || name === "none") {
    throw new OutriggerError(
      "COMPRESSION_UNSUPPORTED",
      `the record batch at ${topicPartitionName(at)}@${offset} is compressed with codec ` +
        `${number}, which Kafka does not define; is its producer newer than this sidecar?`,
    );
  }
  const codec = await loadCodec(name);
  try {
    return await inTurn(() => codec.decompress(compressed, UNPACKED_BYTES_MAX));
  } catch (thrown) {
    const what =
      thrown instanceof UnpackedTooLarge
        ? `its ${name} data are refused: ${thrown.message}`
        : `its ${name} data cannot be unpacked`;
    throw corruptBatch(at, offset, what, thrown);
  }
}
