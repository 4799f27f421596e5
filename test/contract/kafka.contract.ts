import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cluster } from "../../src/kafka/network/cluster.ts";
import type { WireHeartbeatAnswer } from "../../src/kafka/protocol/consumer-group-heartbeat.ts";
import { ERROR, errorName } from "../../src/kafka/protocol/error-codes.ts";
import { WireClient } from "./kafka-client.ts";

/** A cluster under test: the simulator's model, or a real one. */
export interface KafkaUnderTest {
  readonly cluster: () => Cluster;
  readonly makeTopic: (name: string, partitions: number) => Promise<void>;
  /** Whether offsets are taken with an older epoch, since which the partition is held: from 4.3 on. */
  readonly kip1251: boolean;
}

function equalCode(found: number, wanted: number): void {
  assert.equal(errorName(found), errorName(wanted));
}

const NOBODY = { memberId: "", memberEpoch: -1 };

/** Names that no other case uses. */
let cases = 0;

/**
 * What the kernel stands on, request by request. The model of the simulator passes it as a real
 * broker does, so that the two cannot share a misunderstanding that only one of them holds to.
 */
export function kafkaContract({ cluster, makeTopic, kip1251 }: KafkaUnderTest): void {
  async function scene(partitions = 1) {
    cases += 1;
    const topic = `contract-${process.pid}-${cases}`;
    await makeTopic(topic, partitions);
    const client = new WireClient(cluster());
    return { client, topic, id: `${topic}-id`, group: `${topic}-group` };
  }

  test("each InitProducerId fences the one before it", async () => {
    const { client, topic, id } = await scene();
    const first = await client.init(id);
    const second = await client.init(id);
    equalCode(second.error, ERROR.NONE);
    assert.equal(second.id, first.id);
    assert.ok(second.epoch > first.epoch);
    equalCode((await client.produce(id, first, topic, 0, "a")).error, ERROR.INVALID_PRODUCER_EPOCH);
    equalCode((await client.end(id, first, "abort")).error, ERROR.PRODUCER_FENCED);
  });

  test("EndTxn bumps the epoch and says so, and its repetition says the same", async () => {
    const { client, topic, id } = await scene();
    const before = await client.init(id);
    await client.produce(id, before, topic, 0, "a");
    const after = await client.end(id, before, "commit");
    equalCode(after.error, ERROR.NONE);
    assert.deepEqual([after.id, after.epoch], [before.id, before.epoch + 1]);
    const again = await client.end(id, before, "commit");
    assert.deepEqual([again.error, again.id, again.epoch], [ERROR.NONE, after.id, after.epoch]);
  });

  test("a repeated EndTxn that says otherwise is refused", async () => {
    const { client, topic, id } = await scene();
    const producer = await client.init(id);
    await client.produce(id, producer, topic, 0, "a");
    await client.end(id, producer, "commit");
    equalCode((await client.end(id, producer, "abort")).error, ERROR.INVALID_TXN_STATE);
  });

  test("a repeated EndTxn is refused once the next transaction is open, or the id taken anew", async () => {
    const { client, topic, id } = await scene();
    const first = await client.init(id);
    await client.produce(id, first, topic, 0, "a");
    const second = await client.end(id, first, "commit");
    equalCode((await client.produce(id, second, topic, 0, "b")).error, ERROR.NONE);
    equalCode((await client.end(id, first, "commit")).error, ERROR.PRODUCER_FENCED);
    await client.end(id, second, "commit");
    await client.init(id);
    equalCode((await client.end(id, second, "commit")).error, ERROR.PRODUCER_FENCED);
  });

  test("EndTxn on nothing: a commit is refused, an abort bumps", async () => {
    const { client, id } = await scene();
    const producer = await client.init(id);
    equalCode((await client.end(id, producer, "commit")).error, ERROR.INVALID_TXN_STATE);
    const aborted = await client.end(id, producer, "abort");
    equalCode(aborted.error, ERROR.NONE);
    assert.equal(aborted.epoch, producer.epoch + 1);
  });

  test("a leader takes a batch once, in sequence, and remembers five", async () => {
    const { client, topic, id } = await scene();
    const producer = await client.init(id);
    const offsets: number[] = [];
    for (let sequence = 0; sequence < 6; sequence++) {
      const { error, baseOffset } = await client.produce(id, producer, topic, sequence, "a");
      equalCode(error, ERROR.NONE);
      offsets.push(baseOffset);
    }
    const again = await client.produce(id, producer, topic, 1, "a");
    assert.deepEqual(again, { error: ERROR.NONE, baseOffset: offsets[1] });
    const forgotten = await client.produce(id, producer, topic, 0, "a");
    equalCode(forgotten.error, ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
    const gap = await client.produce(id, producer, topic, 7, "a");
    equalCode(gap.error, ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test("sequences begin anew with each epoch", async () => {
    const { client, topic, id } = await scene();
    const first = await client.init(id);
    await client.produce(id, first, topic, 0, "a", "b");
    const second = await client.end(id, first, "commit");
    equalCode(
      (await client.produce(id, second, topic, 2, "c")).error,
      ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
    );
    equalCode((await client.produce(id, second, topic, 0, "c")).error, ERROR.NONE);
  });

  test("a leader that knows nothing of a producer takes sequence 0 as its first, and no other", async () => {
    const { client, topic, id } = await scene();
    const producer = await client.init(id);
    const later = await client.produce(id, producer, topic, 5, "a");
    equalCode(later.error, ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
    equalCode((await client.produce(id, producer, topic, 0, "a")).error, ERROR.NONE);
  });

  test("a Produce that comes after its transaction's end is refused", async () => {
    const { client, topic, id } = await scene();
    const first = await client.init(id);
    await client.produce(id, first, topic, 0, "a");
    await client.end(id, first, "abort");
    // Before its marker it would still be taken, and aborted with the rest.
    await until(async () => (await client.read(topic)).position === 2);
    equalCode((await client.produce(id, first, topic, 1, "b")).error, ERROR.INVALID_PRODUCER_EPOCH);
  });

  test("a reader of committed records stops at an open transaction, and steps over an aborted one", async () => {
    const { client, topic, id } = await scene();
    const producer = await client.init(id);
    await client.produce(id, producer, topic, 0, "a");
    assert.deepEqual(await client.read(topic), { values: [], position: 0 });
    assert.deepEqual(await client.range(topic), { start: 0, end: 1 });
    const second = await client.end(id, producer, "abort");
    await client.produce(id, second, topic, 0, "b", "c");
    await client.end(id, second, "commit");
    // Nothing is sent after it that would be waited for; the marker comes by itself.
    await until(async () => (await client.read(topic)).position === 5);
    assert.deepEqual(await client.read(topic), { values: ["b", "c"], position: 5 });
    assert.deepEqual(await client.range(topic), { start: 0, end: 5 });
  });

  test("aborted transactions that overlap are told apart", async () => {
    const { client, topic, id } = await scene();
    const other = `${id}-other`;
    const [one, two] = [await client.init(id), await client.init(other)];
    await client.produce(id, one, topic, 0, "a");
    await client.produce(other, two, topic, 0, "b");
    await client.produce(id, one, topic, 1, "c");
    const three = await client.end(id, one, "abort");
    await client.produce(other, two, topic, 1, "d");
    await client.end(other, two, "abort");
    await client.produce(id, three, topic, 0, "e");
    await client.end(id, three, "commit");
    await until(async () => (await client.read(topic)).position === 8);
    assert.deepEqual((await client.read(topic)).values, ["e"]);
  });

  test("InitProducerId aborts what is open", async () => {
    const { client, topic, id } = await scene();
    const first = await client.init(id);
    await client.produce(id, first, topic, 0, "a");
    const second = await client.init(id);
    assert.ok(second.epoch > first.epoch);
    equalCode((await client.end(id, first, "commit")).error, ERROR.PRODUCER_FENCED);
    await until(async () => (await client.read(topic)).position === 2);
    assert.deepEqual((await client.read(topic)).values, []);
  });

  test("offsets of an open transaction are unstable, and committed or gone with it", async () => {
    const { client, topic, id, group } = await scene();
    const first = await client.init(id);
    equalCode(await client.commitOffset(id, first, group, NOBODY, topic, 3), ERROR.NONE);
    equalCode((await client.committed(group, topic)).error, ERROR.UNSTABLE_OFFSET_COMMIT);
    const second = await client.end(id, first, "commit");
    await until(async () => (await client.committed(group, topic)).error === ERROR.NONE);
    assert.equal((await client.committed(group, topic)).offset, 3);
    equalCode(await client.commitOffset(id, second, group, NOBODY, topic, 4), ERROR.NONE);
    await client.end(id, second, "abort");
    await until(async () => (await client.committed(group, topic)).error === ERROR.NONE);
    assert.equal((await client.committed(group, topic)).offset, 3);
  });

  test("a TxnOffsetCommit of a fenced producer is refused", async () => {
    const { client, topic, id, group } = await scene();
    const first = await client.init(id);
    await client.init(id);
    equalCode(
      await client.commitOffset(id, first, group, NOBODY, topic, 3),
      ERROR.INVALID_PRODUCER_EPOCH,
    );
  });

  test("TxnOffsetCommit is for members of this epoch", async () => {
    const { client, topic, id, group } = await scene();
    const join = { groupId: group, memberId: `${group}-a`, memberEpoch: 0 };
    const joined = await client.heartbeat({ ...join, topics: [topic], owned: [] });
    equalCode(joined.error, ERROR.NONE);
    const { memberId } = join;
    const { memberEpoch } = joined;
    const producer = await client.init(id);
    const commit = (member: { memberId: string; memberEpoch: number }) =>
      client.commitOffset(id, producer, group, member, topic, 1);
    equalCode(await commit({ memberId: "stranger", memberEpoch }), ERROR.UNKNOWN_MEMBER_ID);
    equalCode(await commit({ memberId, memberEpoch: memberEpoch + 1 }), ERROR.ILLEGAL_GENERATION);
    equalCode(await commit({ memberId, memberEpoch: memberEpoch - 1 }), ERROR.ILLEGAL_GENERATION);
    equalCode(await commit({ memberId, memberEpoch }), ERROR.NONE);
    equalCode((await client.end(id, producer, "commit")).error, ERROR.NONE);
  });

  test("a transaction whose only request was refused can still be aborted", async () => {
    const { client, topic, id, group } = await scene();
    const join = { groupId: group, memberId: `${group}-a`, memberEpoch: 0 };
    await client.heartbeat({ ...join, topics: [topic], owned: [] });
    const producer = await client.init(id);
    const stranger = { memberId: "stranger", memberEpoch: 1 };
    const code = await client.commitOffset(id, producer, group, stranger, topic, 1);
    equalCode(code, ERROR.UNKNOWN_MEMBER_ID);
    equalCode((await client.end(id, producer, "abort")).error, ERROR.NONE);
  });

  groupContract(scene, kip1251);
}

type Scene = (
  partitions?: number,
) => Promise<{ client: WireClient; topic: string; id: string; group: string }>;

function groupContract(scene: Scene, kip1251: boolean): void {
  test("a member alone gets everything, and hears no more of it", async () => {
    const { client, topic, group } = await scene(2);
    const me = { groupId: group, memberId: `${group}-a`, topic };
    const joined = await client.heartbeat({ ...me, memberEpoch: 0, topics: [topic], owned: [] });
    assert.deepEqual(joined.assignment?.[0]?.partitions.toSorted(), [0, 1]);
    const { memberEpoch } = joined;
    const next = await client.heartbeat({ ...me, memberEpoch });
    assert.deepEqual([next.error, next.memberEpoch, next.assignment], [0, memberEpoch, null]);
    const full = await client.heartbeat({ ...me, memberEpoch, topics: [topic], owned: [0, 1] });
    assert.deepEqual(full.assignment?.[0]?.partitions.toSorted(), [0, 1]);
  });

  test("a partition goes to another when its owner has let go, and not before", async () => {
    const { client, topic, group } = await scene(2);
    const a = { groupId: group, memberId: `${group}-a`, topic };
    const b = { groupId: group, memberId: `${group}-b`, topic };
    const first = await client.heartbeat({ ...a, memberEpoch: 0, topics: [topic], owned: [] });
    const joined = await client.heartbeat({ ...b, memberEpoch: 0, topics: [topic], owned: [] });
    assert.deepEqual(joined.assignment ?? [], []);
    const told = await hear(client, { ...a, memberEpoch: first.memberEpoch }, hasAssignment);
    // The epoch stays until the revocation is acknowledged.
    assert.deepEqual(told.assignment?.[0]?.partitions, [0]);
    assert.equal(told.memberEpoch, first.memberEpoch);
    const waits = await client.heartbeat({ ...b, memberEpoch: joined.memberEpoch });
    assert.deepEqual(waits.assignment ?? [], []);
    const { memberEpoch } = told;
    const gone = await client.heartbeat({ ...a, memberEpoch, topics: [topic], owned: [0] });
    assert.ok(gone.memberEpoch > first.memberEpoch);
    const gets = await hear(client, { ...b, memberEpoch: waits.memberEpoch }, hasAssignment);
    assert.deepEqual(gets.assignment?.[0]?.partitions, [1]);
  });

  test("an epoch may move while nothing else does (V6)", async () => {
    const { client, topic, id, group } = await scene(1);
    const a = { groupId: group, memberId: `${group}-a`, topic };
    const b = { groupId: group, memberId: `${group}-b`, topic };
    const first = await client.heartbeat({ ...a, memberEpoch: 0, topics: [topic], owned: [] });
    await client.heartbeat({ ...b, memberEpoch: 0, topics: [topic], owned: [] });
    const beat = { ...a, memberEpoch: first.memberEpoch };
    const next = await hear(client, beat, (answer) => answer.memberEpoch > first.memberEpoch);
    assert.equal(next.assignment, null);
    const producer = await client.init(id);
    const commit = (memberEpoch: number) =>
      client.commitOffset(id, producer, group, { memberId: a.memberId, memberEpoch }, topic, 1);
    const older = kip1251 ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
    equalCode(await commit(first.memberEpoch), older);
    // The transaction is none the worse for it.
    equalCode(await commit(next.memberEpoch), ERROR.NONE);
    equalCode((await client.end(id, producer, "commit")).error, ERROR.NONE);
  });

  test("an answer that got lost may be asked for with the epoch before it; no older one", async () => {
    const { client, topic, group } = await scene(1);
    const a = { groupId: group, memberId: `${group}-a`, topic };
    const first = await client.heartbeat({ ...a, memberEpoch: 0, topics: [topic], owned: [] });
    const b = { groupId: group, memberId: `${group}-b`, topic };
    await client.heartbeat({ ...b, memberEpoch: 0, topics: [topic], owned: [] });
    const beat = { ...a, memberEpoch: first.memberEpoch };
    const moved = (answer: WireHeartbeatAnswer): boolean => answer.memberEpoch > first.memberEpoch;
    const { memberEpoch } = await hear(client, beat, moved);
    const again = await client.heartbeat({
      ...a,
      memberEpoch: first.memberEpoch,
      topics: [topic],
      owned: [0],
    });
    assert.deepEqual([again.error, again.memberEpoch], [ERROR.NONE, memberEpoch]);
    const bare = await client.heartbeat({ ...a, memberEpoch: first.memberEpoch });
    equalCode(bare.error, ERROR.FENCED_MEMBER_EPOCH);
    const ahead = await client.heartbeat({ ...a, memberEpoch: memberEpoch + 1 });
    equalCode(ahead.error, ERROR.FENCED_MEMBER_EPOCH);
  });

  test("who leaves frees its partitions, and is unknown", async () => {
    const { client, topic, group } = await scene(1);
    const a = { groupId: group, memberId: `${group}-a`, topic };
    const b = { groupId: group, memberId: `${group}-b`, topic };
    const first = await client.heartbeat({ ...a, memberEpoch: 0, topics: [topic], owned: [] });
    const second = await client.heartbeat({ ...b, memberEpoch: 0, topics: [topic], owned: [] });
    const left = await client.heartbeat({ ...a, memberEpoch: -1 });
    assert.deepEqual([left.error, left.memberEpoch], [ERROR.NONE, -1]);
    const late = await client.heartbeat({ ...a, memberEpoch: first.memberEpoch });
    equalCode(late.error, ERROR.UNKNOWN_MEMBER_ID);
    const gets = await hear(client, { ...b, memberEpoch: second.memberEpoch }, hasAssignment);
    assert.deepEqual(gets.assignment?.[0]?.partitions, [0]);
  });
}

/**
 * Heartbeats, with the epoch that each answer gives, until one says what is waited for: a coordinator
 * computes assignments at intervals.
 */
async function hear(
  client: WireClient,
  beat: Parameters<WireClient["heartbeat"]>[0],
  isIt: (answer: WireHeartbeatAnswer) => boolean,
): Promise<WireHeartbeatAnswer> {
  let { memberEpoch } = beat;
  let heard: WireHeartbeatAnswer | null = null;
  await until(async () => {
    heard = await client.heartbeat({ ...beat, memberEpoch });
    equalCode(heard.error, ERROR.NONE);
    memberEpoch = heard.memberEpoch;
    return isIt(heard);
  });
  if (heard === null) throw new Error("nothing was heard");
  return heard;
}

function hasAssignment({ assignment }: WireHeartbeatAnswer): boolean {
  return assignment !== null && assignment.length > 0;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await done())) {
    assert.ok(performance.now() < deadline, `not so after ${WAIT_MS} ms: ${done}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const WAIT_MS = 15_000;
