import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { type Fault, SHORT_SESSIONS } from "./fault.ts";
import { FAULTS, faultsNamed } from "./faults.ts";
import { type Ground, startClusterGround, startGround } from "./ground.ts";
import { type Outcome, suffer } from "./rig.ts";

/**
 * `npm run chaos`: every fault, `--runs` times over, each with a seed of its own; with `--brokers 3` on a
 * cluster, and then those that only a cluster can suffer, too.
 */
const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    fault: { type: "string" },
    results: { type: "string" },
    brokers: { type: "string", default: "1" },
    list: { type: "boolean", default: false },
  },
});

const start = flags.brokers === "1" ? startGround : startClusterGround;

/** A line of the results. */
interface Result extends Outcome {
  readonly fault: string;
  readonly seed: number;
  readonly ms: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function before(): Map<string, Result> {
  const file = flags.results;
  if (file === undefined || !existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  const results = lines.map((line) => JSON.parse(line) as Result);
  return new Map(results.map((result) => [nameOf(result), result]));
}

function nameOf({ fault, seed }: Pick<Result, "fault" | "seed">): string {
  return `${fault}@${seed}`;
}

function tell(result: Result): void {
  const { violations, unproved, counts, ms, logs } = result;
  const took = `${(ms / 1_000).toFixed(1)} s`;
  if (unproved !== null) {
    say(`NOT PROVED ${nameOf(result)}: ${unproved}`);
    return;
  }
  const facts = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  if (violations.length === 0) {
    say(`ok   ${nameOf(result)}: ${facts.join(", ")} (${took})`);
    return;
  }
  say(`FAIL ${nameOf(result)} (${took}); logs in ${logs ?? "no folder"}`);
  for (const violation of violations.slice(0, 10)) say(`     ${violation.slice(0, 4_000)}`);
  say(`     again: npm run chaos -- --fault ${result.fault} --seed ${result.seed}`);
}

async function main(): Promise<number> {
  if (!["1", "3"].includes(flags.brokers)) throw new Error("--brokers is 1 or 3");
  const wanted = faultsNamed(flags.fault, Number(flags.brokers));
  if (flags.list) {
    for (const [name, { does }] of wanted) say(`${name}: ${does}`);
    return 0;
  }
  const missing = whyNoKafka();
  if (missing !== null) {
    say(`NOT PROVED: no fault met a real Apache Kafka, because ${missing}`);
    say(`0 passed, 0 failed, ${Object.keys(FAULTS).length} skipped`);
    return 0;
  }
  const grounds = new Grounds();
  const results = await runAll(wanted, grounds);
  await grounds.end();
  return sum(results);
}

/** The broker that most faults share, and those of faults that need their own. */
class Grounds {
  #shared: Ground | null = null;

  async suffer(name: string, fault: Fault, prefix: string, seed: number): Promise<Outcome> {
    // A cluster gets over the death of a broker; what is set otherwise needs one of its own.
    const isUsual = flags.brokers !== "1" && fault.broker === SHORT_SESSIONS;
    if (fault.broker !== undefined && !isUsual) {
      const own = await start(MAIN, fault.broker);
      const outcome = await suffer(own, name, fault, prefix, seed);
      await own.end();
      return outcome;
    }
    this.#shared ??= await start(MAIN);
    const outcome = await suffer(this.#shared, name, fault, prefix, seed);
    // Nobody knows in what state a failure leaves a broker.
    if (outcome.violations.length > 0) await this.end();
    return outcome;
  }

  async end(): Promise<void> {
    await this.#shared?.end();
    this.#shared = null;
  }
}

async function runAll(wanted: readonly [string, Fault][], grounds: Grounds): Promise<Result[]> {
  const known = before();
  const results: Result[] = [];
  // Topics of a broker that outlives a run must not meet.
  const call = Date.now().toString(36);
  for (let run = 0; run < Number(flags.runs); run++) {
    const seed = Number(flags.seed) + run;
    for (const [name, fault] of wanted) {
      const earlier = known.get(nameOf({ fault: name, seed }));
      if (earlier !== undefined) {
        results.push(earlier);
        continue;
      }
      const startedAt = performance.now();
      const outcome = await grounds.suffer(name, fault, `${name}-${seed}-${call}`, seed);
      const ms = Math.round(performance.now() - startedAt);
      const result: Result = { fault: name, seed, ms, ...outcome };
      results.push(result);
      tell(result);
      if (flags.results !== undefined) {
        appendFileSync(flags.results, `${JSON.stringify(result)}\n`);
      }
    }
  }
  return results;
}

function sum(results: readonly Result[]): number {
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  const skipped = results.filter(({ unproved }) => unproved !== null).length;
  const passed = results.length - failed - skipped;
  say(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
