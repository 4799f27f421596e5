import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Admin } from "kafkajs";
import type { Finding } from "../../src/checks/finding.ts";
import { joinWithJava, produceWithJava } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { kafkaAt, produce, watch } from "../support/topics.ts";
import { CheckScene } from "./check-scene.ts";

const skip = whyNoKafka() ?? false;
const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
const COUNTER = join(REPOSITORY_ROOT, "dist/test/support/apps/counter.js");
let broker: KafkaBroker;
let admin: Admin;
before(async () => {
  if (skip !== false) return;
  broker = await startKafka();
  admin = kafkaAt(broker.bootstrapServers).admin();
  await admin.connect();
});
after(async () => {
  if (skip !== false) return;
  await admin.disconnect();
  await broker.stop();
});

/** An application that counted two records, stopped in order, and left state and offsets behind. */
class Application {
  readonly scene: CheckScene;
  #stateDirs = 0;
  readonly #children: Child[] = [];

  constructor(id: string) {
    this.scene = new CheckScene(id, broker.bootstrapServers, admin);
  }

  async runOnce(): Promise<void> {
    const { scene } = this;
    await scene.topics({ [scene.source]: { "retention.ms": "-1" }, [scene.sink]: {} });
    const outputs = await watch(scene.kafka, scene.sink);
    const run = this.run();
    await produce(scene.kafka, scene.source, [
      { key: "a", value: "x" },
      { key: "a", value: "y" },
    ]);
    await eventually("two counts", () => outputs.records.length === 2, [run]);
    await run.stop();
    await outputs.stop();
    await eventually("the offsets of both", async () => {
      const [topic] = await admin.fetchOffsets({ groupId: scene.id, topics: [scene.source] });
      return topic?.partitions.some(({ offset }) => offset === "2") === true;
    });
  }

  run(settings: Record<string, string> = {}): Child {
    return this.#start("run", settings, []);
  }

  /** On a state directory of its own, as on another host: state must be restored. */
  runElsewhere(settings: Record<string, string> = {}): Child {
    this.#stateDirs += 1;
    const stateDir = join(this.scene.stateDir, `elsewhere-${this.#stateDirs}`);
    return this.#start("run", { "state.dir": stateDir, ...settings }, []);
  }

  async check(
    settings: Record<string, string> = {},
  ): Promise<{ readonly findings: readonly Finding[]; readonly exitCode: string }> {
    const check = this.#start("check", settings, ["--json"]);
    const exitCode = await check.ended();
    const start = check.output.indexOf("{\n");
    const end = check.output.lastIndexOf("\n}\n") + 3;
    const report: { findings: Finding[] } = JSON.parse(check.output.slice(start, end));
    return { findings: report.findings, exitCode };
  }

  /** Checks until it is found, with exit code 2, and returns it. */
  async finds(name: Finding["name"], problem: RegExp): Promise<Finding> {
    const { findings, exitCode } = await this.check();
    const found = findings.find((each) => each.name === name && problem.test(each.problem));
    assert.ok(found !== undefined, `${problem}: ${JSON.stringify(findings, null, 1)}`);
    assert.equal(exitCode, "2");
    return found;
  }

  #start(command: string, settings: Record<string, string>, flags: readonly string[]): Child {
    const { scene } = this;
    const values = {
      "application.id": scene.id,
      "bootstrap.servers": broker.bootstrapServers,
      "replication.factor": "1",
      "state.dir": scene.stateDir,
      ...settings,
    };
    const args = Object.entries(values).flatMap(([key, value]) => [`--${key}`, value]);
    const application = ["--", process.execPath, COUNTER];
    const child = new Child(command, [MAIN, command, ...args, ...flags, ...application], {
      OUTRIGGER_TEST_IN: scene.source,
      OUTRIGGER_TEST_OUT: scene.sink,
    });
    this.#children.push(child);
    return child;
  }

  /** Nothing runs on after a test, whatever became of it. */
  async end(): Promise<void> {
    for (const child of this.#children) if (child.isRunning) await child.interrupt();
    this.scene.remove();
  }
}

let applications = 0;
async function afterARun(use: (application: Application) => Promise<void>): Promise<void> {
  applications += 1;
  const application = new Application(`orders${applications}`);
  try {
    await application.runOnce();
    await use(application);
  } finally {
    await application.end();
  }
}

/** The partition of the changelog that holds the key `a`. */
async function touchedPartition({ scene }: Application): Promise<number> {
  const ends = await admin.fetchTopicOffsets(scene.changelog);
  const found = ends.find(({ high }) => high !== "0");
  assert.ok(found !== undefined, "no changelog has a record");
  return found.partition;
}

describe("what others touch is found and named", { skip }, () => {
  test("nothing, where nobody did: the check passes while and after it runs", () =>
    afterARun(async (application) => {
      const { findings, exitCode } = await application.check();
      assert.equal(exitCode, "0", JSON.stringify(findings));
      assert.deepEqual(
        findings.filter(({ severity }) => severity === "forbidden"),
        [],
      );
      const again = application.run();
      await eventually("its task", () => /task taken over/.test(again.output), [again]);
      const beside = await application.check({
        "state.dir": mkdtempSync(join(tmpdir(), "outrigger-beside-")),
      });
      assert.equal(beside.exitCode, "0", JSON.stringify(beside.findings));
      const own = await application.check();
      assert.deepEqual(
        own.findings.filter(({ severity }) => severity === "forbidden").map(({ name }) => name),
        ["state.directory"],
      );
      await again.stop();
    }));

  test("a producer without an id in a changelog: by the check, and by a restore, which stops", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const partition = await touchedPartition(application);
      const producer = scene.kafka.producer();
      await producer.connect();
      const messages = [{ key: "a", value: "stolen", partition }];
      await producer.send({ topic: scene.changelog, messages });
      await producer.disconnect();
      const where = `into the changelog ${scene.changelog}-${partition}`;
      const said = new RegExp(
        `^a producer without an id wrote ${where}, first seen at offset \\d+$`,
      );
      const found = await application.finds("changelog.foreign.writer", said);
      assert.equal(found.code, "CHANGELOG_TOUCHED");
      const elsewhere = application.runElsewhere();
      assert.equal(await elsewhere.ended(), "1", elsewhere.output);
      assert.match(elsewhere.output, new RegExp(`CHANGELOG_TOUCHED: a producer .* wrote ${where}`));
      const accepting = { "check.accept": "changelog.foreign.writer" };
      const accepted = application.runElsewhere(accepting);
      await eventually(
        "its tasks",
        () => (accepted.output.match(/task taken over/g)?.length ?? 0) > 1,
        [accepted],
      );
      assert.match(accepted.output, new RegExp(`"warn".*wrote ${where}`));
      await accepted.stop();
      assert.equal((await application.check(accepting)).exitCode, "0");
    }));

  test("an idempotent producer in a changelog, by its producer id", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const partition = await touchedPartition(application);
      await produceWithJava(broker.bootstrapServers, [
        record("-", scene.changelog, partition),
        { do: "flush", id: "-" },
      ]);
      const said = new RegExp(`^producer id \\d+ wrote into the changelog .*-${partition}, first`);
      await application.finds("changelog.foreign.writer", said);
    }));

  test("a producer of another application in a changelog, by its transactional id", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const partition = await touchedPartition(application);
      const id = "billing-1";
      await produceWithJava(broker.bootstrapServers, [
        { do: "begin", id },
        record(id, scene.changelog, partition),
        { do: "commit", id },
      ]);
      const who = "transactional id billing-1 \\(producer id \\d+\\)";
      const said = new RegExp(`^${who} wrote into the changelog .*-${partition}$`);
      await application.finds("changelog.foreign.writer", said);
      const again = application.run();
      const refused = (): boolean => new RegExp(`CHANGELOG_TOUCHED: ${who}`).test(again.output);
      await eventually("the topology to be refused", refused, [again]);
      assert.doesNotMatch(again.output, /task (created|taken over)/);
      await again.stop();
    }));

  test("offsets moved by a tool: by the check, and the start refuses", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const [topic] = await admin.fetchOffsets({ groupId: scene.id, topics: [scene.source] });
      const moved = topic?.partitions.find(({ offset }) => offset === "2")?.partition ?? -1;
      const partitions = [{ partition: moved, offset: "1" }];
      await admin.setOffsets({ groupId: scene.id, topic: scene.source, partitions });
      const said = new RegExp(
        `offset 1 of ${scene.source}-${moved} .* was not written by Outrigger`,
      );
      const found = await application.finds("offsets.foreign", said);
      assert.equal(found.code, "OFFSETS_LOST");
      const again = application.run();
      const refused = (): boolean => /OFFSETS_LOST: the committed offset 1/.test(again.output);
      await eventually("the topology to be refused", refused, [again]);
      assert.doesNotMatch(again.output, /task (created|taken over)/);
      await again.stop();
    }));

  test("a changelog that was deleted and made anew", () =>
    afterARun(async (application) => {
      const { scene } = application;
      await admin.deleteTopics({ topics: [scene.changelog] });
      await application.finds("changelog.state.lost", /the topic does not exist/);
      await scene.topics({ [scene.changelog]: { "cleanup.policy": "compact" } });
      await application.finds("changelog.state.lost", /the topic was deleted and made anew/);
    }));

  test("records that were deleted before they were read", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const [topic] = await admin.fetchOffsets({ groupId: scene.id, topics: [scene.source] });
      const partition = topic?.partitions.find(({ offset }) => offset === "2")?.partition ?? -1;
      await produce(scene.kafka, scene.source, [
        { key: "a", value: "1" },
        { key: "a", value: "2" },
      ]);
      await admin.deleteTopicRecords({
        topic: scene.source,
        partitions: [{ partition, offset: "3" }],
      });
      const said = new RegExp(
        `offset 2 of ${scene.source}-${partition} is outside its log, 3 to 4`,
      );
      await application.finds("offsets.out.of.range", said);
    }));

  test("a member that is no sidecar: the start refuses with exit code 2", () =>
    afterARun(async (application) => {
      const { scene } = application;
      const member = await joinWithJava(broker.bootstrapServers, scene.id, scene.source);
      try {
        await application.finds("group.foreign.member", /client intruder at /);
        const run = application.run();
        assert.equal(await run.ended(), "2", run.output);
        assert.match(run.output, /GROUP_TOUCHED: .* no sidecar: client intruder/);
      } finally {
        await member.leave();
      }
    }));
});

function record(id: string, topic: string, partition: number) {
  const [key, value] = [Buffer.from("a"), Buffer.from("stolen")];
  return { do: "send", id, topic, partition, timestamp: Date.now(), key, value } as const;
}
