import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../src/kafka/fetch/consumer.ts";
import { Gathering } from "../../../src/kafka/fetch/gathering.ts";
import { AT, batchAt, collector, held, ID, withCluster } from "./reading-cluster.ts";
import { fetchAnswer } from "./scripted-broker.ts";

const LITTLE = 1_000;
const MUCH = 1_000_000;

test("behind an answer that brought little the next fetch leaves half way to the cut", () => {
  const gathering = new Gathering();
  gathering.answered(LITTLE, 100);
  assert.ok(gathering.notBeforeMs <= 100, "nobody has asked for gaps");
  gathering.until(200, 20);
  const leaves: number[] = [];
  for (let atMs = 100; atMs < 200; atMs = gathering.notBeforeMs) {
    gathering.answered(LITTLE, atMs);
    leaves.push(gathering.notBeforeMs);
  }
  assert.deepEqual(leaves, [120, 140, 160, 180, 190, 198, 220]);
  gathering.answered(LITTLE, 221);
  assert.equal(gathering.notBeforeMs, 241, "a cut that is late makes no more of them");
});

test("with commits each 10 ms there is one fetch in the middle, and one for each cut", () => {
  const gathering = new Gathering();
  gathering.until(10, 5);
  const leaves: number[] = [];
  for (let atMs = 0; atMs < 10; atMs = gathering.notBeforeMs) {
    gathering.answered(LITTLE, atMs);
    leaves.push(gathering.notBeforeMs);
  }
  assert.deepEqual(leaves, [8, 15]);
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
      const untilMs = performance.now() + 160;
      consumer.gather(untilMs, 40);
      consumer.start(AT, { offset: 0, leaderEpoch: -1, fence: 1 });
      await seen.until(() => seen.chunks.length === 6, signal);
      await consumer.close();
      assert.deepEqual(
        seen.chunks.map(({ nextOffset }) => nextOffset),
        [5, 10, 15, 20, 25, 30],
      );
      const during = askedAtMs.filter((at) => at < untilMs - 81);
      assert.ok(during.length <= 3, `${during.length} fetches within 80 ms`);
      for (const [index, at] of during.entries()) {
        if (index > 0) assert.ok(at - (during[index - 1] ?? 0) >= 35, `${during}`);
      }
    },
  );
});
