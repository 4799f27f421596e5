import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { Program } from "../../../src/model/topology.ts";
import type { Admin } from "../../../src/ports/admin.ts";
import { Purge } from "../../../src/runtime/purge.ts";
import { hookProgram } from "../../../src/topology/hooks.ts";
import { copyProgram } from "../../support/world/kernel-world.ts";
import { VirtualClock } from "../../support/world/virtual-clock.ts";

const INTERVAL_MS = 1_000;
const mail = hookProgram("mail", "mails", 1);

/** What is deleted while a test moves the positions of its tasks. */
class Scene {
  readonly clock = new VirtualClock();
  readonly deleted: string[] = [];
  readonly warnings: string[] = [];
  refusal: OutriggerError | null = null;
  readonly purge: Purge;
  readonly #tasks = new Map<string, ReturnType<typeof task>>();

  constructor() {
    const admin: Admin = {
      describeTopics: async () => new Map(),
      topicNames: async () => [],
      createTopics: async () => {},
      refusals: async () => new Map(),
      deleteRecords: async (before) => {
        if (this.refusal !== null) throw this.refusal;
        for (const { topic, partition, offset } of before) {
          this.deleted.push(`${topic}-${partition}@${offset}`);
        }
      },
    };
    const warn = (text: string, fields?: object) => {
      this.warnings.push(`${text} ${JSON.stringify(fields)}`);
    };
    const log = { debug: () => {}, info: () => {}, warn, error: () => {} };
    this.purge = new Purge(admin, this.clock, log, INTERVAL_MS);
    this.purge.start([copyProgram, mail], () => [...this.#tasks.values()]);
  }

  at(program: Program, offset: number, phase: "running" | "claiming" = "running"): this {
    this.#tasks.set(program.sources[0] ?? "", task(program, offset, phase));
    return this;
  }

  async interval(): Promise<void> {
    const untilMs = this.clock.nowMs() + INTERVAL_MS;
    this.clock.after(INTERVAL_MS, () => {});
    await this.clock.until(() => this.clock.nowMs() >= untilMs);
  }
}

function task(program: Program, offset: number, phase: "running" | "claiming") {
  const topic = program.sources[0] ?? "";
  const positions = new Map([[`${topic}-2`, { offset, leaderEpoch: 1 }]]);
  const id = { subtopology: program.subtopology, partition: 2 };
  return { program, phase, id, positions };
}

test("what a hook has committed is deleted, once, and nothing of the topology's own input", async () => {
  const scene = new Scene().at(mail, 7).at(copyProgram, 9);
  await scene.interval();
  await scene.interval();
  assert.deepEqual(scene.deleted, ["mails-2@7"]);
  scene.at(mail, 12);
  await scene.interval();
  assert.deepEqual(scene.deleted, ["mails-2@7", "mails-2@12"]);
});

test("what was read of a repartition is deleted once it has committed, other input of the task never", async () => {
  const repartition = { topic: "between", node: "n", partitions: 0, writtenBy: 0 };
  const lower = { ...copyProgram, sources: ["between", "in"], repartitions: [repartition] };
  const scene = new Scene().at(lower, 5);
  await scene.interval();
  assert.deepEqual(scene.deleted, ["between-2@5"]);
  const other = new Scene().at({ ...lower, sources: ["in", "between"] }, 5);
  await other.interval();
  assert.deepEqual(other.deleted, []);
});

test("a task that has committed nothing yet deletes nothing", async () => {
  const scene = new Scene().at(mail, 7, "claiming");
  await scene.interval();
  assert.deepEqual(scene.deleted, []);
});

test("a refusal is said once, and the purge tried again", async () => {
  const scene = new Scene().at(mail, 7);
  scene.refusal = new OutriggerError("AUTHORIZATION_FAILED", "grant DELETE on topic mails");
  await scene.interval();
  await scene.interval();
  assert.equal(scene.warnings.length, 1);
  assert.match(scene.warnings[0] ?? "", /their topics grow.*grant DELETE on topic mails/);
  scene.refusal = null;
  await scene.interval();
  assert.deepEqual(scene.deleted, ["mails-2@7"]);
});

test("after a stop nothing is deleted", async () => {
  const scene = new Scene().at(mail, 7);
  scene.purge.stop();
  await scene.interval();
  assert.deepEqual(scene.deleted, []);
});
