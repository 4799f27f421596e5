import { OutriggerError } from "../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Membership } from "../ports/consumer.ts";
import type {
  AppendedRecord,
  CutRecords,
  EndVerdict,
  OffsetsVerdict,
  OffsetToCommit,
  ProduceVerdict,
  TransactionalProducer,
} from "../ports/producer.ts";
import { type DriverCluster, refused } from "./cluster.ts";
import type { DriverGroup } from "./group.ts";
import { type StoredRecord, sizeOf, type Transaction } from "./log.ts";

const NO_HEADERS = Buffer.from([0]);

class DriverRecords implements CutRecords {
  readonly appended: { readonly at: TopicPartition; readonly record: StoredRecord }[] = [];
  bytes = 0;
  readonly #cluster: DriverCluster;

  constructor(cluster: DriverCluster) {
    this.#cluster = cluster;
  }

  get records(): number {
    return this.appended.length;
  }

  byTopic(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { at } of this.appended) counts.set(at.topic, (counts.get(at.topic) ?? 0) + 1);
    return counts;
  }

  append(given: AppendedRecord): void {
    const { topic, partition, timestamp } = given;
    const key = copied(given.keyBytes, given.keyPosition, given.keyLength);
    const value = copied(given.valueBytes, given.valuePosition, given.valueLength);
    const { headersBytes, headersPosition, headersEnd } = given;
    const length = headersEnd - headersPosition;
    const hasHeaders = headersBytes !== null && length > 0;
    const headers = hasHeaders ? copied(headersBytes, headersPosition, length) : null;
    const record = { key, value, timestamp, headers: headers ?? NO_HEADERS };
    this.appended.push({ at: this.#cluster.place(topic, partition, key), record });
    this.bytes += sizeOf(record);
  }
}

function copied(bytes: Buffer, position: number, length: number): Buffer | null {
  return length < 0 ? null : Buffer.from(bytes.subarray(position, position + length));
}

/** The one producer of the cluster in memory; injected faults are met here. */
export class DriverProducer implements TransactionalProducer {
  readonly #cluster: DriverCluster;
  readonly #group: DriverGroup;
  #open: Transaction | null = null;
  #offsets: readonly OffsetToCommit[] = [];
  /** A commit has taken effect whose answer never comes. */
  #isAnswerLost = false;

  constructor(cluster: DriverCluster, group: DriverGroup) {
    this.#cluster = cluster;
    this.#group = group;
  }

  async initialize(): Promise<{ kind: "ready" }> {
    this.#isAnswerLost = false;
    this.#end("aborted");
    return { kind: "ready" };
  }

  async prepare(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#cluster.topic(topic);
  }

  begin(): DriverRecords {
    return new DriverRecords(this.#cluster);
  }

  async produce(records: CutRecords): Promise<ProduceVerdict> {
    if (!(records instanceof DriverRecords)) throw refused("records of another producer came");
    const transaction = this.#transaction();
    const lastOffsets = new Map<string, number>();
    for (const { at, record } of records.appended) {
      lastOffsets.set(topicPartitionName(at), this.#cluster.append(at, record, transaction));
    }
    return { kind: "acked", lastOffsets };
  }

  async sendOffsets(
    offsets: readonly OffsetToCommit[],
    membership: Membership,
  ): Promise<OffsetsVerdict> {
    this.#transaction();
    const isNews = this.#cluster.isNews(offsets);
    if (isNews && this.#cluster.meets("commitFailed")) {
      const error = new OutriggerError("TRANSACTION_ABORTED", "the test had this commit refused");
      return { kind: "abortable", error };
    }
    if (isNews && this.#cluster.meets("redeliver")) this.#group.expel();
    if (!this.#group.has(membership)) {
      const text = "the group has another owner of the partitions, as the test had it";
      return { kind: "memberLost", error: new OutriggerError("MEMBERSHIP_LOST", text) };
    }
    this.#offsets = offsets;
    return { kind: "accepted" };
  }

  async end(outcome: "commit" | "abort"): Promise<EndVerdict> {
    if (outcome === "abort") {
      this.#end("aborted");
      return { kind: "ended" };
    }
    const isNews = this.#cluster.isNews(this.#offsets);
    if (isNews && this.#cluster.meets("unknownOutcome")) this.#isAnswerLost = true;
    this.#end("committed");
    if (!this.#isAnswerLost) return { kind: "ended" };
    const error = new OutriggerError("REQUEST_TIMED_OUT", "the test had this answer lost");
    return { kind: "unknown", error };
  }

  async close(): Promise<void> {
    this.#end("aborted");
  }

  #transaction(): Transaction {
    this.#open ??= { outcome: "open", logs: new Set() };
    return this.#open;
  }

  #end(outcome: "committed" | "aborted"): void {
    const offsets = this.#offsets;
    const open = this.#open;
    this.#open = null;
    this.#offsets = [];
    if (open !== null) this.#cluster.end(open, outcome, offsets);
  }
}
