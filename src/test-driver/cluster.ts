import { OutriggerError } from "../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { CommittedOffset } from "../ports/consumer.ts";
import type { OffsetToCommit } from "../ports/producer.ts";
import type { DriverFault } from "../ports/test-driver.ts";
import { PartitionLog, type StoredRecord, type Transaction } from "./log.ts";

export interface DriverTopic {
  readonly name: string;
  /** 32 hex digits. */
  readonly id: string;
  readonly logs: readonly PartitionLog[];
  readonly configs: ReadonlyMap<string, string>;
}

/** Kafka's defaults, as far as the kernel asks for them. */
const DEFAULT_CONFIGS = { "delete.retention.ms": "86400000", "max.message.bytes": "1048588" };
const PARTITIONS_MAX = 1_000;

/** A Kafka in memory: topics, one group's offsets, and the fault that waits for the next commit. */
export class DriverCluster {
  readonly topics = new Map<string, DriverTopic>();
  readonly committed = new Map<string, CommittedOffset>();
  /** Injected, and not yet met. */
  fault: DriverFault | null = null;
  faultsMet = 0;
  /** Called when a log has grown. */
  onGrown: () => void = () => {};
  readonly #partitionOf: PartitionOf;
  #order = 0;

  constructor(partitionOf: PartitionOf) {
    this.#partitionOf = partitionOf;
  }

  createTopic(name: string, partitions: number, configs: Readonly<Record<string, string>>): void {
    const known = this.topics.get(name);
    if (known !== undefined) {
      throw refused(`the topic ${name} is there, with ${known.logs.length} partitions`);
    }
    if (!/^[A-Za-z0-9._-]{1,249}$/.test(name)) {
      throw refused(`the topic "${name}" has no name that Kafka takes: use A-Z a-z 0-9 . _ -`);
    }
    if (partitions < 1 || partitions > PARTITIONS_MAX) {
      throw refused(`${partitions} partitions for ${name}: give it 1 to ${PARTITIONS_MAX}`);
    }
    this.topics.set(name, {
      name,
      id: String(this.topics.size + 1).padStart(32, "0"),
      logs: Array.from({ length: partitions }, () => new PartitionLog()),
      configs: new Map(Object.entries({ ...DEFAULT_CONFIGS, ...configs })),
    });
  }

  topic(name: string): DriverTopic {
    const topic = this.topics.get(name);
    if (topic !== undefined) return topic;
    const known = [...this.topics.keys()].join(", ") || "none";
    throw new OutriggerError(
      "TOPIC_MISSING",
      `the test driver has no topic ${name}, its topics are: ${known}. Mend the name, create it, ` +
        "or wait for the application, which brings those of its topology",
    );
  }

  log({ topic, partition }: TopicPartition): PartitionLog {
    const found = this.topic(topic);
    const log = found.logs[partition];
    if (log !== undefined) return log;
    throw refused(`partition ${partition} of ${topic}: it has ${found.logs.length}, from 0 on`);
  }

  /** Where a record goes: `partition`, or where Java's client would put it. */
  place(topic: string, partition: number, key: Buffer | null): TopicPartition {
    if (partition >= 0) return { topic, partition };
    const count = this.topic(topic).logs.length;
    return { topic, partition: key === null ? 0 : this.#partitionOf(key, 0, key.length, count) };
  }

  /** Returns the record's offset. */
  append(at: TopicPartition, record: StoredRecord, transaction: Transaction | null): number {
    const offset = this.log(at).append(record, transaction, this.#order++);
    if (transaction === null) this.onGrown();
    return offset;
  }

  /** Ends a transaction: its markers are written, and its offsets hold, in one step. */
  end(
    transaction: Transaction,
    outcome: "committed" | "aborted",
    offsets: readonly OffsetToCommit[],
  ): void {
    transaction.outcome = outcome;
    for (const log of transaction.logs) log.mark(this.#order++);
    if (outcome === "committed") {
      for (const { topic, partition, ...offset } of offsets) {
        this.committed.set(topicPartitionName({ topic, partition }), offset);
      }
    }
    this.onGrown();
  }

  /** Whether a cut steps over records: the commit of a start position does not. */
  isNews(offsets: readonly OffsetToCommit[]): boolean {
    return offsets.some((at) => {
      const known = this.committed.get(topicPartitionName(at));
      return known !== undefined && at.offset > known.offset;
    });
  }

  /** Takes the fault that waits, if it is this one. */
  meets(fault: DriverFault): boolean {
    if (this.fault !== fault) return false;
    this.fault = null;
    this.faultsMet += 1;
    return true;
  }
}

/** The partition of a key, as Java's client computes it. */
export type PartitionOf = (
  bytes: Buffer,
  position: number,
  length: number,
  partitions: number,
) => number;

export function refused(message: string): OutriggerError {
  return new OutriggerError("TEST_DRIVER_REFUSED", message);
}
