import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../src/kafka/fetch/consumer.ts";
import { readRange } from "../../../src/kafka/fetch/read-range.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { AT, batchAt, collector, held, ID, withCluster } from "./reading-cluster.ts";
import { fetchAnswer, type ScriptedFetchRequest } from "./scripted-broker.ts";

const NOT_LEADER = { topicId: ID, partition: 0, error: ERROR.NOT_LEADER_OR_FOLLOWER };

test("a refusal that names the leader is followed without asking for metadata", () => {
  let asked = 0;
  const epochs: number[] = [];
  return withCluster(
    {
      metadata: () => {
        asked += 1;
        return { epochs: [1] };
      },
      fetch: (request) => {
        epochs.push(request.partitions[0]?.epoch ?? -1);
        if (epochs.length === 1) {
          return fetchAnswer([{ ...NOT_LEADER, leader: { brokerId: 1, epoch: 8 } }]);
        }
        if (epochs.length > 2) return held(request);
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(0) }]);
      },
    },
    async (cluster, signal) => {
      await cluster.topics([AT.topic]);
      const before = asked;
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 1, signal);
      await consumer.close();
      assert.deepEqual(epochs.slice(0, 2), [1, 8]);
      assert.equal(asked, before);
    },
  );
});

for (const [leader, what] of [
  [{ brokerId: 1, epoch: 1 }, "is no news"],
  [{ brokerId: 77, epoch: 9 }, "names a broker that nobody knows"],
  [{ brokerId: -1, epoch: -1 }, "names nobody"],
] as const) {
  test(`a hint that ${what} is not followed: metadata is asked for`, () => {
    let asked = 0;
    let fetches = 0;
    return withCluster(
      {
        metadata: () => {
          asked += 1;
          return { epochs: [1] };
        },
        fetch: (request) => {
          fetches += 1;
          if (fetches === 1) return fetchAnswer([{ ...NOT_LEADER, leader }]);
          if (fetches > 2) return held(request);
          return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(0) }]);
        },
      },
      async (cluster, signal) => {
        await cluster.topics([AT.topic]);
        const before = asked;
        const seen = collector();
        const consumer = createConsumer(cluster, {}, seen.listener);
        consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
        await seen.until(() => seen.chunks.length === 1, signal);
        await consumer.close();
        assert.ok(asked > before, `${asked} requests`);
      },
    );
  });
}

/** A log of one batch, offsets 0 to 4, that parted ways with what was read behind `endOffset`. */
function parted(endOffset: number, asked: ScriptedFetchRequest["partitions"][number][]) {
  return (request: ScriptedFetchRequest) => {
    const [position] = request.partitions;
    assert.ok(position);
    asked.push(position);
    if (position.lastEpoch > 3) {
      const diverging = { epoch: 3, endOffset };
      return fetchAnswer([{ topicId: ID, partition: 0, diverging }]);
    }
    if (position.offset > 5) return held(request);
    return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(position.offset) }]);
  };
}

test("a log that ends before what was read of it stops the partition: records are gone", () => {
  const asked: ScriptedFetchRequest["partitions"][number][] = [];
  return withCluster({ fetch: parted(4, asked) }, async (cluster, signal) => {
    const seen = collector();
    const consumer = createConsumer(cluster, {}, seen.listener);
    consumer.start(AT, { offset: 5, leaderEpoch: 4, fence: 2 });
    await seen.until(() => seen.failures.length > 0, signal);
    await consumer.close();
    assert.equal(seen.chunks.length, 0);
    assert.equal(seen.failures[0]?.error.code, "OFFSET_OUT_OF_RANGE");
    assert.match(seen.failures[0]?.error.message ?? "", /read up to 5.*parted from that at 4/);
  });
});

test("a log that parted ways behind what was read is read on, under the epoch that both have", () => {
  const asked: ScriptedFetchRequest["partitions"][number][] = [];
  return withCluster({ fetch: parted(5, asked) }, async (cluster, signal) => {
    const seen = collector();
    const consumer = createConsumer(cluster, {}, seen.listener);
    consumer.start(AT, { offset: 5, leaderEpoch: 4, fence: 2 });
    await seen.until(() => seen.chunks.length === 1, signal);
    await consumer.close();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(
      asked.slice(0, 2).map(({ lastEpoch }) => lastEpoch),
      [4, 3],
    );
  });
});

test("a fetch names the epoch of the batch before its position", () => {
  const asked: number[] = [];
  const batch = batchAt(0);
  batch.writeInt32BE(6, 12);
  let askedAgain = (): void => {};
  const again = new Promise<void>((resolve) => {
    askedAgain = resolve;
  });
  return withCluster(
    {
      fetch: (request) => {
        asked.push(request.partitions[0]?.lastEpoch ?? -9);
        if (asked.length > 1) {
          askedAgain();
          return held(request);
        }
        return fetchAnswer([{ topicId: ID, partition: 0, records: batch }]);
      },
    },
    async (cluster) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await again;
      await consumer.close();
      assert.deepEqual(asked.slice(0, 2), [-1, 6]);
    },
  );
});

test("a range whose log was truncated under the reader is an error, not another content", () => {
  let fetches = 0;
  return withCluster(
    {
      fetch: () => {
        fetches += 1;
        if (fetches === 1) {
          return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(0) }]);
        }
        const diverging = { epoch: 0, endOffset: 2 };
        return fetchAnswer([{ topicId: ID, partition: 0, diverging }]);
      },
    },
    async (cluster, signal) => {
      const read = async () => {
        for await (const _ of readRange(cluster, AT, 0, 10, signal));
      };
      await assert.rejects(read, /read up to 5.*parted from that at 2/);
    },
  );
});
