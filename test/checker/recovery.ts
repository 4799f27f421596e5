import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { restoredRecords } from "../chaos/crashes.ts";
import { Feeder } from "../chaos/feeder.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { check } from "./check.ts";
import { Checked } from "./checked.ts";
import { STORES } from "./expected.ts";
import { readTasks } from "./stores.ts";
import { startStreams } from "./streams-process.ts";
import { CHANGELOGS } from "./verdict.ts";
import { committedOffsets, isDrained, makeWorkload, send } from "./workload.ts";

/** SIGKILL with the disk intact, while records flow: what a restart restores, and how long it takes. */

export interface Recovery {
  readonly violations: readonly string[];
  /** Entries of all changelogs together, as the process died. */
  readonly changelogEntries: number;
  /** Those of them that the stores on disk had not; null where the disk is not ours to read. */
  readonly behind: number | null;
  readonly restored: number;
  /** From the start of the new process to the first commit that is its own. */
  readonly recoveredMs: number;
}

/** A system that is at the workload's input and may be killed. */
interface Running {
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Of the process started last. */
  readonly restored: () => number;
  readonly behind: () => Promise<number | null>;
  readonly children: () => readonly Child[];
  /** Ends it in order; what the checker says. */
  readonly verdict: () => Promise<readonly string[]>;
}

export interface Ground {
  readonly bootstrapServers: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly folder: string;
}

const SEED = 17;
const CHUNK = 5_000;
const DRAIN_MS = 300_000;
/** Records that flow before the kill, so that it falls among commits. */
const FLOWING = 400;

export async function recover(
  ground: Ground,
  prefix: string,
  records: number,
  run: Running,
): Promise<Recovery> {
  const { admin, kafka } = ground;
  await run.start();
  for (let from = 0; from < records; from += CHUNK) {
    await send(kafka, prefix, SEED, from, Math.min(CHUNK, records - from));
  }
  await eventually("the input's end", () => isDrained(admin, prefix), run.children(), DRAIN_MS);
  const feeder = new Feeder(kafka, prefix, SEED, { from: records });
  feeder.start();
  const flowing = async (): Promise<boolean> =>
    (await committed(admin, prefix)) > records + FLOWING;
  await eventually("records to flow", flowing, run.children());
  await run.kill();
  const [changelogEntries, behind] = [await entries(admin, prefix), await run.behind()];
  const before = await committed(admin, prefix);
  const startedAt = performance.now();
  await run.start();
  const recovers = async (): Promise<boolean> => (await committed(admin, prefix)) > before;
  await eventually("a commit", recovers, run.children(), DRAIN_MS);
  const recoveredMs = Math.round(performance.now() - startedAt);
  await feeder.stop();
  await eventually("the input's end", () => isDrained(admin, prefix), run.children(), DRAIN_MS);
  const restored = run.restored();
  return { violations: await run.verdict(), changelogEntries, behind, restored, recoveredMs };
}

/** A sidecar with the settings that the checker's runs have. */
export async function sidecar(ground: Ground, prefix: string, main: string): Promise<Running> {
  const checked = await Checked.make(ground.bootstrapServers, prefix, main);
  checked.startApplication("a");
  let process: Child | null = null;
  return {
    start: async () => {
      process = checked.startSidecar("a", {}, { "commit.interval.ms": 50 });
    },
    kill: async () => await process?.kill(),
    children: () => checked.children,
    restored: () => restoredRecords(process?.output ?? ""),
    behind: async () => {
      const ends = await changelogEnds(ground.admin, prefix);
      let behind = 0;
      for (const { partition, stores } of await readTasks([checked.stateDir("a")], prefix)) {
        for (const [name, { position }] of stores) {
          behind += (ends.get(`${name}-${partition}`) ?? 0) - position;
        }
      }
      return behind;
    },
    verdict: async () => {
      const { violations } = await checked.verdict();
      await checked.end();
      return violations;
    },
  };
}

export async function streams(ground: Ground, prefix: string): Promise<Running> {
  const { bootstrapServers } = ground;
  await makeWorkload(ground.kafka, prefix);
  let process: Child | null = null;
  return {
    start: async () => {
      process = await startStreams(bootstrapServers, prefix, join(ground.folder, prefix));
    },
    kill: async () => await process?.kill(),
    children: () => (process === null ? [] : [process]),
    restored: () => {
      const found = (process?.output ?? "").matchAll(/^restored (\d+) of /gm);
      return [...found].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    behind: async () => null,
    verdict: async () => {
      await process?.stop();
      const changelogs = STORES;
      const options = { bootstrapServers, prefix, stateDirs: [], changelogs };
      return (await check(options)).violations;
    },
  };
}

async function committed(admin: Admin, prefix: string): Promise<number> {
  const offsets = (await committedOffsets(admin, prefix)) ?? new Map<number, number>();
  return [...offsets.values()].reduce((sum, offset) => sum + Math.max(0, offset), 0);
}

/** By `<store>-<partition>`. */
async function changelogEnds(admin: Admin, prefix: string): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  for (const name of CHANGELOGS) {
    for (const { partition, high } of await offsetsOf(admin, `${prefix}-${name}-changelog`)) {
      ends.set(`${name}-${partition}`, Number(high));
    }
  }
  return ends;
}

async function offsetsOf(admin: Admin, topic: string): ReturnType<Admin["fetchTopicOffsets"]> {
  const topics = await admin.listTopics();
  return topics.includes(topic) ? await admin.fetchTopicOffsets(topic) : [];
}

async function entries(admin: Admin, prefix: string): Promise<number> {
  return [...(await changelogEnds(admin, prefix)).values()].reduce((sum, end) => sum + end, 0);
}
