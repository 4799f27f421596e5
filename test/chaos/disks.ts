import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/sidecar-process.ts";
import { type Arena, pause } from "./arena.ts";
import { type Fault, type Faults, Unproved } from "./fault.ts";

/** The state directory is damaged, held or full; the changelog is cut or another. */

type Damage = (bytes: Buffer, random: (bound: number) => number) => Buffer;

const flipped: Damage = (bytes, random) => {
  const damaged = Buffer.from(bytes);
  for (let i = 0; i < 64 && damaged.length > 0; i++) {
    const at = random(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 + random(255));
  }
  return damaged;
};

const truncated: Damage = (bytes, random) => bytes.subarray(0, random(bytes.length));

/** RocksDB's files, by what they are; WALs become tables as a database is opened. */
const KINDS = {
  tables: /\.sst$/,
  logs: /^\d+\.log$/,
  manifests: /^MANIFEST/,
  current: /^CURRENT$/,
} as const;

/** Restarts that a damaged directory may cost a supervised sidecar. */
const RESTARTS_MAX = 3;
const WATCHED_MS = 6_000;

/** Every second task is damaged, after a kill; the others must not be touched. */
function damaged(kind: keyof typeof KINDS, what: string, damage: Damage): Fault {
  return {
    does: `SIGKILL; the ${kind} of every second task are ${what}`,
    run: async (arena) => {
      arena.start("a");
      await arena.progress(400);
      await arena.kill("a");
      arena.startSidecar("a");
      await arena.progress(400);
      await arena.kill("a");
      damageFiles(arena, kind, damage);
      arena.startSidecar("a");
      const restarts = await arena.keepUp("a", WATCHED_MS, RESTARTS_MAX);
      arena.notes["restarts"] = restarts;
    },
  };
}

function damageFiles(arena: Arena, kind: keyof typeof KINDS, damage: Damage): void {
  let files = 0;
  for (const [index, task] of arena.tasks("a").entries()) {
    if (index % 2 === 1) continue;
    for (const file of readdirSync(task).filter((name) => KINDS[kind].test(name))) {
      const path = join(task, file);
      const bytes = readFileSync(path);
      if (bytes.length === 0) continue;
      writeFileSync(path, damage(bytes, arena.random));
      files += 1;
    }
  }
  if (files === 0) throw new Error(`there are no ${kind} to damage`);
  arena.notes["damaged"] = files;
}

async function refusedBesides(arena: Arena): Promise<void> {
  arena.start("a");
  await arena.progress();
  const other = arena.run.startSidecar("a");
  const how = await other.ended();
  if (how === "0" || !other.output.includes("STATE_DIRECTORY_LOCKED")) {
    arena.violations.push(`a second sidecar on a state directory ended with ${how}`);
  }
}

/** Until what was set aside for the logs is used up. */
const FULL_MS = 240_000;

/** A small file system of its own, filled by somebody else's file, and freed. */
async function full(arena: Arena): Promise<void> {
  const folder = arena.run.stateDir("a");
  mkdirSync(folder, { recursive: true });
  const mount = ["-t", "tmpfs", "-o", "size=96m", "tmpfs", folder];
  const { status, stderr } = spawnSync("mount", mount, { encoding: "utf8" });
  if (status !== 0) throw new Unproved(`a full disk needs a tmpfs: ${(stderr ?? "").trim()}`);
  arena.atEnd(() => void spawnSync("umount", [folder]));
  // Small buffers, for a log has the room of one before it needs it.
  arena.start("a", {}, { "rocksdb.memory.max.bytes": 16 * 1024 * 1024 });
  await arena.progress(400);
  const filler = join(folder, "filler");
  fill(folder, filler);
  const said = await arena.endsWithAnError("a", FULL_MS);
  if (!said.includes("STORE_FAILED")) {
    arena.violations.push(`a full disk was not named: ${said.slice(-300)}`);
  }
  rmSync(filler);
  const sidecar = arena.startSidecar("a");
  await arena.recovers();
  if (/wiped, restoring|is damaged/.test(sidecar.output)) {
    arena.violations.push("a store was emptied for want of room");
  }
}

function fill(folder: string, filler: string): void {
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize, 1));
  } catch {
    // Somebody was quicker; all the same it is full.
  }
}

const STORES = ["sums", "lists", "books", "counts"] as const;

/** Deletes the changelogs' records below where they end now. */
async function cutChangelogs(arena: Arena, stores: readonly string[]): Promise<void> {
  for (const store of stores) {
    const topic = `${arena.prefix}-${store}-changelog`;
    // Brokers refuse to delete records of topics that are only compacted.
    await setPolicy(arena, topic, "compact,delete");
    const offsets = await arena.admin.fetchTopicOffsets(topic);
    const partitions = offsets.map(({ partition, offset }) => ({ partition, offset }));
    const cut = async (): Promise<boolean> => {
      return await arena.admin.deleteTopicRecords({ topic, partitions }).then(
        () => true,
        () => false,
      );
    };
    await eventually(`${topic} to be cut`, cut, [], POLICY_MS);
    await setPolicy(arena, topic, "compact");
  }
}

/** A broker hears of a policy a moment after it was set. */
const POLICY_MS = 10_000;

async function setPolicy(arena: Arena, topic: string, policy: string): Promise<void> {
  const configEntries = [
    { name: "cleanup.policy", value: policy },
    { name: "retention.ms", value: "-1" },
    { name: "message.timestamp.type", value: "CreateTime" },
  ];
  // 2 is a topic.
  const resources = [{ type: 2, name: topic, configEntries }];
  await arena.admin.alterConfigs({ validateOnly: false, resources });
}

/** Every key is written again after the cut, so that what is left can rebuild the stores. */
async function cutBeyondAnOlderCopy(arena: Arena): Promise<void> {
  arena.start("a");
  await arena.progress(400);
  await arena.stop("a");
  arena.keepCopy("a");
  arena.startSidecar("a");
  await arena.progress(400);
  await cutChangelogs(arena, STORES);
  await arena.progress(2_000, 60_000);
  await arena.kill("a");
  arena.rollBack("a");
  const sidecar = arena.startSidecar("a");
  await arena.recovers();
  if (!sidecar.output.includes("beforeStart")) {
    arena.violations.push("R-10 a store before the start of its changelog was not wiped");
  }
}

/** The stores have all that is cut off. */
async function cutBehindThem(arena: Arena): Promise<void> {
  arena.start("a");
  await arena.progress(400);
  await arena.stop("a");
  await cutChangelogs(arena, STORES);
  const sidecar = arena.startSidecar("a");
  await arena.recovers();
  if (/wiped, restoring|was cut|is damaged/.test(sidecar.output)) {
    arena.violations.push("R-10 a store that has all that was cut off was not kept");
  }
}

/** What was committed is nowhere any more: going on would give wrong results. */
async function recreated(arena: Arena): Promise<void> {
  arena.start("a");
  await arena.progress(400);
  await arena.feeder.stop();
  await arena.run.drained();
  await arena.stop("a");
  const topic = `${arena.prefix}-sums-changelog`;
  await arena.admin.deleteTopics({ topics: [topic] });
  await pause(1_000);
  const configEntries = [{ name: "cleanup.policy", value: "compact" }];
  const replicationFactor = arena.ground.replicas;
  const made = { topic, numPartitions: 4, replicationFactor, configEntries };
  await arena.admin.createTopics({ waitForLeaders: false, topics: [made] });
  await pause(1_000);
  arena.startSidecar("a");
  // whoever finds it first, the check of the topology or the takeover.
  await arena.refuses("a", "COMMITTED_STATE_LOST");
}

export const DISKS: Faults = {
  "flip-tables": damaged("tables", "changed here and there", flipped),
  "flip-logs": damaged("logs", "changed here and there", flipped),
  "flip-manifests": damaged("manifests", "changed here and there", flipped),
  "flip-current": damaged("current", "changed here and there", flipped),
  "cut-tables": damaged("tables", "cut short", truncated),
  "cut-logs": damaged("logs", "cut short", truncated),
  "cut-manifests": damaged("manifests", "cut short", truncated),
  "cut-current": damaged("current", "cut short", truncated),
  "lock-held": {
    does: "a second sidecar starts on the state directory of a running one",
    run: refusedBesides,
  },
  "disk-full": { does: "the disk fills up, and is freed after the sidecar has ended", run: full },
  "changelog-cut-behind": {
    does: "DeleteRecords takes what the stores have already",
    run: cutBehindThem,
  },
  "changelog-cut-beyond": {
    does: "DeleteRecords takes what an older copy of the state directory has not",
    run: cutBeyondAnOlderCopy,
  },
  "changelog-recreated": {
    does: "a changelog is deleted and made anew: the sidecar must refuse to go on",
    endsStopped: true,
    run: recreated,
  },
};
