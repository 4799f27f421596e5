import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { limitWithJava } from "../support/judges.ts";
import { KafkaCluster } from "../support/kafka-cluster.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { Steady } from "../support/steady.ts";
import { kafkaAt, makeTopics } from "../support/topics.ts";

const missing = whyNoKafka();
if (missing === null) describe("topics that change while they are used", suite);
else
  process.stdout.write(`NOT PROVED: topics that change while they are used, because ${missing}\n`);

const PARTITIONS = 4;
/** Looks at its topics as often as the brokers' groups do. */
const FRESH = { "metadata.max.age.ms": 500, "commit.interval.ms": 50 };

function suite(): void {
  let cluster: KafkaCluster;
  let steady: Steady | null = null;

  before(async () => {
    cluster = await KafkaCluster.start();
  });

  afterEach(async () => {
    await steady?.end();
    steady = null;
  });

  after(async () => {
    await cluster.stop();
  });

  async function running(prefix: string, script: "steady" | "copy"): Promise<[Steady, Child]> {
    const made = await Steady.make(cluster, prefix, PARTITIONS);
    steady = made;
    const sidecar = made.start("a", FRESH, script);
    await made.send(1, 1_000);
    await made.progress();
    return [made, sidecar];
  }

  async function grow(topic: string, count: number): Promise<void> {
    const admin = await cluster.admin();
    await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  }

  async function endsByItself(sidecar: Child): Promise<string> {
    await eventually("the sidecar to stop", () => !sidecar.isRunning, [sidecar], 60_000);
    assert.notEqual(await sidecar.ended(), "0");
    return sidecar.output;
  }

  test("new partitions of a source without state are taken, and of a sink are used", async (t) => {
    const [run] = await running("grown", "copy");
    await grow(run.topic("in"), PARTITIONS + 2);
    await run.read(PARTITIONS + 1);
    await grow(run.topic("copy"), PARTITIONS + 2);
    await run.progress(PARTITIONS + 1, 120_000);
    await run.sent();
    await run.drained();
    await run.stop();
    t.diagnostic(`${await run.judgeCopy()} records`);
  });

  test("a source that grows under state stops the sidecar, which names the remedy", async () => {
    const [run, sidecar] = await running("grown-state", "steady");
    await grow(run.topic("in"), PARTITIONS + 2);
    const said = await endsByItself(sidecar);
    assert.match(said, /TOPIC_MISCONFIGURED/);
    assert.match(
      said,
      /grown-state-in has grown.*reset the application, or use another application/,
    );
    await run.sent();
  });

  test("a source that is deleted and made anew is not read on as if it were the same", async () => {
    const [run, sidecar] = await running("anew", "copy");
    await run.sent();
    await run.drained();
    const admin = await cluster.admin();
    await admin.deleteTopics({ topics: [run.topic("in")] });
    await makeTopics(kafkaAt(cluster.bootstrapServers), [run.topic("in")], {}, PARTITIONS, 3);
    assert.match(await endsByItself(sidecar), /TOPIC_MISSING.*deleted and created anew/);
  });

  test("a sink that is deleted and made anew is written on", async (t) => {
    const [run] = await running("anew-sink", "copy");
    const admin = await cluster.admin();
    await admin.deleteTopics({ topics: [run.topic("copy")] });
    await makeTopics(kafkaAt(cluster.bootstrapServers), [run.topic("copy")], {}, PARTITIONS, 3);
    await run.progress(0, 120_000);
    await run.sent();
    await run.drained();
    await run.stop();
    t.diagnostic(`${await run.judgeCopy(false)} records, the last of which are in the new topic`);
  });

  test("quotas slow the sidecar down, and nothing else", async (t) => {
    const [run, sidecar] = await running("quota", "steady");
    await limitWithJava(cluster.bootstrapServers, 20_000);
    for (let i = 0; i < 12; i++) await run.progress(i % PARTITIONS);
    await limitWithJava(cluster.bootstrapServers, 1e9);
    await run.sent();
    await run.drained();
    await run.stop();
    t.diagnostic(`${await run.judge()} records`);
    assert.doesNotMatch(sidecar.output, /REQUEST_TIMED_OUT|did not answer/);
  });
}
