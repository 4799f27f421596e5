import { outrigger, type Ran } from "../support/command.ts";
import { eventually } from "../support/sidecar-process.ts";
import type { Arena } from "./arena.ts";
import type { BadRecords, Faults } from "./fault.ts";

/** Records that the application's code cannot do; meanwhile its sidecar is killed. */

const FAILING: BadRecords = { marks: ["fail", "reject"], count: 40, oneIn: 31 };
const KILLING: BadRecords = { marks: ["kill"], count: 3, oneIn: 251 };
const HANGING: BadRecords = { marks: ["hang"], count: 2, oneIn: 251 };
const PARKING: BadRecords = { marks: ["park"], count: 12, oneIn: 43 };

const FEW_TRIES = { "retry.max": 2, "retry.initial.ms": 5, "retry.max.delay.ms": 10 };
const MENDED = { OUTRIGGER_TEST_MENDED: "1" };
/** A killer costs three processes, a hanging record three times so long. */
const HANGS_MS = 1_000;

/** The sidecar dies in one of the first commits, and another goes on with what it has left. */
async function diesMeanwhile(arena: Arena, flags: Record<string, string | number>): Promise<void> {
  await arena.endsAtItsFailpoint("a");
  arena.startSidecar("a", {}, flags);
}

/** A commit among the first `within`. */
function somewhere(arena: Arena, within: number): string {
  const point = ["ending", "endSent", "applying", "written"][arena.random(4)];
  return `${point}:${1 + arena.random(within)}`;
}

/** The application dies, by itself or for its records, and is started again. */
async function untilBuried(
  arena: Arena,
  { count }: BadRecords,
  flags: Record<string, string | number>,
): Promise<void> {
  arena.startSidecar("a", { OUTRIGGER_FAILPOINT: somewhere(arena, 60) }, flags);
  const supervised = arena.supervise("a");
  await diesMeanwhile(arena, flags);
  await arena.records("letters", count);
  arena.notes["deaths"] = supervised.deaths.length;
}

async function command(arena: Arena, ...args: readonly string[]): Promise<Ran> {
  const { bootstrapServers } = arena.ground;
  const at = ["--application.id", arena.prefix, "--bootstrap.servers", bootstrapServers];
  return await outrigger(["dlq", ...args, ...at]);
}

async function release(arena: Arena): Promise<void> {
  const { status, stdout, stderr } = await command(arena, "release", "--all");
  if (status !== 0) throw new Error(`the release ended with ${status}: ${stdout}${stderr}`);
}

/** How many records wait; for waiting, not for judging. */
async function waiting(arena: Arena): Promise<number> {
  const { status, stdout } = await command(arena, "list", "--parked", "--json", "--limit", "10000");
  return status === 0 ? (JSON.parse(stdout) as { letters: unknown[] }).letters.length : -1;
}

/** Keys wait, are released too early and wait again; then the application is mended. */
async function parkedAndReleased(arena: Arena): Promise<void> {
  arena.start("a", { OUTRIGGER_FAILPOINT: somewhere(arena, 40) });
  await diesMeanwhile(arena, {});
  const areParked = async (): Promise<boolean> => (await waiting(arena)) >= PARKING.count;
  await eventually("keys to wait", areParked, arena.run.children);
  await release(arena);
  await arena.application("a").kill();
  arena.startApplication("a", MENDED);
  await arena.kill("a");
  arena.notes["parked"] = await waiting(arena);
  arena.startSidecar("a", { OUTRIGGER_FAILPOINT: somewhere(arena, 12) });
  await release(arena);
  await diesMeanwhile(arena, {});
  await release(arena);
  const isOver = async (): Promise<boolean> => (await waiting(arena)) === 0;
  await eventually("nothing to wait", isOver, arena.run.children);
}

export const RECORDS: Faults = {
  "record-fails": {
    does: "records whose handler throws, or gives them up, when half of the stores are written",
    bad: FAILING,
    run: async (arena) => {
      arena.start("a", { OUTRIGGER_FAILPOINT: somewhere(arena, 60) }, FEW_TRIES);
      await diesMeanwhile(arena, FEW_TRIES);
      await arena.records("letters", FAILING.count);
    },
  },
  "record-kills": {
    does: "records that kill the application, which is started again each time",
    bad: KILLING,
    run: (arena) => untilBuried(arena, KILLING, {}),
  },
  "record-hangs": {
    does: "records on which the application hangs past processing.timeout.ms",
    bad: HANGING,
    run: (arena) => untilBuried(arena, HANGING, { "processing.timeout.ms": HANGS_MS }),
  },
  "record-parks": {
    does: "keys are parked, released too early, parked again and released, while input flows",
    bad: PARKING,
    run: parkedAndReleased,
  },
};
