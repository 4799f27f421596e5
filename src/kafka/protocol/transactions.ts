import type { Membership } from "../../ports/consumer.ts";
import type { OffsetToCommit } from "../../ports/producer.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { flexible } from "./flexible.ts";
import { groupByTopic } from "./group-by-topic.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const INIT_PRODUCER_ID: Api = { key: 22, name: "InitProducerId", oldest: 4, newest: 5 };
/** v5 adds the offsets' partition to the transaction itself (KIP-890). */
export const TXN_OFFSET_COMMIT: Api = { key: 28, name: "TxnOffsetCommit", oldest: 5, newest: 5 };
/** v5 bumps the epoch and answers with it (KIP-890). */
export const END_TXN: Api = { key: 26, name: "EndTxn", oldest: 5, newest: 5 };

/** Who produces: taken from each InitProducerId and EndTxn answer. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

export interface IdentityAnswer extends ProducerIdentity {
  readonly error: number;
}

export function initProducerIdRequest(
  version: number,
  transactionalId: string,
  timeoutMs: number,
): WireRequest<IdentityAnswer> {
  const writer = new WireWriter()
    .compactNullableString(transactionalId)
    .int32(timeoutMs)
    .bigint64(-1n)
    .int16(-1)
    .emptyTags();
  return flexible(INIT_PRODUCER_ID, version, writer, (reader) => {
    reader.throttleTime();
    return { error: reader.int16(), id: reader.bigint64(), epoch: reader.int16() };
  });
}

export function endTxnRequest(
  version: number,
  transactionalId: string,
  producer: ProducerIdentity,
  outcome: "commit" | "abort",
): WireRequest<IdentityAnswer> {
  const writer = new WireWriter()
    .compactString(transactionalId)
    .bigint64(producer.id)
    .int16(producer.epoch)
    .bool(outcome === "commit")
    .emptyTags();
  return flexible(END_TXN, version, writer, (reader) => {
    reader.throttleTime();
    return { error: reader.int16(), id: reader.bigint64(), epoch: reader.int16() };
  });
}

export interface PartitionCommitted {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
}

export function txnOffsetCommitRequest(
  version: number,
  ids: { readonly transactionalId: string; readonly groupId: string },
  producer: ProducerIdentity,
  membership: Membership,
  offsets: readonly OffsetToCommit[],
): WireRequest<PartitionCommitted[]> {
  const writer = new WireWriter(512)
    .compactString(ids.transactionalId)
    .compactString(ids.groupId)
    .bigint64(producer.id)
    .int16(producer.epoch)
    .int32(membership.memberEpoch)
    .compactString(membership.memberId)
    .compactNullableString(null);
  writer.compactArray([...groupByTopic(offsets)], ([topic, members]) => {
    writer.compactString(topic);
    writer.compactArray(members, (at) => {
      writer
        .int32(at.partition)
        .int64(at.offset)
        .int32(at.leaderEpoch)
        .compactNullableString(at.metadata)
        .emptyTags();
    });
    writer.emptyTags();
  });
  return flexible(TXN_OFFSET_COMMIT, version, writer.emptyTags(), decodeOffsetCommit);
}

function decodeOffsetCommit(reader: WireReader): PartitionCommitted[] {
  const committed: PartitionCommitted[] = [];
  reader.throttleTime();
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      committed.push({ topic, partition: reader.int32(), error: reader.int16() });
      reader.tags();
    });
    reader.tags();
  });
  return committed;
}
