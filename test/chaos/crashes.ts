import { FAILPOINTS } from "../../src/runtime/failpoint.ts";
import { eventually } from "../support/sidecar-process.ts";
import type { Arena } from "./arena.ts";
import type { Fault, Faults } from "./fault.ts";

/** SIGKILL at every failpoint, with the disk as it was, without it, and with an older one. */

type Point = keyof typeof FAILPOINTS;

const PRODUCE = 0;
const JOINS_MAX = 12;
/** TRANSACTION_ABORTABLE of KIP-890: the broker asks for an abort. */
const ABORTABLE = 120;

/** Commits before the one that dies: enough that all kinds of state are there. */
function times(arena: Arena): number {
  return 4 + arena.random(40);
}

async function restarted(arena: Arena): Promise<void> {
  await arena.endsAtItsFailpoint("a");
  const sidecar = arena.startSidecar("a");
  await arena.recovers();
  // I17: the disk is intact, so nothing is wiped, and only what came after the last commit restored.
  if (/wiped, restoring|is damaged/.test(sidecar.output)) {
    arena.violations.push("I17 a store was wiped though its disk was intact");
  }
  arena.notes["restored"] = restoredRecords(sidecar.output);
}

/** By the sidecar's own log, of all stores. */
export function restoredRecords(output: string): number {
  const found = output.matchAll(/"records":(\d+)[^\n]*"store restored"/g);
  return [...found].reduce((sum, [, records]) => sum + Number(records), 0);
}

async function killedAt(arena: Arena, point: Point): Promise<void> {
  arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:${times(arena)}` });
  await restarted(arena);
}

async function killedInAbort(arena: Arena, point: Point): Promise<void> {
  arena.trouble(PRODUCE, { kind: "produceError", code: ABORTABLE }, 7, 12);
  arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:${1 + arena.random(6)}` });
  await arena.endsAtItsFailpoint("a");
  arena.calm();
  arena.startSidecar("a");
  await arena.recovers();
}

/**
 * Another joins, and the commit that lets its partitions go is the last thing that happens. Where
 * nothing was staged just then there is no such commit: it leaves, and joins again.
 */
async function killedInRevocation(arena: Arena, point: Point): Promise<void> {
  const first = arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:1` });
  await arena.progress();
  for (let joins = 0; joins < JOINS_MAX; joins++) {
    const other = arena.start("b");
    const isOver = (): boolean => !first.isRunning || other.output.includes("task taken over");
    await eventually("the others to share the tasks", isOver, arena.run.children);
    if (!first.isRunning) break;
    await arena.stop("b");
  }
  await restarted(arena);
}

async function killedInRestoration(arena: Arena, point: Point): Promise<void> {
  arena.start("a");
  await arena.progress(600);
  await arena.kill("a");
  arena.wipe("a");
  arena.startSidecar("a", { OUTRIGGER_FAILPOINT: `${point}:${1 + arena.random(4)}` });
  await arena.endsAtItsFailpoint("a");
  arena.startSidecar("a");
}

/** Stores that were away for longer than tombstones are kept are not to be trusted. */
async function killedInWipe(arena: Arena, point: Point): Promise<void> {
  arena.start("a");
  await arena.progress(600);
  await arena.stop("a");
  await setDeleteRetention(arena, 100);
  await arena.feeder.stop();
  arena.feeder.start();
  arena.startSidecar("a", { OUTRIGGER_FAILPOINT: `${point}:${1 + arena.random(4)}` });
  await arena.endsAtItsFailpoint("a");
  arena.startSidecar("a");
  await arena.recovers();
  await setDeleteRetention(arena, 86_400_000);
}

async function setDeleteRetention(arena: Arena, ms: number): Promise<void> {
  const configEntries = [
    { name: "cleanup.policy", value: "compact" },
    { name: "delete.retention.ms", value: String(ms) },
  ];
  const resources = ["sums", "lists", "books", "counts", "windows"].map((store) => {
    // 2 is a topic.
    return { type: 2, name: `${arena.prefix}-${store}-changelog`, configEntries };
  });
  await arena.admin.alterConfigs({ validateOnly: false, resources });
}

async function killedInShutdown(arena: Arena, point: Point): Promise<void> {
  const sidecar = arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:1` });
  await arena.progress();
  sidecar.signal("SIGTERM");
  await restarted(arena);
}

/** Several requests of one cut: some are acknowledged, the answer of one is lost with its sender. */
async function killedBetweenAcks(arena: Arena): Promise<void> {
  arena.trouble(PRODUCE, { kind: "dropAnswer" }, 5 + arena.random(30), 1);
  arena.start("a");
  await arena.meets(1);
  await arena.kill("a");
  arena.calm();
  arena.startSidecar("a");
}

const SPECIAL: Partial<Record<Point, (arena: Arena, point: Point) => Promise<void>>> = {
  aborting: killedInAbort,
  abortSent: killedInAbort,
  revoking: killedInRevocation,
  restoring: killedInRestoration,
  restored: killedInRestoration,
  wiping: killedInWipe,
  stopping: killedInShutdown,
  leaving: killedInShutdown,
};

function atEachPoint(): [string, Fault][] {
  const points = Object.keys(FAILPOINTS) as Point[];
  return points.map((point) => [
    `kill-${point}`,
    {
      does: `SIGKILL: ${FAILPOINTS[point]}`,
      run: (arena) => (SPECIAL[point] ?? killedAt)(arena, point),
    },
  ]);
}

/** Where what is on disk matters most. */
const DISK_POINTS = ["sendingOffsets", "ending", "endSent", "applying", "written"] as const;

function withoutDisk(point: Point): Fault {
  return {
    does: `SIGKILL: ${FAILPOINTS[point]}; the state directory is deleted`,
    run: async (arena) => {
      arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:${times(arena)}` });
      await arena.endsAtItsFailpoint("a");
      arena.wipe("a");
      arena.startSidecar("a");
    },
  };
}

function withOlderDisk(point: Point): Fault {
  return {
    does: `SIGKILL: ${FAILPOINTS[point]}; the state directory is rolled back to an older copy`,
    run: async (arena) => {
      arena.start("a");
      await arena.progress(400);
      await arena.stop("a");
      arena.keepCopy("a");
      arena.startSidecar("a", { OUTRIGGER_FAILPOINT: `${point}:${times(arena)}` });
      await arena.endsAtItsFailpoint("a");
      arena.rollBack("a");
      arena.startSidecar("a");
    },
  };
}

export const CRASHES: Faults = {
  ...Object.fromEntries(atEachPoint()),
  "kill-someAcked": {
    does: "SIGKILL: the acknowledgement of one Produce request among several is lost",
    run: killedBetweenAcks,
  },
  ...Object.fromEntries(DISK_POINTS.map((point) => [`wipe-${point}`, withoutDisk(point)])),
  ...Object.fromEntries(DISK_POINTS.map((point) => [`rollback-${point}`, withOlderDisk(point)])),
};
