import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../checker/check.ts";
import { Arena } from "./arena.ts";
import { type Fault, Unproved } from "./fault.ts";
import type { Ground } from "./ground.ts";

/** What came of one fault. */
export interface Outcome {
  readonly violations: readonly string[];
  /** Why this machine could not have the fault; null where it had it. */
  readonly unproved: string | null;
  readonly counts: Readonly<Record<string, number>>;
  /** Where the logs of a failure are. */
  readonly logs: string | null;
}

/** One fault from start to verdict: trouble, liveness, quiescence, an orderly stop, the checker. */
export async function suffer(
  ground: Ground,
  name: string,
  fault: Fault,
  prefix: string,
  seed: number,
): Promise<Outcome> {
  const arena = await Arena.make(ground, prefix, seed, fault);
  let violations: string[] = [];
  let counts: Readonly<Record<string, number>> = {};
  try {
    await fault.run(arena);
    arena.calm();
    const found =
      fault.endsStopped === true ? await judgeOutputs(arena) : await judge(arena, fault);
    violations = [...arena.violations, ...found.violations];
    counts = { ...arena.notes, ...found.counts };
  } catch (error: unknown) {
    if (error instanceof Unproved) {
      return { violations: [], unproved: error.message, counts: {}, logs: null };
    }
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    violations = [...arena.violations, what];
  } finally {
    await arena.end();
  }
  let logs: string | null = null;
  if (violations.length > 0) {
    logs = mkdtempSync(join(tmpdir(), `outrigger-chaos-${name}-${seed}-`));
    arena.keepLogs(logs);
  }
  return { violations, unproved: null, counts, logs };
}

interface Found {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

async function judge(arena: Arena, fault: Fault): Promise<Found> {
  await arena.recovers(fault.livenessMs);
  await arena.feeder.stop();
  await arena.run.drained();
  const missing = arena.missing();
  arena.endSupervision();
  const { violations, counts } = await arena.run.verdict();
  return { violations: [...missing, ...violations], counts };
}

/** The state is not to be trusted any more, and nobody does: outputs and offsets are judged. */
async function judgeOutputs(arena: Arena): Promise<Found> {
  const { bootstrapServers } = arena.ground;
  return await check({ bootstrapServers, prefix: arena.prefix, stateDirs: [], changelogs: [] });
}
