import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../src/kafka/fetch/consumer.ts";
import { Gathering } from "../../../src/kafka/fetch/gathering.ts";
import { gatheringGapMs } from "../../../src/transactions/commit-policy.ts";
import { AT, batchAt, collector, held, ID, withCluster } from "./reading-cluster.ts";
import { fetchAnswer } from "./scripted-broker.ts";

const LITTLE = 1_000;
const MUCH = 1_000_000;

test("behind an answer that brought little the next fetch waits, but not past the time given", () => {
  const gathering = new Gathering();
  gathering.answered(LITTLE, 100);
  assert.ok(gathering.notBeforeMs <= 100, "nobody has asked for gaps");
  gathering.until(180, 20);
  gathering.answered(LITTLE, 100);
  assert.equal(gathering.notBeforeMs, 120);
  gathering.answered(LITTLE, 170);
  assert.equal(gathering.notBeforeMs, 180);
  gathering.answered(LITTLE, 190);
  assert.ok(gathering.notBeforeMs <= 190, "what comes right before a cut is fetched at once");
});

test("a reader that is behind waits for nothing, nor one that got nothing or is new", () => {
  const gathering = new Gathering();
  gathering.until(1_000, 20);
  for (const bytes of [MUCH, 0]) {
    gathering.answered(bytes, 100);
    assert.ok(gathering.notBeforeMs <= 100);
  }
  gathering.answered(LITTLE, 100);
  gathering.end();
  assert.ok(gathering.notBeforeMs <= 100);
});

test("the gap is a part of the commit interval, and none where outputs are wanted soon", () => {
  assert.deepEqual([10, 49, 50, 100, 30_000].map(gatheringGapMs), [0, 0, 10, 20, 20]);
});

test("fetches are apart while the consumer may gather, and at once again behind it", () => {
  const askedAtMs: number[] = [];
  return withCluster(
    {
      fetch: (request) => {
        askedAtMs.push(performance.now());
        const offset = request.partitions[0]?.offset ?? -1;
        if (offset >= 30) return held(request);
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(offset) }]);
      },
    },
    async (cluster, signal) => {
      const seen = collector();
      const consumer = createConsumer(cluster, {}, seen.listener);
      const untilMs = performance.now() + 100;
      consumer.gather(untilMs, 40);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 6, signal);
      await consumer.close();
      assert.deepEqual(
        seen.chunks.map(({ nextOffset }) => nextOffset),
        [5, 10, 15, 20, 25, 30],
      );
      const during = askedAtMs.filter((at) => at < untilMs - 1);
      assert.ok(during.length <= 3, `${during.length} fetches within 100 ms`);
      for (const [index, at] of during.entries()) {
        if (index > 0) assert.ok(at - (during[index - 1] ?? 0) >= 35, `${during}`);
      }
    },
  );
});
