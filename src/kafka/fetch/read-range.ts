import { OutriggerError } from "../../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { FetchedChunk } from "../../ports/consumer.ts";
import type { Cluster } from "../network/cluster.ts";
import { delay, isRetriable, retrying } from "../network/retry.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import { FETCH, type FetchedPartition, fetchRequest } from "../protocol/fetch.ts";
import { toChunks } from "./chunks.ts";
import { locate } from "./locate.ts";
import { RangeReaders } from "./range-readers.ts";
import { partitionError, partitionVerdict, truncated } from "./read-errors.ts";
import { visibleBatches } from "./visible-batches.ts";

/**
 * Reads `[from, target)` of one partition, read committed, as chunks with fence 0. Ends when the
 * position has reached `target`: an open transaction before it is waited for, since the reader
 * cannot pass it. The next fetch is under way while a chunk is being used; how large it may be is shared with
 * the other `readers`.
 */
export async function* readRange(
  cluster: Cluster,
  at: TopicPartition,
  from: number,
  target: number,
  signal: AbortSignal,
  readers = new RangeReaders(cluster.limits),
): AsyncGenerator<FetchedChunk, void, undefined> {
  readers.enter();
  try {
    const source = new RangeSource(cluster, at, signal, readers);
    yield* chunksOf(source, from, target);
  } finally {
    readers.leave();
  }
}

async function* chunksOf(
  source: RangeSource,
  from: number,
  target: number,
): AsyncGenerator<FetchedChunk, void, undefined> {
  const { at } = source;
  let position = from;
  let lastEpoch = -1;
  let ahead: Promise<FetchedPartition | null> | null = null;
  while (position < target) {
    const fetched: FetchedPartition | null = await (ahead ?? source.fetch(position, lastEpoch));
    ahead = null;
    const visible = fetched === null ? null : visibleBatches(fetched, position, at);
    if (fetched === null || visible === null || visible.nextOffset === position) {
      await source.wait();
      continue;
    }
    const start = position;
    position = visible.nextOffset;
    lastEpoch = visible.leaderEpoch;
    if (position < target) {
      ahead = source.fetch(position, lastEpoch);
      // It may fail while a chunk is being used, and nobody waits for it then, or ever.
      ahead.catch(() => {});
    }
    for await (const chunk of toChunks(visible, fetched.bytes, start, at, 0)) {
      yield upTo(chunk, target);
      if (chunk.nextOffset >= target) return;
    }
  }
}

/** Leaves out what lies at or behind `target`; records are in offset order. */
function upTo(chunk: FetchedChunk, target: number): FetchedChunk {
  if (chunk.nextOffset <= target) return chunk;
  const { columns } = chunk;
  while (columns.count > 0 && (columns.offsets[columns.count - 1] ?? 0) >= target) columns.count--;
  return { ...chunk, nextOffset: target };
}

class RangeSource {
  readonly #cluster: Cluster;
  readonly at: TopicPartition;
  readonly #signal: AbortSignal;
  readonly #readers: RangeReaders;
  #topicId: string | null = null;

  constructor(cluster: Cluster, at: TopicPartition, signal: AbortSignal, readers: RangeReaders) {
    this.#cluster = cluster;
    this.at = at;
    this.#signal = signal;
    this.#readers = readers;
  }

  /** Before it is asked again for what is not there yet. */
  wait(): Promise<void> {
    return delay(this.#cluster.limits.fetchWaitShortMs, this.#signal);
  }

  /** What is at `position`, null when nothing is there yet; retries until the signal aborts. */
  fetch(position: number, lastEpoch: number): Promise<FetchedPartition | null> {
    return retrying(this.#cluster.limits, this.#signal, () => this.#ask(position, lastEpoch));
  }

  async #ask(position: number, lastEpoch: number): Promise<FetchedPartition | null> {
    const { topic, partition } = this.at;
    const location = locate(this.#cluster, this.at, this.#topicId);
    if (location.kind === "failed") throw location.error;
    if (location.kind === "unknown") {
      await this.#cluster.refresh([topic]);
      const refreshed = locate(this.#cluster, this.at, this.#topicId);
      if (refreshed.kind === "leader") return this.#ask(position, lastEpoch);
      throw this.#unavailable("it has no known leader");
    }
    this.#topicId = location.topicId;
    const { topicId, leaderEpoch } = location;
    const { bytesMax } = this.#readers;
    const bounds = {
      // Never held by the broker: it would keep the fetches of other restores waiting behind it.
      waitMaxMs: 0,
      bytesMin: 1,
      bytesMax,
      partitionBytesMax: bytesMax,
    };
    const wanted = { topicId, partition, offset: position, leaderEpoch, lastEpoch };
    const answer = await this.#cluster
      .send(location.brokerId, "restore", FETCH, (version) =>
        fetchRequest(version, [wanted], bounds),
      )
      .catch((thrown: unknown) => {
        if (isRetriable(thrown)) this.#cluster.invalidateLeader(topic, partition);
        throw thrown;
      });
    const fetched = answer.partitions.find((each) => each.partition === partition) ?? null;
    const code = answer.error === ERROR.NONE ? (fetched?.error ?? ERROR.NONE) : answer.error;
    if (code === ERROR.NONE) {
      const diverging = fetched?.diverging ?? null;
      if (diverging === null) return fetched;
      if (diverging.endOffset < position) throw truncated(this.at, position, diverging.endOffset);
      return this.#ask(position, diverging.epoch === lastEpoch ? -1 : diverging.epoch);
    }
    const verdict = partitionVerdict(code);
    if (verdict === "fatal") throw partitionError(this.at, position, code);
    if (verdict === "refresh") {
      this.#cluster.movedLeader(this.at, fetched?.leader ?? null, answer.endpoints);
    }
    throw this.#unavailable(errorName(code));
  }

  #unavailable(what: string): OutriggerError {
    const message = `${topicPartitionName(this.at)} cannot be read yet: ${what}`;
    return new OutriggerError("BROKER_UNAVAILABLE", message);
  }
}
