import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { EXPIRY_MUTANTS } from "./mutants-of-expiry.ts";
import { HOOK_MUTANTS } from "./mutants-of-hooks.ts";
import { HOP_MUTANTS } from "./mutants-of-hops.ts";
import { OUTCOME_MUTANTS } from "./mutants-of-outcomes.ts";
import { PARKING_MUTANTS } from "./mutants-of-parking.ts";
import { REPARTITION_MUTANTS } from "./mutants-of-repartitions.ts";
import { TIMER_MUTANTS } from "./mutants-of-timers.ts";
import { type Plan, planOf } from "./plan.ts";
import { Pool } from "./pool.ts";
import { SCENARIOS } from "./scenarios.ts";
import { shrink } from "./shrink.ts";
import type { Outcome } from "./world.ts";

const REGRESSIONS = new URL("regressions/", import.meta.url);
const PROGRESS_EVERY = 250;
/** Seeds that a mutant may live through. */
const MUTANT_SEEDS = 400;
const REDUNDANT_SEEDS = 60;
const CHUNK = 50;

interface Sums {
  passed: number;
  failed: number;
}

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    plan: { type: "string" },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
    results: { type: "string" },
    workers: { type: "string", default: String(Math.min(8, availableParallelism())) },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A run in words. */
function sentence({ commits, aborts, faults, events, virtualMs }: Outcome): string {
  const seconds = (virtualMs / 1_000).toFixed(1);
  return `${commits} commits, ${aborts} aborts, ${faults} faults, ${events} events, ${seconds} s`;
}

/** One world, told from start to end. */
async function tell(pool: Pool, name: string, plan: Plan, sums: Sums): Promise<void> {
  const outcome = await pool.run({ kind: "plan", plan, tracing: true });
  for (const line of outcome.trace) say(line);
  say(`${name}: ${outcome.violation ?? "everything held"}; ${sentence(outcome)}`);
  if (outcome.violation === null) sums.passed += 1;
  else sums.failed += 1;
}

/** What has a name: the scenarios, and the plans that once failed. */
function named(): { readonly name: string; readonly plan: Plan; readonly isRuined: boolean }[] {
  const files = existsSync(REGRESSIONS) ? readdirSync(REGRESSIONS) : [];
  const kept = files
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      name: `regression ${file.replace(".json", "")}`,
      plan: JSON.parse(readFileSync(new URL(file, REGRESSIONS), "utf8")) as Plan,
      isRuined: false,
    }));
  const scenarios = SCENARIOS.map(({ name, plan, isRuined = false }) => {
    return { name: `scenario ${name}`, plan, isRuined };
  });
  return [...scenarios, ...kept];
}

async function runNamed(pool: Pool, sums: Sums): Promise<void> {
  await Promise.all(
    named().map(async ({ name, plan }) => {
      const outcome = await pool.run({ kind: "plan", plan, tracing: false });
      if (outcome.violation === null) sums.passed += 1;
      else {
        sums.failed += 1;
        say(`FAIL ${name}: ${outcome.violation}`);
      }
    }),
  );
}

/** Seeds that an earlier call has passed, by chunks: long runs go on where they stopped. */
function passedBefore(file: string | undefined): Set<number> {
  if (file === undefined || !existsSync(file)) return new Set();
  return new Set(readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number));
}

async function runSeeds(pool: Pool, from: number, count: number, sums: Sums): Promise<void> {
  const startedAt = performance.now();
  const before = passedBefore(flags.results);
  const total = { commits: 0, aborts: 0, faults: 0, events: 0, virtualMs: 0 };
  let done = 0;
  const chunks: number[] = [];
  for (let first = from; first < from + count; first += CHUNK) chunks.push(first);
  const runSeed = async (seed: number): Promise<boolean> => {
    const outcome = await pool.run({ kind: "seed", seed: String(seed), tracing: false });
    total.commits += outcome.commits;
    total.aborts += outcome.aborts;
    total.faults += outcome.faults;
    total.events += outcome.events;
    total.virtualMs += outcome.virtualMs;
    done += 1;
    if (done % PROGRESS_EVERY === 0) {
      say(`${done} of ${count} seeds, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    }
    if (outcome.violation === null) {
      sums.passed += 1;
      return true;
    }
    sums.failed += 1;
    await report(pool, String(seed), outcome);
    return false;
  };
  for (const first of chunks) {
    const seeds = Array.from({ length: CHUNK }, (_, i) => first + i).filter(
      (s) => s < from + count,
    );
    if (before.has(first)) {
      sums.passed += seeds.length;
      continue;
    }
    const passed = await Promise.all(seeds.map(runSeed));
    if (flags.results !== undefined && passed.every(Boolean)) {
      appendFileSync(flags.results, `${first}\n`);
    }
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(`${done} seeds in ${seconds} s; in all ${sentence({ ...EMPTY, ...total })}`);
}

const EMPTY: Outcome = {
  violation: null,
  events: 0,
  virtualMs: 0,
  settledMs: 0,
  commits: 0,
  aborts: 0,
  faults: 0,
  trace: [],
};

/** A seed that failed: made small, and how to see it. */
async function report(pool: Pool, seed: string, outcome: Outcome): Promise<void> {
  say(`FAIL seed ${seed}: ${outcome.violation}`);
  say(`  again, with its trace: npm run sim -- --seed ${seed}`);
  const fails = async (plan: Plan): Promise<boolean> =>
    (await pool.run({ kind: "plan", plan, tracing: false })).violation !== null;
  const small = await shrink(planOf(seed), fails);
  const last = await pool.run({ kind: "plan", plan: small, tracing: true });
  say(
    `  the smallest like it: ${last.violation}; npm run sim -- --plan '${JSON.stringify(small)}'`,
  );
  for (const line of last.trace.slice(-40)) say(`  ${line}`);
}

/** Runs a mutant until it dies; says of what. */
async function hunt(mutant: Mutant, size: number): Promise<string | null> {
  const file = await bundle(`mutant-${mutant.name}`, mutant.edits);
  const pool = new Pool(file, size);
  try {
    let killedBy: string | null = null;
    const run = async (name: string, plan: Plan): Promise<void> => {
      if (killedBy !== null) return;
      const { violation } = await pool.run({ kind: "plan", plan, tracing: false });
      if (violation !== null) killedBy ??= `${name}: ${violation.split("\n")[0]?.slice(0, 160)}`;
    };
    const worlds = named().filter(({ isRuined }) => !isRuined || mutant.isOfRuins === true);
    await Promise.all(worlds.map(({ name, plan }) => run(name, plan)));
    const limit = mutant.isRedundant === true ? REDUNDANT_SEEDS : MUTANT_SEEDS;
    for (let seed = 1; seed <= limit && killedBy === null; seed += size) {
      const seeds = Array.from({ length: size }, (_, i) => String(seed + i));
      await Promise.all(seeds.map((each) => run(`seed ${each}`, planOf(each))));
    }
    return killedBy;
  } finally {
    await pool.close();
  }
}

async function runMutants(size: number, sums: Sums): Promise<void> {
  const all = [
    ...MUTANTS,
    ...OUTCOME_MUTANTS,
    ...PARKING_MUTANTS,
    ...HOOK_MUTANTS,
    ...HOP_MUTANTS,
    ...REPARTITION_MUTANTS,
    ...TIMER_MUTANTS,
    ...EXPIRY_MUTANTS,
  ];
  const chosen = all.filter(({ name }) => flags.mutant === undefined || name === flags.mutant);
  for (const mutant of chosen) {
    const startedAt = performance.now();
    const killedBy = await hunt(mutant, size);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const isAsWanted = (killedBy === null) === (mutant.isRedundant === true);
    if (isAsWanted) sums.passed += 1;
    else sums.failed += 1;
    const what = killedBy === null ? "lives" : `dies of ${killedBy}`;
    const redundant = mutant.isRedundant === true ? ", another rule guards the same door" : "";
    const verdict = isAsWanted ? "ok  " : "FAIL";
    say(`${verdict} ${mutant.name} (${mutant.rule}${redundant}): ${what} (${seconds} s)`);
  }
}

async function main(): Promise<void> {
  const sums: Sums = { passed: 0, failed: 0 };
  const size = Math.max(1, Number(flags.workers));
  const seeds = Number(flags.seeds);
  if (flags.mutants || flags.mutant !== undefined) {
    await runMutants(size, sums);
  } else {
    const pool = new Pool(await bundle("main", []), size);
    if (flags.plan !== undefined) {
      const text = flags.plan.startsWith("{") ? flags.plan : readFileSync(flags.plan, "utf8");
      await tell(pool, "plan", JSON.parse(text) as Plan, sums);
    } else if (seeds === 1) {
      const scenario = SCENARIOS.find(({ name }) => name === flags.seed);
      await tell(pool, `seed ${flags.seed}`, scenario?.plan ?? planOf(flags.seed), sums);
    } else {
      await runNamed(pool, sums);
      await runSeeds(pool, Number(flags.seed), seeds, sums);
    }
    await pool.close();
  }
  say(`${sums.passed} passed, ${sums.failed} failed`);
  process.exitCode = sums.failed > 0 ? 1 : 0;
}

await main();
