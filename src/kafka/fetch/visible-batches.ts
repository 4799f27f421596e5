import { RecordColumns } from "../../model/columns.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { AbortedTransaction } from "../protocol/fetch.ts";
import { type BatchHeader, readBatchHeader } from "../records/batch-header.ts";
import { corruptBatch } from "../records/corrupt.ts";
import { decodeRecords } from "../records/decode-records.ts";
import { CONTROL_TYPE_ABORT } from "../records/layout.ts";

/** The batches of one fetched partition that a reader of committed data sees. */
export interface VisibleBatches {
  readonly batches: readonly BatchHeader[];
  /** Behind the last whole batch, seen or not: over markers and aborted ranges. */
  readonly nextOffset: number;
  /** Of the last whole batch; -1 when there is none. */
  readonly leaderEpoch: number;
}

/** What one partition of a fetch answer brought. */
export interface FetchedBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly aborted: readonly AbortedTransaction[];
}

/**
 * Java's algorithm (KIP-98, CompletedFetch): walks the batches with the aborted transactions beside
 * them, both in offset order. A transaction's first offset reached puts its producer among the
 * aborted; the producer's next ABORT marker takes it out. So two aborted transactions of one
 * producer, overlapping with those of others, are told apart. A marker is known by the batch's
 * control bit alone: an application's key may have any bytes.
 */
export function visibleBatches(
  fetched: FetchedBytes,
  fromOffset: number,
  at: TopicPartition,
): VisibleBatches {
  const aborted = [...fetched.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedProducers = new Set<bigint>();
  const batches: BatchHeader[] = [];
  let nextAborted = 0;
  let position = fetched.start;
  let nextOffset = fromOffset;
  let leaderEpoch = -1;
  for (;;) {
    const batch = readBatchHeader(fetched.bytes, position, fetched.end, at);
    if (batch === null) break;
    position = batch.end;
    leaderEpoch = batch.leaderEpoch;
    let isVisible = !batch.control;
    if (batch.producerId >= 0n) {
      for (; nextAborted < aborted.length; nextAborted++) {
        const transaction = aborted[nextAborted];
        if (transaction === undefined || transaction.firstOffset > batch.lastOffset) break;
        abortedProducers.add(transaction.producerId);
      }
      if (batch.control) {
        if (isAbortMarker(fetched.bytes, batch, at)) abortedProducers.delete(batch.producerId);
      } else if (batch.transactional && abortedProducers.has(batch.producerId)) {
        isVisible = false;
      }
    }
    if (isVisible && batch.lastOffset >= fromOffset) batches.push(batch);
    nextOffset = Math.max(nextOffset, batch.lastOffset + 1);
  }
  // A broker sends at least one whole batch (KIP-74): without one there would be no way on.
  if (position === fetched.start && fetched.end > fetched.start) {
    const size = fetched.end - fetched.start;
    throw corruptBatch(at, fromOffset, `the broker sent ${size} bytes that hold no whole batch`);
  }
  return { batches, nextOffset, leaderEpoch };
}

/** Compaction may leave a control batch without its record: then it marks nothing any more. */
function isAbortMarker(bytes: Buffer, batch: BatchHeader, at: TopicPartition): boolean {
  if (batch.count === 0) return false;
  const marker = new RecordColumns(bytes, batch.count);
  decodeRecords(batch, batch.baseOffset, marker, at);
  const key = marker.key(0);
  if (key === null || key.length < 4) {
    throw corruptBatch(at, batch.baseOffset, "a control record without a type");
  }
  return key.readInt16BE(2) === CONTROL_TYPE_ABORT;
}
