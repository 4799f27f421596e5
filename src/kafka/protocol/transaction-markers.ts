import type { TopicPartition } from "../../model/topic-partition.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { flexible } from "./flexible.ts";
import { groupByTopic } from "./group-by-topic.ts";
import type { ProducerIdentity } from "./transactions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** What a coordinator knows of a transactional id (KIP-664). */
export const DESCRIBE_TRANSACTIONS: Api = {
  key: 65,
  name: "DescribeTransactions",
  oldest: 0,
  newest: 0,
};
/** Writes a marker without the coordinator, as `kafka-transactions.sh abort` does (KIP-664). */
export const WRITE_TXN_MARKERS: Api = { key: 27, name: "WriteTxnMarkers", oldest: 1, newest: 1 };

export interface TransactionAnswer {
  readonly error: number;
  /** As Kafka names it: `Ongoing`, `PrepareCommit`, `CompleteCommit`, `Empty`, … */
  readonly state: string;
  readonly producer: ProducerIdentity;
}

export function describeTransactionRequest(
  version: number,
  transactionalId: string,
): WireRequest<TransactionAnswer | null> {
  const writer = new WireWriter();
  writer.compactArray([transactionalId], (id) => writer.compactString(id));
  return flexible(DESCRIBE_TRANSACTIONS, version, writer.emptyTags(), (reader) => {
    reader.throttleTime();
    const [answer] = reader.compactArray(() => {
      const error = reader.int16();
      reader.compactString(); // transactional id
      const state = reader.compactString();
      reader.int32(); // timeout
      reader.int64(); // since when it is open
      const producer = { id: reader.bigint64(), epoch: reader.int16() };
      reader.compactArray(() => {
        reader.compactString();
        reader.compactArray(() => reader.int32());
        reader.tags();
      });
      reader.tags();
      return { error, state, producer };
    });
    return answer ?? null;
  });
}

/** A marker of one producer, for partitions that one broker leads. */
export interface Marker {
  readonly producer: ProducerIdentity;
  readonly outcome: "commit" | "abort";
  /** No older than that of the last marker in the partition. */
  readonly coordinatorEpoch: number;
  readonly partitions: readonly TopicPartition[];
}

export interface MarkerAnswer extends TopicPartition {
  readonly error: number;
}

export function writeTxnMarkersRequest(
  version: number,
  markers: readonly Marker[],
): WireRequest<readonly MarkerAnswer[]> {
  const writer = new WireWriter();
  writer.compactArray(markers, ({ producer, outcome, coordinatorEpoch, partitions }) => {
    writer
      .bigint64(producer.id)
      .int16(producer.epoch)
      .bool(outcome === "commit");
    writer.compactArray([...groupByTopic(partitions)], ([topic, group]) => {
      writer.compactString(topic).compactArray(group, ({ partition }) => writer.int32(partition));
      writer.emptyTags();
    });
    writer.int32(coordinatorEpoch).emptyTags();
  });
  return flexible(WRITE_TXN_MARKERS, version, writer.emptyTags(), decodeMarkers);
}

function decodeMarkers(reader: WireReader): readonly MarkerAnswer[] {
  const answers: MarkerAnswer[] = [];
  reader.compactArray(() => {
    reader.bigint64(); // producer id
    reader.compactArray(() => {
      const topic = reader.compactString();
      reader.compactArray(() => {
        answers.push({ topic, partition: reader.int32(), error: reader.int16() });
        reader.tags();
      });
      reader.tags();
    });
    reader.tags();
  });
  return answers;
}
