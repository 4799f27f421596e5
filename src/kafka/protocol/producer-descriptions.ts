import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { flexible } from "./flexible.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** Who has written to partitions of late (KIP-664). */
export const DESCRIBE_PRODUCERS: Api = { key: 61, name: "DescribeProducers", oldest: 0, newest: 0 };
/** Which transactional ids a broker coordinates (KIP-664). */
export const LIST_TRANSACTIONS: Api = { key: 66, name: "ListTransactions", oldest: 0, newest: 0 };
/** Never used to add anything: Kafka checks a client's rights before anything else. */
export const ADD_OFFSETS_TO_TXN: Api = { key: 25, name: "AddOffsetsToTxn", oldest: 3, newest: 4 };

export interface ActiveProducer {
  readonly producerId: bigint;
  readonly epoch: number;
  /** When it last wrote, ms since 1970. */
  readonly lastTimestampMs: number;
  /** -1 for a producer that never ended a transaction here. */
  readonly coordinatorEpoch: number;
  /** -1 while it has no transaction open here. */
  readonly openSince: number;
}

export interface ProducersAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  readonly producers: readonly ActiveProducer[];
}

/** Partitions of one topic, asked of the broker that leads them. */
export function describeProducersRequest(
  version: number,
  topic: string,
  partitions: readonly number[],
): WireRequest<readonly ProducersAnswer[]> {
  const writer = new WireWriter();
  writer.compactArray([topic], (name) => {
    writer.compactString(name).compactArray(partitions, (each) => writer.int32(each));
    writer.emptyTags();
  });
  return flexible(DESCRIBE_PRODUCERS, version, writer.emptyTags(), (reader) => {
    reader.throttleTime();
    return reader
      .compactArray(() => {
        const name = reader.compactString();
        const answers = reader.compactArray(() => decodePartition(reader, name));
        reader.tags();
        return answers;
      })
      .flat();
  });
}

function decodePartition(reader: WireReader, topic: string): ProducersAnswer {
  const partition = reader.int32();
  const error = reader.int16();
  reader.compactNullableString(); // message
  const producers = reader.compactArray(() => {
    const producerId = reader.bigint64();
    const epoch = reader.int32();
    reader.int32(); // last sequence
    const lastTimestampMs = reader.int64();
    const producer = {
      producerId,
      epoch,
      lastTimestampMs,
      coordinatorEpoch: reader.int32(),
      openSince: reader.int64(),
    };
    reader.tags();
    return producer;
  });
  reader.tags();
  return { topic, partition, error, producers };
}

export interface TransactionsAnswer {
  readonly error: number;
  readonly transactions: readonly { readonly id: string; readonly producerId: bigint }[];
}

/** All that the broker coordinates and this client may describe, whatever their state. */
export function listTransactionsRequest(version: number): WireRequest<TransactionsAnswer> {
  const writer = new WireWriter();
  writer.compactArray([], () => {}).compactArray([], () => {});
  return flexible(LIST_TRANSACTIONS, version, writer.emptyTags(), (reader) => {
    reader.throttleTime();
    const error = reader.int16();
    reader.compactArray(() => reader.compactString()); // states that the broker does not know
    const transactions = reader.compactArray(() => {
      const transaction = { id: reader.compactString(), producerId: reader.bigint64() };
      reader.compactString(); // state
      reader.tags();
      return transaction;
    });
    return { error, transactions };
  });
}

/** No producer has this id, so the request can do nothing but be refused. */
const NO_PRODUCER = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Asks whether this client may write with a transactional id: no other request tells without an
 * effect. Answered with INVALID_PRODUCER_ID_MAPPING where it may.
 */
export function transactionalIdProbe(
  version: number,
  transactionalId: string,
  groupId: string,
): WireRequest<number> {
  const writer = new WireWriter()
    .compactString(transactionalId)
    .bigint64(NO_PRODUCER)
    .int16(0)
    .compactString(groupId);
  return flexible(ADD_OFFSETS_TO_TXN, version, writer.emptyTags(), (reader) => {
    reader.throttleTime();
    return reader.int16();
  });
}
