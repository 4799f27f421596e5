import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { committedOffsets } from "../checker/workload.ts";
import { compileJava, type JudgedRecord } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { kafkaClassPath, REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { produce } from "../support/topics.ts";

/**
 * One handler, one input, one broker; the handler puts, forwards, and then throws for some records, and
 * both runtimes are told to go on. `killer.ts` runs with a sidecar, `HalfWay.java` is Kafka Streams.
 */
const INPUT = [
  { key: "a", value: "1" },
  { key: "a", value: "fail" },
  { key: "a", value: "2" },
  { key: "b", value: "fail" },
  { key: "b", value: "fail" },
  { key: "c", value: "1" },
];
const missing = whyNoKafka();

/** By key, all that a topic has of it, in order. */
type ByKey = Readonly<Record<string, readonly string[]>>;

function byKey(records: readonly JudgedRecord[], text: (value: Buffer) => string): ByKey {
  const found: Record<string, string[]> = {};
  for (const { key, value } of records) {
    const values = found[String(key)] ?? [];
    found[String(key)] = [...values, value === null ? "deleted" : text(value)];
  }
  return found;
}

describe("a handler that throws half-way, and is told to go on", { skip: missing ?? false }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafka();
  });
  after(() => broker.stop());

  /** What committed readers find in output and changelog, once the input is read to its end. */
  async function ran(scene: Scene, start: () => Promise<void>) {
    const admin = scene.kafka.admin();
    try {
      await produce(scene.kafka, scene.input, INPUT);
      await start();
      await admin.connect();
      const isOver = async (): Promise<boolean> => {
        const committed = await committedOffsets(admin, scene.settings.applicationId);
        // Kafka Streams commits nothing of a partition without records.
        const offsets = [...(committed?.values() ?? [])].filter((offset) => offset > 0);
        return offsets.reduce((sum, offset) => sum + offset, 0) === INPUT.length;
      };
      await eventually("the end of the input", isOver, scene.children);
      await scene.application?.stop();
      await scene.sidecar?.stop();
      const [out] = await scene.judge();
      const [changelog] = await scene.judge([`${scene.settings.applicationId}-counts-changelog`]);
      assert.ok(out !== undefined && changelog !== undefined);
      return {
        outputs: byKey(out, String),
        changelog: byKey(changelog, (value) => String(value.readBigInt64BE())),
      };
    } finally {
      await admin.disconnect();
      await scene.end();
    }
  }

  test("nothing of a failed record stays with a sidecar; Kafka Streams keeps what it put and forwarded: G-03", async () => {
    const flags = { "retry.max": 0, "retry.then": "skip", "commit.interval.ms": 1 };
    const ours = await Scene.make("kafka", broker, "half-way-outrigger", flags);
    const start = async (): Promise<void> => {
      ours.startSidecar();
      ours.startApplication("test/support/apps/killer.js");
    };
    const { outputs, changelog } = await ran(ours, start);
    assert.deepEqual(outputs, { a: ["1 1", "2 2"], c: ["1 1"] });
    assert.deepEqual(lastOf(changelog), { a: "2", c: "1" });

    const streams = await Scene.make("kafka", broker, "half-way-streams");
    const theirs = await ran(streams, () => startStreams(streams));
    assert.deepEqual(theirs.outputs, {
      a: ["1 1", "2 fail", "3 2"],
      b: ["1 fail", "2 fail"],
      c: ["1 1"],
    });
    // The failed records' puts are committed, and the next record of the key has counted on.
    assert.deepEqual(lastOf(theirs.changelog), { a: "3", b: "2", c: "1" });
  });
});

function lastOf(changelog: ByKey): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(changelog).map(([key, all]) => [key, all.at(-1)]));
}

async function startStreams(scene: Scene): Promise<void> {
  const classPath = await kafkaClassPath();
  const source = join(REPOSITORY_ROOT, "test/support/streams/HalfWay.java");
  const classes = compileJava("streams-half-way", [source], classPath);
  const flags = ["-Xmx256m", "-XX:+UseSerialGC", "-cp", `${classes}${delimiter}${classPath}`];
  const { bootstrapServers, applicationId, stateDir } = scene.settings;
  scene.startCommand("java", ...flags, "HalfWay", bootstrapServers, applicationId, stateDir);
}
