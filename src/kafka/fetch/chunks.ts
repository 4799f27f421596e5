import { RecordColumns, STRIDE } from "../../model/columns.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { FetchedChunk } from "../../ports/consumer.ts";
import type { BatchHeader } from "../records/batch-header.ts";
import { decodeRecords } from "../records/decode-records.ts";
import { decompress } from "../records/decompress.ts";
import { type FetchedBytes, visibleBatches } from "./visible-batches.ts";

/** What the columns take per record, beside the bytes they point into. */
const COLUMN_BYTES = STRIDE * Int32Array.BYTES_PER_ELEMENT + 2 * Float64Array.BYTES_PER_ELEMENT;

const NOTHING = Buffer.alloc(0);

/**
 * Turns one fetched partition into chunks, in offset order: one for all batches that lie in the
 * fetched buffer, one for each compressed batch, since columns point into one buffer. The last one
 * carries the position; it is there, perhaps empty, whenever the position moved.
 */
export function toChunks(
  fetched: FetchedBytes,
  fromOffset: number,
  at: TopicPartition,
  fence: number,
): FetchedChunk[] {
  const visible = visibleBatches(fetched, fromOffset, at);
  if (visible.nextOffset === fromOffset) return [];
  const { topic, partition } = at;
  const chunks: FetchedChunk[] = [];
  for (const run of runsOfOneBuffer(visible.batches)) {
    const columns = decodeRun(run, fetched.bytes, fromOffset, at);
    const last = run.at(-1);
    const nextOffset = last === undefined ? fromOffset : last.lastOffset + 1;
    const leaderEpoch = last?.leaderEpoch ?? -1;
    const bytes = runBytes(run, columns);
    const chunk = { topic, partition, fence, columns, nextOffset, leaderEpoch, bytes };
    const plain = run.find(({ transactional }) => !transactional);
    if (plain === undefined) chunks.push(chunk);
    else {
      const { baseOffset: offset, producerId } = plain;
      chunks.push({ ...chunk, untransacted: { offset, producerId } });
    }
  }
  const { nextOffset, leaderEpoch } = visible;
  const last = chunks.pop();
  const empty = { topic, partition, fence, columns: new RecordColumns(NOTHING), bytes: 0 };
  chunks.push({ ...(last ?? empty), nextOffset, leaderEpoch });
  return chunks;
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

function decodeRun(
  run: readonly BatchHeader[],
  bytes: Buffer,
  fromOffset: number,
  at: TopicPartition,
): RecordColumns {
  const first = run[0];
  if (first !== undefined && first.codec !== 0) {
    const compressed = bytes.subarray(first.position, first.end);
    const unpacked = decompress(first.codec, compressed, at, first.baseOffset);
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
