import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { type WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { fetch } from "./fetching.ts";
import type { ModelKafka } from "./model.ts";
import { readSentBatch } from "./records.ts";

/** The APIs that the model speaks: key to oldest and newest version. */
const VERSIONS: readonly (readonly [key: number, oldest: number, newest: number])[] = [
  [0, 12, 12],
  [1, 16, 16],
  [2, 7, 7],
  [3, 12, 12],
  [9, 9, 9],
  [10, 4, 4],
  [18, 3, 3],
  [22, 5, 5],
  [26, 5, 5],
  [28, 5, 5],
  [68, 1, 1],
];

export const API_NAMES: Readonly<Record<number, string>> = {
  0: "Produce",
  1: "Fetch",
  2: "ListOffsets",
  3: "Metadata",
  9: "OffsetFetch",
  10: "FindCoordinator",
  18: "ApiVersions",
  22: "InitProducerId",
  26: "EndTxn",
  28: "TxnOffsetCommit",
  68: "Heartbeat",
};

export interface BrokerRequest {
  readonly apiKey: number;
  /** Stands at the body. */
  readonly reader: WireReader;
  readonly reply: (body: WireWriter) => void;
  /** A code to answer with, without doing anything: a fault. */
  readonly refuse: number | null;
}

/** One node of the cluster on the wire: reads a request, does what it says, answers. */
export function serve(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  switch (request.apiKey) {
    case 0:
      produce(kafka, nodeId, request);
      return;
    case 1:
      fetch(kafka, nodeId, request);
      return;
    case 2:
      listOffsets(kafka, nodeId, request);
      return;
    case 3:
      metadata(kafka, request);
      return;
    case 9:
      offsetFetch(kafka, nodeId, request);
      return;
    case 10:
      findCoordinator(kafka, request);
      return;
    case 18:
      apiVersions(kafka, request);
      return;
    case 22:
      initProducerId(kafka, nodeId, request);
      return;
    case 26:
      endTxn(kafka, nodeId, request);
      return;
    case 28:
      txnOffsetCommit(kafka, nodeId, request);
      return;
    case 68:
      heartbeat(kafka, nodeId, request);
      return;
    default:
      throw new Error(`the model does not speak API ${request.apiKey}`);
  }
}

export function hostOf(nodeId: number): string {
  return `node-${nodeId}`;
}

function apiVersions(kafka: ModelKafka, { reply }: BrokerRequest): void {
  const body = new WireWriter().int16(ERROR.NONE);
  body.compactArray(VERSIONS, ([key, oldest, newest]) => {
    body.int16(key).int16(oldest).int16(newest).emptyTags();
  });
  const features = new WireWriter();
  features.compactArray([kafka.options.transactionVersion], (version) => {
    features.compactString("transaction.version").int16(version).int16(0).emptyTags();
  });
  const bytes = features.finish();
  reply(body.int32(0).uvarint(1).uvarint(2).uvarint(bytes.length).bytes(bytes));
}

function metadata(kafka: ModelKafka, { reader, reply }: BrokerRequest): void {
  const names = reader.compactArray(() => {
    reader.uuid();
    const name = reader.compactNullableString() ?? "";
    reader.tags();
    return name;
  });
  const body = new WireWriter().int32(0);
  const up = kafka.nodes.filter((node) => node.up);
  body.compactArray(up, ({ id }) => {
    body.int32(id).compactString(hostOf(id)).int32(9092).compactNullableString(null).emptyTags();
  });
  body.compactNullableString("model").int32(1);
  body.compactArray(names, (name) => {
    const topic = kafka.topics.get(name);
    body.int16(topic === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE);
    body
      .compactNullableString(name)
      .uuid(topic?.id ?? "0".repeat(32))
      .bool(false);
    body.compactArray(topic?.partitions ?? [], (log) => {
      const leader = kafka.leaderOf(log);
      body.int16(ERROR.NONE).int32(log.partition).int32(leader).int32(log.leaderEpoch);
      for (let list = 0; list < 3; list++) body.compactArray([leader], (id) => body.int32(id));
      body.emptyTags();
    });
    body.int32(0).emptyTags();
  });
  reply(body.emptyTags());
}

function findCoordinator(kafka: ModelKafka, { reader, reply, refuse }: BrokerRequest): void {
  const kind = reader.int8() === 0 ? "group" : "transaction";
  const keys = reader.compactArray(() => reader.compactString());
  const { node } = kafka.coordinators[kind];
  const isUp = kafka.nodes[node - 1]?.up ?? false;
  const error = refuse ?? (isUp ? ERROR.NONE : ERROR.COORDINATOR_NOT_AVAILABLE);
  const body = new WireWriter().int32(0);
  body.compactArray(keys, (key) => {
    body.compactString(key).int32(node).compactString(hostOf(node)).int32(9092);
    body.int16(error).compactNullableString(null).emptyTags();
  });
  reply(body.emptyTags());
}

function initProducerId(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const id = reader.compactNullableString() ?? "";
  const timeoutMs = reader.int32();
  const error = refuse ?? kafka.isCoordinator("transaction", nodeId);
  const answer =
    error === ERROR.NONE
      ? kafka.transactions.initProducerId(id, timeoutMs)
      : { error, id: -1n, epoch: -1 };
  const body = new WireWriter().int32(0).int16(answer.error);
  reply(body.bigint64(answer.id).int16(answer.epoch).emptyTags());
}

function endTxn(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const id = reader.compactString();
  const producerId = reader.bigint64();
  const epoch = reader.int16();
  const outcome = reader.bool() ? "commit" : "abort";
  const error = refuse ?? kafka.isCoordinator("transaction", nodeId);
  const answer =
    error === ERROR.NONE
      ? kafka.transactions.endTxn(id, producerId, epoch, outcome)
      : { error, id: -1n, epoch: -1 };
  const body = new WireWriter().int32(0).int16(answer.error);
  reply(body.bigint64(answer.id).int16(answer.epoch).emptyTags());
}

function produce(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const transactionalId = reader.compactNullableString() ?? "";
  reader.int16();
  reader.int32();
  interface Part {
    readonly topic: string;
    readonly partition: number;
    readonly bytes: Buffer;
    error: number;
    baseOffset: number;
  }
  const parts: Part[] = [];
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      const partition = reader.int32();
      const bytes = reader.compactBytes();
      reader.tags();
      parts.push({ topic, partition, bytes, error: ERROR.NONE, baseOffset: -1 });
    });
    reader.tags();
  });
  let left = parts.length;
  const finish = (): void => {
    left -= 1;
    if (left > 0) return;
    const body = new WireWriter();
    // Each partition as a topic of its own: clients must take what order a broker gives.
    body.compactArray(parts, (part) => {
      body.compactString(part.topic).uvarint(2);
      body.int32(part.partition).int16(part.error).int64(part.baseOffset).int64(-1).int64(0);
      body.compactArray([], () => {}).compactNullableString(null);
      const log = kafka.log(part.topic, part.partition);
      if (part.error === ERROR.NOT_LEADER_OR_FOLLOWER && log !== null && refuse === null) {
        const leader = kafka.leaderOf(log);
        body.uvarint(1).uvarint(0).uvarint(9).int32(leader).int32(log.leaderEpoch).emptyTags();
      } else body.emptyTags();
      body.emptyTags();
    });
    reply(body.int32(0).emptyTags());
  };
  for (const part of parts) {
    const log = kafka.log(part.topic, part.partition);
    const isLeader = log !== null && kafka.leaderOf(log) === nodeId;
    const appended = refuse === ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    if (log === null || !isLeader || (refuse !== null && !appended)) {
      part.error = refuse ?? ERROR.NOT_LEADER_OR_FOLLOWER;
      finish();
      continue;
    }
    kafka.produce(transactionalId, log, readSentBatch(part.bytes), (error, baseOffset) => {
      part.error = appended && error === ERROR.NONE ? refuse : error;
      part.baseOffset = part.error === ERROR.NONE ? baseOffset : -1;
      finish();
    });
  }
}

function txnOffsetCommit(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const transactionalId = reader.compactString();
  const groupId = reader.compactString();
  const producerId = reader.bigint64();
  const epoch = reader.int16();
  const memberEpoch = reader.int32();
  const memberId = reader.compactString();
  reader.compactNullableString();
  const offsets: {
    topic: string;
    number: number;
    partition: string;
    offset: number;
    leaderEpoch: number;
    metadata: string;
  }[] = [];
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      const number = reader.int32();
      const offset = reader.int64();
      const leaderEpoch = reader.int32();
      const metadata = reader.compactNullableString() ?? "";
      reader.tags();
      const partition = `${topic}-${number}`;
      offsets.push({ topic, number, partition, offset, leaderEpoch, metadata });
    });
    reader.tags();
  });
  const answer = (errors: readonly number[]): void => {
    const body = new WireWriter().int32(0);
    body.compactArray([...offsets.entries()], ([index, { topic, number }]) => {
      body.compactString(topic).uvarint(2);
      body
        .int32(number)
        .int16(errors[index] ?? ERROR.NONE)
        .emptyTags()
        .emptyTags();
    });
    reply(body.emptyTags());
  };
  const error = kafka.isCoordinator("group", nodeId);
  if (error !== ERROR.NONE) {
    answer(offsets.map(() => error));
    return;
  }
  const from = { transactionalId, groupId, producerId, epoch, memberId, memberEpoch };
  // A fault refuses the last partition alone: the others are pending.
  const taken = refuse === null ? offsets : offsets.slice(0, -1);
  kafka.commitOffsets({ ...from, offsets: taken }, (errors) => {
    answer(refuse === null ? errors : [...errors, refuse]);
  });
}

function offsetFetch(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const wanted: { groupId: string; topic: string; partitions: number[] }[] = [];
  reader.compactArray(() => {
    const groupId = reader.compactString();
    reader.compactNullableString();
    reader.int32();
    reader.compactArray(() => {
      const topic = reader.compactString();
      const partitions = reader.compactArray(() => reader.int32());
      reader.tags();
      wanted.push({ groupId, topic, partitions });
    });
    reader.tags();
  });
  const requireStable = reader.bool();
  const error = refuse ?? kafka.isCoordinator("group", nodeId);
  const groupId = wanted[0]?.groupId ?? "";
  const group = kafka.group(groupId);
  const body = new WireWriter().int32(0).uvarint(2).compactString(groupId);
  body.compactArray(error === ERROR.NONE ? wanted : [], ({ topic, partitions }) => {
    body.compactString(topic);
    body.compactArray(partitions, (partition) => {
      const name = `${topic}-${partition}`;
      const found = group.committed.get(name) ?? null;
      const isUnstable = requireStable && group.pending.has(name);
      body.int32(partition).int64(isUnstable ? -1 : (found?.offset ?? -1));
      body.int32(found?.leaderEpoch ?? -1).compactNullableString(found?.metadata ?? "");
      body.int16(isUnstable ? ERROR.UNSTABLE_OFFSET_COMMIT : ERROR.NONE).emptyTags();
    });
    body.emptyTags();
  });
  reply(body.int16(error).emptyTags().emptyTags());
}

const READ_COMMITTED = 1;
const EARLIEST = -2;

function listOffsets(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  reader.int32();
  const isolation = reader.int8();
  const body = new WireWriter().int32(0);
  const topics: { topic: string; partition: number; timestamp: number }[] = [];
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      const partition = reader.int32();
      reader.int32();
      topics.push({ topic, partition, timestamp: reader.int64() });
      reader.tags();
    });
    reader.tags();
  });
  body.compactArray(topics, ({ topic, partition, timestamp }) => {
    const log = kafka.log(topic, partition);
    const isLeader = log !== null && kafka.leaderOf(log) === nodeId;
    const error = refuse ?? (isLeader ? ERROR.NONE : ERROR.NOT_LEADER_OR_FOLLOWER);
    const end = isolation === READ_COMMITTED ? (log?.stable ?? 0) : (log?.end ?? 0);
    const offset = timestamp === EARLIEST ? (log?.logStart ?? 0) : end;
    body.compactString(topic).uvarint(2);
    body
      .int32(partition)
      .int16(error)
      .int64(-1)
      .int64(error === ERROR.NONE ? offset : -1);
    body
      .int32(log?.leaderEpoch ?? -1)
      .emptyTags()
      .emptyTags();
  });
  reply(body.emptyTags());
}

function heartbeat(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply, refuse } = request;
  const groupId = reader.compactString();
  const memberId = reader.compactString();
  const memberEpoch = reader.int32();
  reader.compactNullableString();
  reader.compactNullableString();
  const rebalanceTimeoutMs = reader.int32();
  const topics = reader.compactNullableArray(() => reader.compactString());
  reader.compactNullableString();
  reader.compactNullableString();
  const owned =
    reader.compactNullableArray(() => {
      const id = reader.uuid();
      const partitions = reader.compactArray(() => reader.int32());
      reader.tags();
      const name = kafka.topicById(id)?.name ?? "";
      return partitions.map((partition) => `${name}-${partition}`);
    }) ?? null;
  const error = refuse ?? kafka.isCoordinator("group", nodeId);
  const answer =
    error === ERROR.NONE
      ? kafka.group(groupId).heartbeat({
          memberId,
          memberEpoch,
          rebalanceTimeoutMs,
          topics,
          owned: owned?.flat() ?? null,
        })
      : { error, memberEpoch: 0, assignment: null };
  const body = new WireWriter().int32(0).int16(answer.error).compactNullableString(null);
  body.compactNullableString(memberId).int32(answer.memberEpoch);
  body.int32(kafka.options.heartbeatIntervalMs);
  if (answer.assignment === null) body.int8(-1);
  else {
    const byTopic = new Map<string, number[]>();
    for (const name of answer.assignment) {
      const cut = name.lastIndexOf("-");
      const topic = name.slice(0, cut);
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), Number(name.slice(cut + 1))]);
    }
    body.int8(1).compactArray([...byTopic], ([topic, partitions]) => {
      body.uuid(kafka.topics.get(topic)?.id ?? "0".repeat(32));
      body.compactArray(partitions, (partition) => body.int32(partition)).emptyTags();
    });
    body.emptyTags();
  }
  reply(body.emptyTags());
}
