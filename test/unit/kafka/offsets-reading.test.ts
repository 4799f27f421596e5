import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { createOffsets } from "../../../src/kafka/fetch/offsets.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { AT, batchAt, ID, MEMBER, offsetsAnswer, withCluster } from "./reading-cluster.ts";
import { fetchAnswer } from "./scripted-broker.ts";

test("committed offsets wait for a pending transaction (KIP-447)", () => {
  const answers = [
    offsetsAnswer({ group: ERROR.NOT_COORDINATOR }),
    offsetsAnswer({ group: ERROR.COORDINATOR_LOAD_IN_PROGRESS }),
    offsetsAnswer({ partition: ERROR.UNSTABLE_OFFSET_COMMIT }),
    offsetsAnswer({ partition: ERROR.UNSTABLE_OFFSET_COMMIT }),
    offsetsAnswer({ offset: 42 }),
  ];
  return withCluster(
    { offsets: () => answers.shift() ?? offsetsAnswer({}) },
    async (cluster, signal) => {
      const offsets = createOffsets(cluster, "group");
      const committed = await offsets.committed(MEMBER, [AT], signal);
      const expected = { offset: 42, leaderEpoch: 4, metadata: "meta" };
      assert.deepEqual([...committed], [["flights-0", expected]]);
      assert.equal(answers.length, 0);
    },
  );
});

test("an unknown group, and offset -1, are no committed offset", async () => {
  for (const answer of [offsetsAnswer({ group: ERROR.GROUP_ID_NOT_FOUND }), offsetsAnswer({})]) {
    await withCluster({ offsets: () => answer }, async (cluster, signal) => {
      const offsets = createOffsets(cluster, "group");
      assert.equal((await offsets.committed(MEMBER, [AT], signal)).size, 0);
    });
  }
});

test("R-5: a partition that is left out of the answer does not pass for a new one", () =>
  withCluster({ offsets: () => offsetsAnswer({ offset: 42 }) }, async (cluster, signal) => {
    const asked = [AT, { topic: "flights", partition: 1 }];
    await assert.rejects(createOffsets(cluster, "group").committed(MEMBER, asked, signal), {
      code: "BROKER_ANSWER_MALFORMED",
    });
  }));

for (const [code, expected] of [
  [ERROR.UNKNOWN_MEMBER_ID, "MEMBERSHIP_LOST"],
  [ERROR.STALE_MEMBER_EPOCH, "MEMBER_EPOCH_STALE"],
  [ERROR.GROUP_AUTHORIZATION_FAILED, "AUTHORIZATION_FAILED"],
  [999, "BROKER_REFUSED"],
] as const) {
  test(`error ${code} on OffsetFetch is ${expected}, at once`, () => {
    let asked = 0;
    const answer = () => {
      asked++;
      return offsetsAnswer({ group: code });
    };
    return withCluster({ offsets: answer }, async (cluster, signal) => {
      await assert.rejects(
        createOffsets(cluster, "group").committed(MEMBER, [AT], signal),
        (thrown: unknown) => thrown instanceof OutriggerError && thrown.code === expected,
      );
      assert.equal(asked, 1);
    });
  });
}

test("a wait ends with its signal, and says what was waited for", () =>
  withCluster(
    { offsets: () => offsetsAnswer({ partition: ERROR.UNSTABLE_OFFSET_COMMIT }) },
    async (cluster) => {
      const committed = createOffsets(cluster, "group").committed(
        MEMBER,
        [AT],
        AbortSignal.timeout(50),
      );
      await assert.rejects(committed, /UNSTABLE_OFFSET_COMMIT|timeout/);
    },
  ));

test("a coordinator that is not available yet is asked for again", () => {
  const errors = [ERROR.COORDINATOR_NOT_AVAILABLE, ERROR.COORDINATOR_NOT_AVAILABLE, ERROR.NONE];
  return withCluster({ coordinator: () => errors.shift() ?? 0 }, async (cluster, signal) => {
    assert.equal(await cluster.coordinator("group", "group", signal), 1);
    assert.equal(errors.length, 0);
  });
});

test("a range is read up to its target and no further", () =>
  withCluster(
    {
      fetch: (request) => {
        const offset = request.partitions[0]?.offset ?? -1;
        return fetchAnswer([{ topicId: ID, partition: 0, records: batchAt(offset) }]);
      },
    },
    async (cluster, signal) => {
      const found: number[] = [];
      const positions: number[] = [];
      for await (const chunk of createOffsets(cluster, "group").read(AT, 0, 12, signal)) {
        found.push(...chunk.columns.offsets.subarray(0, chunk.columns.count));
        positions.push(chunk.nextOffset);
      }
      assert.deepEqual(found, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      assert.deepEqual(positions, [5, 10, 12]);
    },
  ));
