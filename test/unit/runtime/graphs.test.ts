import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DeclaredTopology, Program } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import type { PlainRecord } from "../../support/world/columns.ts";
import { GraphCode } from "../../support/world/graph-code.ts";
import { GraphModel } from "../../support/world/graph-model.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { type Draw, drawFrom, randomGraph } from "../../support/world/random-graph.ts";

const TOPICS = ["out", "out2"];
const ROUNDS = 3;

type Round = { readonly topic: string; readonly records: readonly PlainRecord[] };

function inputOf(declared: DeclaredTopology, draw: Draw): Round[] {
  const topics = declared.nodes.flatMap((node) => (node.kind === "source" ? node.topics : []));
  let time = 10_000;
  return Array.from({ length: ROUNDS }, () => {
    const records = Array.from({ length: 4 + draw(16) }, () => {
      time += draw(400);
      const key = draw(12) === 0 ? null : `k${draw(4)}`;
      const value = draw(9) === 0 ? null : `v${draw(50)}`;
      const headers = draw(3) === 0 ? "\x02\x02h\x02x" : "\0";
      return { key, value, timestamp: time - (draw(5) === 0 ? draw(3_000) : 0), headers };
    });
    return { topic: topics[draw(topics.length)] ?? "in", records };
  });
}

/** How an application behaves: who fails, and who answers late. */
interface Manners {
  readonly fails: () => boolean;
  readonly turns: () => number;
}

const GOOD: Manners = { fails: () => false, turns: () => 0 };

/** What reached the topics and the stores, with batches of so many records. */
async function runOf(
  declared: DeclaredTopology,
  program: Program,
  rounds: readonly Round[],
  batchRecordsMax: number,
  { fails, turns }: Manners,
) {
  const failures = { ...testLimits.task.failures };
  const defaults = { ...failures.defaults, retryMax: 1_000 };
  const task = { ...testLimits.task, batchRecordsMax, failures: { ...failures, defaults } };
  const none = () => ({ outputs: [] });
  const kernel = await KernelWorld.start(program, none, undefined, { ...testLimits, task });
  const { world, clock, application } = kernel;
  const code = new GraphCode(declared, program, () => {
    if (fails()) throw new Error("not now");
  });
  application.answerTo = (batch) => code.answer(batch);
  application.turns = turns;
  const partitions = program.sources.map((topic) => ({ topic, partition: 0 }));
  world.assignment = partitions;
  await clock.until(() => partitions.every(({ topic }) => world.committed.has(`${topic}-0`)));
  for (const { topic, records } of rounds) {
    const at = { topic, partition: 0 };
    world.append(at, ...records);
    await clock.until(() => world.committed.get(`${topic}-0`)?.offset === world.log(at).length);
  }
  const outputs = TOPICS.map((topic) => [...world.log({ topic, partition: 0 })]);
  const changelogs = program.stores.map(({ changelogTopic, kind }) => {
    const last = new Map<string | null, string | null>();
    for (const { key, value } of world.log({ topic: changelogTopic, partition: 0 })) {
      last.set(key, value);
    }
    // What has left a buffer may have done so in the cut of its arrival, or later.
    return [...last].filter(([, value]) => kind !== "buffer" || value !== null).sort();
  });
  const stores = [...(kernel.directory.disks.get("0_0")?.data ?? [])]
    .map(([key, value]) => [key, value.toString("latin1")] as const)
    .sort();
  await kernel.active.stop(1_000);
  assert.deepEqual(kernel.fatal, []);
  return { outputs, stores, changelogs };
}

test("any graph, in batches of any size, is one record after the other", async () => {
  let graphs = 0;
  let hops = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const draw = drawFrom(seed);
      const declared = randomGraph(draw);
      const [program] = compile(declared, { applicationId: "app" });
      const rounds = inputOf(declared, draw);
      const single = await runOf(declared, program, rounds, 1, GOOD);
      const few = { fails: () => draw(40) === 0, turns: () => draw(4) };
      assert.deepEqual(await runOf(declared, program, rounds, 7, few), single);
      assert.deepEqual(await runOf(declared, program, rounds, 500, few), single);
      const model = new GraphModel(declared);
      for (const { topic, records } of rounds) for (const each of records) model.take(topic, each);
      graphs += 1;
      if (program.steps.filter(({ kind }) => kind === "stage").length > 1) hops += 1;
      // Of one record they may take another order, so who gets which count of a shared store differs.
      if (program.oneByOne || sharesStores(declared) || holdsForATime(declared)) return;
      for (const [index, topic] of TOPICS.entries()) {
        const said = single.outputs[index]?.map(({ key, value }) => `${key}=${value}`) ?? [];
        assert.deepEqual(said.sort(), (model.outputs.get(topic) ?? []).sort());
      }
      const names = program.stores.map(({ name }) => name);
      const kept = single.stores.flatMap(([key, value]) => {
        const [store = "", ...rest] = key.split("/");
        const { kind, isTimestamped } = program.stores[Number(store)] ?? {};
        if (kind === "buffer") return [];
        const plain = isTimestamped === true ? value.slice(8) : value;
        return [[`${names[Number(store)]}/${rest.join("/")}`, plain]];
      });
      assert.deepEqual(kept.sort(), [...model.stores].sort());
    }),
    {
      numRuns: Number(process.env["GRAPHS"] ?? 60),
      endOnFailure: false,
      includeErrorInReport: true,
    },
  );
  assert.ok(hops > graphs / 8, `${hops} of ${graphs} graphs had several hops`);
});

/** Which update a limit of time lets go depends on the order of a record's rows, which the model has not. */
function holdsForATime({ nodes }: DeclaredTopology): boolean {
  return nodes.some((node) => node.kind === "suppress" && node.until.kind === "timeLimit");
}

function sharesStores({ nodes }: DeclaredTopology): boolean {
  const used = nodes.flatMap((node) => (node.kind === "function" ? node.stores : []));
  return new Set(used).size < used.length;
}
