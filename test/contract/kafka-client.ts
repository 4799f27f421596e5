import { toChunks } from "../../src/kafka/fetch/chunks.ts";
import { visibleBatches } from "../../src/kafka/fetch/visible-batches.ts";
import type { Cluster } from "../../src/kafka/network/cluster.ts";
import {
  CONSUMER_GROUP_HEARTBEAT,
  heartbeatRequest,
  type WireHeartbeat,
  type WireHeartbeatAnswer,
} from "../../src/kafka/protocol/consumer-group-heartbeat.ts";
import { ERROR, errorName } from "../../src/kafka/protocol/error-codes.ts";
import { FETCH, fetchRequest } from "../../src/kafka/protocol/fetch.ts";
import {
  EARLIEST,
  LATEST,
  LIST_OFFSETS,
  listOffsetsRequest,
} from "../../src/kafka/protocol/list-offsets.ts";
import { OFFSET_FETCH, offsetFetchRequest } from "../../src/kafka/protocol/offset-fetch.ts";
import { PRODUCE, produceRequest } from "../../src/kafka/protocol/produce.ts";
import * as wire from "../../src/kafka/protocol/transactions.ts";
import { encodeBatch } from "../sim/kafka/records.ts";

const RETRY_MS = 10;

/** Requests as they stand on the wire, one each: no retries but of what says "in a moment". */
export class WireClient {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Waits out CONCURRENT_TRANSACTIONS, which a predecessor's markers cause. */
  async init(id: string, timeoutMs = 60_000): Promise<wire.IdentityAnswer> {
    return await settled(
      async () => {
        const node = await this.#coordinator("transaction", id);
        return await this.#cluster.send(node, "general", wire.INIT_PRODUCER_ID, (version) =>
          wire.initProducerIdRequest(version, id, timeoutMs),
        );
      },
      ({ error }) => error,
    );
  }

  async end(
    id: string,
    producer: wire.ProducerIdentity,
    outcome: "commit" | "abort",
  ): Promise<wire.IdentityAnswer> {
    return await settled(
      async () => {
        const node = await this.#coordinator("transaction", id);
        return await this.#cluster.send(node, "general", wire.END_TXN, (version) =>
          wire.endTxnRequest(version, id, producer, outcome),
        );
      },
      ({ error }) => error,
    );
  }

  /** One batch of `values`, without keys, in partition 0. */
  async produce(
    id: string,
    producer: wire.ProducerIdentity,
    topic: string,
    sequence: number,
    ...values: string[]
  ): Promise<{ error: number; baseOffset: number }> {
    const bytes = encodeBatch({
      baseOffset: 0,
      lastOffset: values.length - 1,
      leaderEpoch: -1,
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence: sequence,
      transactional: true,
      control: false,
      records: values.map((text, offset) => ({
        offset,
        key: null,
        value: Buffer.from(text),
        // Not older than any retention.
        timestamp: Date.now(),
      })),
    });
    return await settled(
      async () => {
        const leader = await this.#cluster.leader(topic, 0);
        const { partitions } = await this.#cluster.send(
          leader.brokerId,
          "produce",
          PRODUCE,
          (version) => produceRequest(version, id, 10_000, [{ topic, partition: 0, bytes }]),
        );
        const [answer] = partitions;
        return { error: answer?.error ?? -1, baseOffset: answer?.baseOffset ?? -1 };
      },
      ({ error }) => error,
    );
  }

  async commitOffset(
    id: string,
    producer: wire.ProducerIdentity,
    group: string,
    member: { memberId: string; memberEpoch: number },
    topic: string,
    offset: number,
  ): Promise<number> {
    const offsets = [{ topic, partition: 0, offset, leaderEpoch: -1, metadata: `at ${offset}` }];
    const ids = { transactionalId: id, groupId: group };
    const answers = await settled(
      async () => {
        const node = await this.#coordinator("group", group);
        return await this.#cluster.send(node, "group", wire.TXN_OFFSET_COMMIT, (version) =>
          wire.txnOffsetCommitRequest(version, ids, producer, member, offsets),
        );
      },
      ([answer]) => answer?.error ?? -1,
    );
    return answers[0]?.error ?? -1;
  }

  async committed(group: string, topic: string): Promise<{ error: number; offset: number }> {
    const node = await this.#coordinator("group", group);
    const nobody = { memberId: "", memberEpoch: -1 };
    const answer = await this.#cluster.send(node, "group", OFFSET_FETCH, (version) =>
      offsetFetchRequest(version, group, nobody, [{ topic, partition: 0 }]),
    );
    const [partition] = answer.partitions;
    return { error: answer.error || (partition?.error ?? 0), offset: partition?.offset ?? -1 };
  }

  /** What a reader of committed records sees from the start, and its position. */
  async read(topic: string): Promise<{ values: string[]; position: number }> {
    await this.#cluster.refresh([topic]);
    const leader = await this.#cluster.leader(topic, 0);
    const topicId = this.#cluster.knownTopicId(topic) ?? "";
    const bounds = { waitMaxMs: 0, bytesMin: 0, bytesMax: 1e6, partitionBytesMax: 1e6 };
    const position = { topicId, partition: 0, offset: 0, leaderEpoch: -1, lastEpoch: -1 };
    const answer = await this.#cluster.send(leader.brokerId, "fetch", FETCH, (version) =>
      fetchRequest(version, [position], bounds),
    );
    const [fetched] = answer.partitions;
    if (answer.error !== ERROR.NONE) throw new Error(`the fetch: ${errorName(answer.error)}`);
    if (fetched === undefined) return { values: [], position: 0 };
    if (fetched.error !== ERROR.NONE) throw new Error(`a partition: ${errorName(fetched.error)}`);
    const at = { topic, partition: 0 };
    const visible = visibleBatches(fetched, 0, at);
    const values: string[] = [];
    for await (const { columns } of toChunks(visible, fetched.bytes, 0, at, 0)) {
      for (let row = 0; row < columns.count; row++) values.push(String(columns.value(row)));
    }
    return { values, position: visible.nextOffset };
  }

  async range(topic: string): Promise<{ start: number; end: number }> {
    const leader = await this.#cluster.leader(topic, 0);
    const ask = (timestamp: typeof EARLIEST | typeof LATEST) =>
      this.#cluster.send(leader.brokerId, "general", LIST_OFFSETS, (version) =>
        listOffsetsRequest(version, { topic, partition: 0 }, leader.epoch, timestamp),
      );
    const [start, end] = [await ask(EARLIEST), await ask(LATEST)];
    return { start: start?.offset ?? -1, end: end?.offset ?? -1 };
  }

  async heartbeat(
    request: Pick<WireHeartbeat, "groupId" | "memberId" | "memberEpoch"> & {
      topics?: readonly string[];
      /** Partitions of the first topic. */
      owned?: readonly number[];
      topic?: string;
    },
  ): Promise<WireHeartbeatAnswer> {
    const { topics = null, owned = null, topic = "", ...rest } = request;
    const isFull = topics !== null;
    const topicId = topic === "" ? "" : await this.#idOf(topic);
    const listed =
      owned === null ? null : owned.length === 0 ? [] : [{ topicId, partitions: owned }];
    return await settled(
      async () => {
        const node = await this.#coordinator("group", request.groupId);
        return await this.#cluster.send(node, "group", CONSUMER_GROUP_HEARTBEAT, (version) =>
          heartbeatRequest(version, {
            ...rest,
            topics,
            pattern: null,
            owned: listed,
            rebalanceTimeoutMs: isFull ? 60_000 : -1,
            assignor: isFull ? "range" : null,
          }),
        );
      },
      ({ error }) => error,
    );
  }

  async #idOf(topic: string): Promise<string> {
    await this.#cluster.topics([topic]);
    return this.#cluster.knownTopicId(topic) ?? "";
  }

  async #coordinator(kind: "group" | "transaction", key: string): Promise<number> {
    return await this.#cluster.coordinator(kind, key);
  }
}

const PASSING: readonly number[] = [
  ERROR.CONCURRENT_TRANSACTIONS,
  ERROR.COORDINATOR_LOAD_IN_PROGRESS,
  ERROR.COORDINATOR_NOT_AVAILABLE,
  ERROR.NOT_COORDINATOR,
];

/** Asks again while the answer says that it will be another in a moment. */
async function settled<T>(ask: () => Promise<T>, codeOf: (answer: T) => number): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (!PASSING.includes(codeOf(answer))) return answer;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
