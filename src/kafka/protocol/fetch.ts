import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type LeaderHint, readEndpoints, readLeaderHint } from "./leader-hints.ts";
import type { BrokerNode } from "./metadata.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** From 13 on with topic ids (KIP-516), from 16 on with hints of the leader (KIP-951). */
export const FETCH: Api = { key: 1, name: "Fetch", oldest: 13, newest: 16 };

const READ_COMMITTED = 1;
/** From this version on the replica id is a tagged field, absent for consumers (KIP-903). */
const REPLICA_ID_IS_TAGGED = 15;

export interface FetchBounds {
  readonly waitMaxMs: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
}

export interface FetchPosition {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  /** The leader's epoch as metadata has it (KIP-320); -1 when unknown. */
  readonly leaderEpoch: number;
  /** Of the batch before `offset`: the leader tells when its log parted ways; -1 when unknown. */
  readonly lastEpoch: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** Where the log of the leader ends in the last epoch that it shares with the reader (KIP-595). */
export interface DivergingEpoch {
  readonly epoch: number;
  readonly endOffset: number;
}

/** One partition of an answer: its batches are only located, in `bytes` from `start` to `end`. */
export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Set when what was read last is not in the leader's log. */
  readonly diverging: DivergingEpoch | null;
  /** Set, perhaps, by a broker that does not lead the partition. */
  readonly leader: LeaderHint | null;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface FetchAnswer {
  readonly error: number;
  readonly partitions: readonly FetchedPartition[];
  /** The brokers that leaders are named by. */
  readonly endpoints: readonly BrokerNode[];
}

/** A full fetch, without a session (KIP-227): the order of positions is the order of service. */
export function fetchRequest(
  version: number,
  positions: readonly FetchPosition[],
  bounds: FetchBounds,
): WireRequest<FetchAnswer> {
  const writer = new WireWriter(64 + positions.length * 48);
  if (version < REPLICA_ID_IS_TAGGED) writer.int32(-1);
  writer
    .int32(bounds.waitMaxMs)
    .int32(bounds.bytesMin)
    .int32(bounds.bytesMax)
    .int8(READ_COMMITTED)
    .int32(0) // session id
    .int32(-1); // session epoch: none
  const topics = new Map<string, FetchPosition[]>();
  for (const each of positions) {
    const group = topics.get(each.topicId);
    if (group === undefined) topics.set(each.topicId, [each]);
    else group.push(each);
  }
  writer.compactArray([...topics], ([topicId, members]) => {
    writer.uuid(topicId).compactArray(members, (each) => {
      writer
        .int32(each.partition)
        .int32(each.leaderEpoch)
        .int64(each.offset)
        .int32(each.lastEpoch)
        .int64(-1) // log start offset: for followers
        .int32(bounds.partitionBytesMax)
        .emptyTags();
    });
    writer.emptyTags();
  });
  writer
    .compactArray([], () => {})
    .compactString("")
    .emptyTags();
  return {
    apiKey: FETCH.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeFetch,
  };
}

function decodeFetch(reader: WireReader): FetchAnswer {
  reader.throttleTime();
  const error = reader.int16();
  reader.int32(); // session id
  const partitions: FetchedPartition[] = [];
  reader.compactArray(() => {
    const topicId = reader.uuid();
    reader.compactArray(() => partitions.push(decodePartition(reader, topicId)));
    reader.tags();
  });
  let endpoints: readonly BrokerNode[] = [];
  reader.tags((tag) => {
    if (tag === NODE_ENDPOINTS_TAG) endpoints = readEndpoints(reader);
  });
  return { error, partitions, endpoints };
}

const NODE_ENDPOINTS_TAG = 0;
const DIVERGING_EPOCH_TAG = 0;
const CURRENT_LEADER_TAG = 1;

function decodePartition(reader: WireReader, topicId: string): FetchedPartition {
  const partition = reader.int32();
  const error = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  reader.int64(); // log start offset
  const aborted = reader.compactArray(() => {
    const transaction = { producerId: reader.bigint64(), firstOffset: reader.int64() };
    reader.tags();
    return transaction;
  });
  reader.int32(); // preferred read replica: only for consumers that name their rack
  const length = Math.max(reader.uvarint() - 1, 0);
  const start = reader.skip(length);
  let diverging: DivergingEpoch | null = null;
  let leader: LeaderHint | null = null;
  reader.tags((tag) => {
    if (tag === DIVERGING_EPOCH_TAG) diverging = readDivergingEpoch(reader);
    else if (tag === CURRENT_LEADER_TAG) leader = readLeaderHint(reader);
  });
  const said = { topicId, partition, error, highWatermark, lastStableOffset, aborted };
  return { ...said, diverging, leader, bytes: reader.buffer, start, end: start + length };
}

function readDivergingEpoch(reader: WireReader): DivergingEpoch | null {
  const diverging = { epoch: reader.int32(), endOffset: reader.int64() };
  reader.tags();
  return diverging.endOffset < 0 ? null : diverging;
}
