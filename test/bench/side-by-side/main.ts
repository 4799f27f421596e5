import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startKafka } from "../../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../../support/kafka-jars.ts";
import { kafkaAt, makeTopics } from "../../support/topics.ts";
import { type Run, tables, verdictLines } from "./figures.ts";
import { fill } from "./java.ts";
import { type Ground, measure } from "./measure.ts";
import { Results } from "./results.ts";
import { SYSTEMS, type System } from "./systems.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

/**
 * `npm run bench`: applications in every language and their peers side by side, on one broker and one
 * input, in turns. Every output record is judged; speed is told, and fails nothing.
 *
 *   npm run bench -- [--records 1000000] [--rounds 3] [--workloads W1,W2,W3] [--systems A,B]
 *     [--seed 42] [--results FILE] [--quick]
 */
const { values: flags } = parseArgs({
  options: {
    records: { type: "string" },
    rounds: { type: "string" },
    workloads: { type: "string", default: WORKLOADS.join() },
    systems: { type: "string", default: SYSTEMS.map(({ name }) => name).join() },
    seed: { type: "string", default: "42" },
    results: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const records = positive("records", flags.records ?? (flags.quick ? "200000" : "1000000"));
const rounds = positive("rounds", flags.rounds ?? (flags.quick ? "1" : "3"));
const seed = positive("seed", flags.seed);

/** Kafka's retention and log segments know the wall clock: an input of long ago would be deleted. */
const WINDOW_MS = 300_000;
const SPAN_MS = 1_800_000;
const LOAD_QUIET = 1;

interface Step {
  readonly round: number;
  readonly workload: Workload;
  readonly system: System;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(text: string): never {
  say(text);
  process.exit(2);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  return refuse(`--${name} ${text} is no whole number above 0`);
}

function picked<T>(flag: string, text: string, all: readonly T[], nameOf: (one: T) => string): T[] {
  const names = text.split(",");
  const unknown = names.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) {
    refuse(`--${flag}: "${unknown}" is none of ${all.map(nameOf).join(", ")}`);
  }
  return all.filter((one) => names.includes(nameOf(one)));
}

function commitOf(): string {
  const args = ["rev-parse", "--short", "HEAD"];
  const { status, stdout } = spawnSync("git", args, { cwd: REPOSITORY_ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

/** In each round every system meets each workload, beginning with another one than the round before. */
function stepsOf(workloads: readonly Workload[], systems: readonly System[]): Step[] {
  return Array.from({ length: rounds }, (_, index) => {
    const first = index % systems.length;
    const turned = [...systems.slice(first), ...systems.slice(0, first)];
    return workloads.flatMap((workload) =>
      turned.map((system) => ({ round: index + 1, workload, system })),
    );
  }).flat();
}

function tell({ round, workload, system, figures, fault }: Run): void {
  const name = `round ${round}  ${workload} ${system.padEnd(20)}`;
  if (figures === null) {
    say(`FAIL ${name} ${fault ?? "no output"}`);
    return;
  }
  const { rate, lastHalfRate, cpuMicros, peakRssMb, firstOutputSeconds } = figures;
  const rates = `${Math.round(rate)}/s, last half ${Math.round(lastHalfRate)}/s`;
  const rest = `${Math.round(peakRssMb)} MB, first output ${firstOutputSeconds.toFixed(1)} s`;
  const said = `${rates}, ${cpuMicros.toFixed(1)} µs CPU, ${rest}`;
  say(`${fault === null ? "ok  " : "FAIL"} ${name} ${said}${fault === null ? "" : `; ${fault}`}`);
}

async function runAll(steps: readonly Step[], results: Results): Promise<void> {
  const broker = await startKafka();
  const { bootstrapServers } = broker;
  const kafka = kafkaAt(bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  const input = "bench-in";
  const baseMs = Math.floor((Date.now() - SPAN_MS - WINDOW_MS) / WINDOW_MS) * WINDOW_MS;
  const dataset = { records, baseMs, seed };
  await makeTopics(kafka, [input]);
  await fill(bootstrapServers, input, dataset);
  const ground: Ground = { bootstrapServers, kafka, admin, input, dataset };
  await warmUp(ground);
  const [date, commit] = [new Date().toISOString().slice(0, 10), commitOf()];
  for (const { round, workload, system } of steps) {
    const load = Number((loadavg()[0] ?? 0).toFixed(2));
    const group = `bench-${round}-${workload}-${system.name}`;
    const measured = await measure(ground, system, workload, group);
    const about = { workload, system: system.name, records, seed, round, load, date, commit };
    const run = { ...about, ...measured };
    results.add(run);
    tell(run);
  }
  await admin.disconnect();
  await broker.stop();
}

/** A broker that has just started is slow, whoever is first: one run that counts for nothing. */
async function warmUp(ground: Ground): Promise<void> {
  const loop = SYSTEMS.find(({ name }) => name === "raw-java");
  if (loop === undefined) throw new Error("there is no raw-java to warm the broker up");
  const { fault } = await measure(ground, loop, "W1", "bench-warm-up");
  if (fault !== null) throw new Error(`the broker could not be warmed up: ${fault}`);
}

function report(runs: readonly Run[]): void {
  say("");
  for (const line of verdictLines(runs)) say(line);
  say(`\n${tables(runs)}`);
  const commits = [...new Set(runs.map(({ commit }) => commit))];
  if (commits.length > 1) say(`These runs are of several commits: ${commits.join(", ")}.\n`);
  const most = Math.max(...runs.map(({ load }) => load));
  if (most <= LOAD_QUIET) return;
  say(
    `The machine's load was up to ${most} before a run: speeds of a machine that is busy mean little.\n`,
  );
}

async function main(): Promise<number> {
  const workloads = picked("workloads", flags.workloads, WORKLOADS, (name) => name);
  const wanted = picked("systems", flags.systems, SYSTEMS, ({ name }) => name);
  const results = new Results(flags.results ?? null);
  const missing = whyNoKafka();
  if (missing !== null) {
    const skipped = workloads.length * wanted.length * rounds;
    say(
      `NOT PROVED: nothing was compared, because ${missing}\n0 passed, 0 failed, ${skipped} skipped`,
    );
    return 0;
  }
  const reasons = new Map(wanted.map((system) => [system, system.whyNot()]));
  for (const [{ name }, reason] of reasons) {
    if (reason !== null) say(`NOT PROVED: ${name} was not run, because ${reason}`);
  }
  const systems = wanted.filter((system) => reasons.get(system) === null);
  const steps = stepsOf(workloads, systems);
  const nameOf = ({ round, workload, system }: Step) => {
    return { round, workload, system: system.name, records, seed };
  };
  const open = steps.filter((step) => results.find(nameOf(step)) === null);
  for (const system of new Set(open.map(({ system }) => system))) await system.setUp();
  if (open.length > 0) await runAll(open, results);
  const runs = steps.map((step) => results.find(nameOf(step))).filter((run) => run !== null);
  report(runs);
  const failed = runs.filter(({ fault, figures }) => fault !== null || figures === null).length;
  const skipped = (wanted.length - systems.length) * workloads.length * rounds;
  const sums = `${runs.length - failed} passed, ${failed} failed`;
  say(skipped > 0 ? `${sums}, ${skipped} skipped` : sums);
  return failed === 0 ? 0 : 1;
}

// An exit kills what was started; a signal alone would leave it running.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exit(await main());
