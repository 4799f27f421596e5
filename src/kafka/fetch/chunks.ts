import { RecordColumns, STRIDE } from "../../model/columns.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { FetchedChunk } from "../../ports/consumer.ts";
import type { BatchHeader } from "../records/batch-header.ts";
import { decodeRecords } from "../records/decode-records.ts";
import { decompress } from "../records/decompress.ts";
import type { VisibleBatches } from "./visible-batches.ts";

/** What the columns take per record, beside the bytes they point into. */
const COLUMN_BYTES = STRIDE * Int32Array.BYTES_PER_ELEMENT + 2 * Float64Array.BYTES_PER_ELEMENT;

const NOTHING = Buffer.alloc(0);

/**
 * Turns one fetched partition into chunks, in offset order: one for all batches that lie in the
 * fetched buffer, one for each compressed batch, since columns point into one buffer. A batch is
 * unpacked when its chunk is asked for. The last chunk carries the position; it is there, perhaps
 * empty, whenever the position moved. Throws RECORD_CORRUPT or COMPRESSION_UNSUPPORTED in the place
 * of the chunk that cannot be had.
 */
export async function* toChunks(
  visible: VisibleBatches,
  bytes: Buffer,
  fromOffset: number,
  at: TopicPartition,
  fence: number,
): AsyncGenerator<FetchedChunk, void, undefined> {
  const { nextOffset, leaderEpoch } = visible;
  if (nextOffset === fromOffset) return;
  const { topic, partition } = at;
  const runs = runsOfOneBuffer(visible.batches);
  if (runs.length === 0) {
    const columns = new RecordColumns(NOTHING);
    yield { topic, partition, fence, columns, nextOffset, leaderEpoch, bytes: 0 };
  }
  for (const [i, run] of runs.entries()) {
    const isLast = i === runs.length - 1;
    const last = run.at(-1);
    const columns = await decodeRun(run, bytes, fromOffset, at);
    yield {
      topic,
      partition,
      fence,
      columns,
      nextOffset: isLast || last === undefined ? nextOffset : last.lastOffset + 1,
      leaderEpoch: isLast || last === undefined ? leaderEpoch : last.leaderEpoch,
      bytes: runBytes(run, columns),
      ...untransacted(run),
    };
  }
}

/** A batch that no transaction wrote, where there is one. */
function untransacted(run: readonly BatchHeader[]): Pick<FetchedChunk, "untransacted"> {
  const plain = run.find(({ transactional }) => !transactional);
  if (plain === undefined) return {};
  const { baseOffset: offset, producerId } = plain;
  return { untransacted: { offset, producerId } };
}

function runsOfOneBuffer(batches: readonly BatchHeader[]): BatchHeader[][] {
  const runs: BatchHeader[][] = [];
  let plain: BatchHeader[] | null = null;
  for (const batch of batches) {
    if (batch.codec !== 0) {
      runs.push([batch]);
      plain = null;
    } else if (plain === null) {
      plain = [batch];
      runs.push(plain);
    } else {
      plain.push(batch);
    }
  }
  return runs;
}

async function decodeRun(
  run: readonly BatchHeader[],
  bytes: Buffer,
  fromOffset: number,
  at: TopicPartition,
): Promise<RecordColumns> {
  const first = run[0];
  if (first !== undefined && first.codec !== 0) {
    const compressed = bytes.subarray(first.position, first.end);
    const unpacked = await decompress(first.codec, compressed, at, first.baseOffset);
    const columns = new RecordColumns(unpacked);
    decodeRecords({ ...first, position: 0, end: unpacked.length }, fromOffset, columns, at);
    return columns;
  }
  let count = 0;
  for (const batch of run) count += batch.count;
  const columns = new RecordColumns(bytes, count);
  for (const batch of run) decodeRecords(batch, fromOffset, columns, at);
  return columns;
}

function runBytes(run: readonly BatchHeader[], columns: RecordColumns): number {
  let bytes = columns.offsets.length * COLUMN_BYTES;
  const first = run[0];
  if (first !== undefined && first.codec !== 0) return bytes + columns.bytes.length;
  for (const batch of run) bytes += batch.end - batch.position;
  return bytes;
}
