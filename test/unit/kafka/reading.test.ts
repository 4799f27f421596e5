import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../src/kafka/fetch/consumer.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { JAVA_BATCHES } from "./java-bytes.ts";
import { AT, batchAt, collector, held, ID, NEW_ID, withCluster } from "./reading-cluster.ts";
import { fetchAnswer, type ScriptedFetchRequest } from "./scripted-broker.ts";

test("a fetch goes on where the last one ended, under the fence of its start", () =>
  withCluster(
    {
      fetch: (request) => {
        const offset = request.partitions[0]?.offset ?? -1;
        if (offset >= 10) return held(request);
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(offset) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 7 });
      await seen.until(() => seen.chunks.length === 2, signal);
      await consumer.close();
      assert.deepEqual(
        seen.chunks.map(({ fence, nextOffset }) => [fence, nextOffset]),
        [
          [7, 5],
          [7, 10],
        ],
      );
    },
  ));

test("a partition whose leader denies it is fetched again, under the epoch of fresh metadata", () => {
  let epoch = 1;
  const asked: number[] = [];
  return withCluster(
    {
      metadata: () => ({ epochs: [epoch++] }),
      fetch: (request) => {
        asked.push(request.partitions[0]?.epoch ?? -1);
        if (asked.length === 1) {
          const error = ERROR.NOT_LEADER_OR_FOLLOWER;
          return fetchAnswer([{ topicId: ID, partition: 0, error }]);
        }
        if (asked.length > 2) return held(request);
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(0) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 1, signal);
      await consumer.close();
      assert.ok((asked[1] ?? 0) > (asked[0] ?? 0), `${asked}`);
    },
  );
});

test("a broken connection is no failure: the fetch is sent again", () => {
  let fetches = 0;
  return withCluster(
    {
      fetch: (request, { disconnect }) => {
        fetches++;
        if (fetches === 1) disconnect();
        if (fetches > 2) return held(request);
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(0) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 1, signal);
      await consumer.close();
      assert.deepEqual(seen.failures, []);
    },
  );
});

for (const [code, expected] of [
  [ERROR.OFFSET_OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE"],
  [ERROR.TOPIC_AUTHORIZATION_FAILED, "AUTHORIZATION_FAILED"],
  [ERROR.CORRUPT_MESSAGE, "RECORD_CORRUPT"],
  [999, "BROKER_REFUSED"],
] as const) {
  test(`error ${code} on a fetch stops the partition with ${expected}`, () => {
    let fetches = 0;
    return withCluster(
      {
        fetch: () => {
          fetches++;
          return fetchAnswer([{ topicId: ID, partition: 0, error: code }]);
        },
      },
      async (cluster, signal) => {
        const seen = collector();
        const consumer = createConsumer(cluster, {}, seen.listener);
        consumer.start(AT, { offset: 5, leaderEpoch: -1, fence: 3 });
        await seen.until(() => seen.failures.length > 0, signal);
        await new Promise((resolve) => setImmediate(resolve));
        await consumer.close();
        assert.deepEqual(
          seen.failures.map(({ fence, error }) => [fence, error.code]),
          [[3, expected]],
        );
        assert.match(seen.failures[0]?.error.message ?? "", /flights-0@5/);
        assert.equal(fetches, 1);
      },
    );
  });
}

test("a corrupt batch stops its partition and leaves the others alone", () =>
  withCluster(
    {
      fetch: (request) => {
        if (request.partitions.some(({ offset }) => offset > 0)) return held(request);
        const corrupt = batchAt(0);
        corrupt[80] = 0xff;
        return fetchAnswer([
          { topicId: ID, partition: 0, records: corrupt },
          { topicId: ID, partition: 1, records: batchAt(0) },
        ]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      consumer.start({ ...AT, partition: 1 }, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.failures.length === 1 && seen.chunks.length === 1, signal);
      await consumer.close();
      assert.equal(seen.failures[0]?.error.code, "RECORD_CORRUPT");
      assert.equal(seen.chunks[0]?.partition, 1);
    },
  ));

test("a topic that was deleted and created anew is not read on", () => {
  let id = ID;
  return withCluster(
    {
      metadata: () => ({ id }),
      fetch: () => {
        id = NEW_ID;
        return fetchAnswer([{ topicId: ID, partition: 0, error: ERROR.UNKNOWN_TOPIC_ID }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 5, leaderEpoch: -1, fence: 3 });
      await seen.until(() => seen.failures.length > 0, signal);
      await consumer.close();
      assert.equal(seen.failures[0]?.error.code, "TOPIC_MISSING");
      assert.match(seen.failures[0]?.error.message ?? "", /created anew/);
    },
  );
});

test("a topic that brokers go on denying is missing", () =>
  withCluster(
    { metadata: () => ({ error: ERROR.UNKNOWN_TOPIC_OR_PARTITION, id: "0".repeat(32) }) },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      consumer.start(AT, { offset: 5, leaderEpoch: -1, fence: 3 });
      await seen.until(() => seen.failures.length > 0, signal);
      await consumer.close();
      assert.equal(seen.failures[0]?.error.code, "TOPIC_MISSING");
    },
  ));

test("a paused partition gets no more of a compressed answer until it resumes", () => {
  const packed = (offset: number): Buffer => {
    const batch = Buffer.from(JAVA_BATCHES.gzipLogappend);
    batch.writeUInt32BE(offset, 4);
    return batch;
  };
  let fetches = 0;
  return withCluster(
    {
      fetch: (request) => {
        const { partition = 0, offset = -1 } = request.partitions[0] ?? {};
        if (offset > 0) return held(request);
        fetches++;
        const records = Buffer.concat([packed(0), packed(5), packed(10)]);
        return fetchAnswer([{ topicId: ID, partition, records }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(
        cluster,
        {},
        {
          ...seen.listener,
          fetched: (chunk) => {
            // Paused from within, as the kernel does when its buffer is full.
            if (chunk.nextOffset === 5) consumer.pause(AT);
            seen.listener.fetched(chunk);
          },
        },
      );
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 1, signal);
      for (let turn = 0; turn < 50; turn++) await new Promise((r) => setImmediate(r));
      assert.equal(seen.chunks.length, 1);
      consumer.resume(AT);
      await seen.until(() => seen.chunks.length === 3, signal);
      const offsets = seen.chunks.map(({ nextOffset }) => nextOffset);
      assert.deepEqual([offsets, fetches], [[5, 10, 15], 1]);
      // What waits for a resume gives way to a new start, and nothing of it arrives any more.
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 2 });
      await seen.until(() => seen.chunks.length === 4, signal);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 3 });
      await seen.until(() => seen.chunks.length === 5, signal);
      const fences = seen.chunks.slice(3).map(({ fence, nextOffset }) => [fence, nextOffset]);
      assert.deepEqual(fences, [
        [2, 5],
        [3, 5],
      ]);
      await consumer.close();
    },
  );
});

test("a partition that resumes while a fetch is held does not wait for it", () => {
  const delivered = new Set<number>();
  return withCluster(
    {
      fetch: (request) => {
        const ready = request.partitions.find(({ partition }) => partition === 1);
        if (ready === undefined || delivered.has(1)) return held(request);
        delivered.add(1);
        return fetchAnswer([{ topicId: ID, partition: 1, records: batchAt(0) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, { fetchWaitMaxMs: 4000 }, seen.listener);
      const other = { ...AT, partition: 1 };
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      consumer.start(other, { offset: 0, leaderEpoch: -1, fence: 1 });
      consumer.pause(other);
      const startedMs = performance.now();
      while (performance.now() - startedMs < 20) await new Promise((r) => setImmediate(r));
      consumer.resume(other);
      await seen.until(() => seen.chunks.length === 1, signal);
      assert.ok(performance.now() - startedMs < 2000, "it came long before the held fetch ended");
      await consumer.close();
    },
  );
});

test("a paused partition is in no further fetch, and a new start replaces the old one", () => {
  const fetches: ScriptedFetchRequest[] = [];
  return withCluster(
    {
      fetch: (request) => {
        fetches.push(request);
        const { offset = -1, partition = 0 } = request.partitions[0] ?? {};
        if (offset === 105) return held(request);
        return fetchAnswer([{ topicId: ID, partition, records: batchAt(offset) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(
        cluster,
        {},
        {
          ...seen.listener,
          fetched: (chunk) => {
            if (chunk.partition === AT.partition) consumer.pause(AT);
            seen.listener.fetched(chunk);
          },
        },
      );
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 1, signal);
      // Another partition is read on and on meanwhile: its fetches name the paused one no more.
      consumer.start({ ...AT, partition: 1 }, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(
        () => seen.chunks.filter(({ partition }) => partition === 1).length === 3,
        signal,
      );
      consumer.stop({ ...AT, partition: 1 });
      const named = fetches.filter(({ partitions }) => partitions.some((p) => p.partition === 0));
      assert.equal(named.length, 1);
      seen.chunks.length = 1;
      consumer.start(AT, { offset: 100, leaderEpoch: -1, fence: 2 });
      await seen.until(() => seen.chunks.length === 2, signal);
      await consumer.close();
      assert.deepEqual([seen.chunks[1]?.fence, seen.chunks[1]?.nextOffset], [2, 105]);
    },
  );
});
