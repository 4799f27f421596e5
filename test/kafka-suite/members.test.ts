import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KafkaCluster } from "../support/kafka-cluster.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { Steady } from "../support/steady.ts";

const PARTITIONS = 6;
const ROUNDS = 10;
/** Of ten, these end as by a power cut: their session must time out first. */
const KILLED = [4, 8];
/** One cut is in flight when partitions go, and one when they come. */
const ABORTS_MAX = 2;

const countOf = (child: Child, text: string): number => child.output.split(text).length - 1;
const takeovers = (child: Child): number =>
  countOf(child, '"task taken over"') + countOf(child, '"task created"');
const aborts = (child: Child): number => countOf(child, '"a transaction was aborted');

const missing = whyNoKafka();
if (missing === null) describe("R-6: a member that joins and leaves, again and again", suite);
else process.stdout.write(`NOT PROVED: members of a cluster's group, because ${missing}\n`);

function suite(): void {
  let cluster: KafkaCluster;
  let steady: Steady;
  let first: Child;

  before(async () => {
    cluster = await KafkaCluster.start();
    steady = await Steady.make(cluster, "members", PARTITIONS);
    first = steady.start("a");
    await steady.send(1, 2_000);
    await steady.progress();
    await taken(first, PARTITIONS);
  });

  after(async () => {
    await steady.end();
    await cluster.stop();
  });

  async function taken(child: Child, count: number): Promise<void> {
    await eventually(`${count} tasks`, () => takeovers(child) >= count, steady.children);
  }

  for (let round = 1; round <= ROUNDS; round++) {
    const how = KILLED.includes(round) ? "SIGKILL" : "SIGTERM";
    test(`round ${round}: what stays goes on, what goes comes back (${how})`, async (t) => {
      const [heldBefore, abortsBefore] = [takeovers(first), aborts(first)];
      const second = steady.start("b");
      await taken(second, PARTITIONS / 2);
      await steady.progress(0);
      await steady.progress(PARTITIONS - 1);
      const moved = takeovers(second);
      assert.equal(takeovers(first), heldBefore, "a partition that stayed was taken over again");
      await steady.leave(second, how);
      await taken(first, heldBefore + moved);
      for (let partition = 0; partition < PARTITIONS; partition++) await steady.progress(partition);
      assert.equal(takeovers(first), heldBefore + moved, "more came back than had gone");
      const aborted = aborts(first) - abortsBefore;
      t.diagnostic(`${moved} tasks moved and came back, ${aborted} transactions were aborted`);
      assert.ok(aborted <= ABORTS_MAX, `${aborted} transactions were aborted`);
    });
  }

  test("in the end nothing is lost, doubled or out of order, and nothing is open", async (t) => {
    await steady.sent();
    await steady.drained();
    await steady.stop();
    t.diagnostic(`${await steady.judge()} records`);
  });
}
