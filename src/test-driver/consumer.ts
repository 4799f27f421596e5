import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type {
  CommittedOffset,
  Consumer,
  ConsumerListener,
  FetchedChunk,
  Offsets,
} from "../ports/consumer.ts";
import type { DriverCluster } from "./cluster.ts";
import { columnsOf } from "./log.ts";

const CHUNK_RECORDS_MAX = 1_000;
const CHUNK_BYTES_MAX = 1024 * 1024;

interface Started {
  readonly at: TopicPartition;
  readonly fence: number;
  offset: number;
  paused: boolean;
}

/** Fetches from the cluster in memory: a chunk of each partition in each turn of the event loop. */
export class DriverConsumer implements Consumer {
  readonly #cluster: DriverCluster;
  readonly #listener: ConsumerListener;
  readonly #started = new Map<string, Started>();
  #isScheduled = false;

  constructor(cluster: DriverCluster, listener: ConsumerListener) {
    this.#cluster = cluster;
    this.#listener = listener;
    cluster.onGrown = () => this.#schedule();
  }

  /** Whether something is about to be delivered. */
  get isBusy(): boolean {
    return this.#isScheduled;
  }

  start(at: TopicPartition, { offset, fence }: { offset: number; fence: number }): void {
    this.#started.set(topicPartitionName(at), { at, fence, offset, paused: false });
    this.#schedule();
  }

  stop(at: TopicPartition): void {
    this.#started.delete(topicPartitionName(at));
  }

  pause(at: TopicPartition): void {
    const started = this.#started.get(topicPartitionName(at));
    if (started !== undefined) started.paused = true;
  }

  resume(at: TopicPartition): void {
    const started = this.#started.get(topicPartitionName(at));
    if (started?.paused !== true) return;
    started.paused = false;
    this.#schedule();
  }

  /** A test waits for nothing that it need not wait for. */
  gather(): void {}

  async close(): Promise<void> {
    this.#started.clear();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const started of [...this.#started.values()]) this.#deliver(started);
    });
  }

  #deliver(started: Started): void {
    const { at, fence, offset, paused } = started;
    if (paused || this.#started.get(topicPartitionName(at)) !== started) return;
    const chunk = chunkOf(this.#cluster, at, offset, fence);
    const log = this.#cluster.log(at);
    const facts = { requestedAtMs: 0, lastStableOffset: log.stable, highWatermark: log.end };
    if (chunk.nextOffset === offset) {
      this.#listener.empty(at, fence, offset, facts);
      return;
    }
    started.offset = chunk.nextOffset;
    this.#schedule();
    this.#listener.fetched(chunk, facts);
  }
}

function chunkOf(
  cluster: DriverCluster,
  at: TopicPartition,
  from: number,
  fence: number,
): FetchedChunk {
  const read = cluster.log(at).read(from, CHUNK_RECORDS_MAX, CHUNK_BYTES_MAX);
  const { topic, partition } = at;
  const { nextOffset, bytes } = read;
  return { topic, partition, fence, columns: columnsOf(read), nextOffset, leaderEpoch: 0, bytes };
}

/** Offsets of the group and of logs. No transaction is pending when one asks: there is one producer. */
export function driverOffsets(cluster: DriverCluster): Offsets {
  return {
    committed: async (_, partitions) => {
      const found = new Map<string, CommittedOffset>();
      for (const at of partitions) {
        const offset = cluster.committed.get(topicPartitionName(at));
        if (offset !== undefined) found.set(topicPartitionName(at), offset);
      }
      return found;
    },
    range: async (at) => ({ start: 0, end: cluster.log(at).end }),
    read: (at, from, target) => readTo(cluster, at, from, target),
  };
}

async function* readTo(
  cluster: DriverCluster,
  at: TopicPartition,
  from: number,
  target: number,
): AsyncIterable<FetchedChunk> {
  for (let position = from; position < target; ) {
    const chunk = chunkOf(cluster, at, position, 0);
    // The end is the open transaction's: whoever asks has ended it before.
    if (chunk.nextOffset === position) return;
    position = chunk.nextOffset;
    yield chunk;
  }
}
