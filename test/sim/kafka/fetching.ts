import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import type { BrokerRequest } from "./broker.ts";
import type { ModelKafka } from "./model.ts";

interface Wanted {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
}

/** Said by a node that does not lead (KIP-951). */
interface Hint {
  readonly nodeId: number;
  readonly epoch: number;
}

interface Found extends Wanted {
  readonly leader: Hint | null;
  readonly error: number;
  readonly bytes: Buffer;
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  readonly end: number;
  readonly stable: number;
}

const READ_COMMITTED = 1;
const NOTHING = Buffer.alloc(0);

/** A fetch: answered at once when there is anything, else held until something comes, or time is up. */
export function fetch(kafka: ModelKafka, nodeId: number, request: BrokerRequest): void {
  const { reader, reply } = request;
  const waitMs = reader.int32();
  reader.int32();
  reader.int32();
  const isolation = reader.int8();
  reader.int32();
  reader.int32();
  const wanted: Wanted[] = [];
  reader.compactArray(() => {
    const topicId = reader.uuid();
    reader.compactArray(() => {
      const partition = reader.int32();
      reader.int32();
      const offset = reader.int64();
      reader.int32();
      reader.int64();
      wanted.push({ topicId, partition, offset, bytesMax: reader.int32() });
      reader.tags();
    });
    reader.tags();
  });
  let done = false;
  const look = (isLast: boolean): void => {
    if (done) return;
    const found = wanted.map((each) => find(kafka, nodeId, each, isolation, request.refuse));
    const hasAny = found.some(({ error, bytes }) => error !== ERROR.NONE || bytes.length > 0);
    if (!hasAny && !isLast) return;
    done = true;
    const at = kafka.grown.indexOf(check);
    if (at >= 0) kafka.grown.splice(at, 1);
    reply(encode(found));
  };
  const check = (): void => look(false);
  look(waitMs === 0);
  if (done) return;
  kafka.grown.push(check);
  kafka.scheduler.after(waitMs, () => look(true));
}

function find(
  kafka: ModelKafka,
  nodeId: number,
  wanted: Wanted,
  isolation: number,
  refuse: number | null,
): Found {
  const nothing = { ...wanted, leader: null, bytes: NOTHING, aborted: [], end: -1, stable: -1 };
  if (refuse !== null) return { ...nothing, error: refuse };
  const log = kafka.topicById(wanted.topicId)?.partitions[wanted.partition];
  if (log === undefined) return { ...nothing, error: ERROR.UNKNOWN_TOPIC_ID };
  const leaderId = kafka.leaderOf(log);
  if (leaderId !== nodeId) {
    const leader = { nodeId: leaderId, epoch: log.leaderEpoch };
    return { ...nothing, error: ERROR.NOT_LEADER_OR_FOLLOWER, leader };
  }
  if (wanted.offset < log.logStart || wanted.offset > log.end) {
    return { ...nothing, error: ERROR.OFFSET_OUT_OF_RANGE };
  }
  const limit = isolation === READ_COMMITTED ? log.stable : log.end;
  const { bytes, aborted } = log.read(wanted.offset, limit, wanted.bytesMax);
  const seen = isolation === READ_COMMITTED ? aborted : [];
  return { ...nothing, error: ERROR.NONE, bytes, aborted: seen, end: log.end, stable: log.stable };
}

function encode(found: readonly Found[]): WireWriter {
  const body = new WireWriter(1_024).int32(0).int16(ERROR.NONE).int32(0);
  body.compactArray(found, (each) => {
    const { topicId, partition, error, leader, bytes, aborted, end, stable } = each;
    body.uuid(topicId).uvarint(2);
    body.int32(partition).int16(error).int64(end).int64(stable).int64(0);
    body.compactArray(aborted, ({ producerId, firstOffset }) => {
      body.bigint64(producerId).int64(firstOffset).emptyTags();
    });
    body.int32(-1).compactBytes(bytes);
    if (leader === null) body.emptyTags();
    else body.uvarint(1).uvarint(1).uvarint(9).int32(leader.nodeId).int32(leader.epoch).emptyTags();
    body.emptyTags();
  });
  return body.emptyTags();
}
