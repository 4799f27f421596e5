import { parseArgs } from "node:util";
import { whyNoKafka } from "../../support/kafka-jars.ts";
import { draw } from "./draw.ts";
import { report, told } from "./report.ts";
import { Results } from "./results.ts";
import { runAll } from "./run-all.ts";
import { type Step, stepsOf, takesPart } from "./steps.ts";
import { SYSTEMS } from "./systems.ts";
import { GROWTH, WORKLOADS } from "./workloads.ts";

/**
 * `npm run bench`: applications in every language and their peers side by side, on one broker and one
 * input, in turns. Every output record is judged; speed is told, and fails nothing.
 *
 *   npm run bench -- [--growth] [--records 3000000] [--entries 1000000] [--seconds 20] [--rounds 3]
 *     [--workloads W1,W2] [--systems A,B] [--seed 42] [--results FILE] [--quick]
 *   npm run bench -- --draw FILE
 */
const { values: flags } = parseArgs({
  options: {
    draw: { type: "string" },
    growth: { type: "boolean", default: false },
    records: { type: "string" },
    entries: { type: "string" },
    seconds: { type: "string" },
    rounds: { type: "string" },
    workloads: { type: "string" },
    systems: { type: "string", default: SYSTEMS.map(({ name }) => name).join() },
    seed: { type: "string", default: "42" },
    results: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});

/** What a flag is where it is not given: in full, with `--growth`, and with `--quick`. */
const DEFAULTS = {
  records: flags.quick ? "200000" : flags.growth ? "1000000" : "3000000",
  entries: flags.quick ? "200000" : "1000000",
  seconds: flags.quick ? "10" : "20",
  rounds: flags.quick || flags.growth ? "1" : "3",
};

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

function picked<T extends { readonly name: string }>(
  flag: string,
  text: string,
  all: readonly T[],
): T[] {
  const names = text.split(",");
  const unknown = names.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    refuse(`--${flag}: "${unknown}" is none of ${all.map(({ name }) => name).join(", ")}`);
  }
  return all.filter((one) => names.includes(one.name));
}

/** What can be run here; who cannot is said. */
function stepsHere(): { readonly steps: readonly Step[]; readonly skipped: number } {
  const all = flags.growth ? GROWTH : WORKLOADS;
  const workloads = picked("workloads", flags.workloads ?? all.map(({ name }) => name).join(), all);
  const wanted = picked("systems", flags.systems, SYSTEMS);
  const rounds = positive("rounds", flags.rounds ?? DEFAULTS.rounds);
  const amounts = {
    records: positive("records", flags.records ?? DEFAULTS.records),
    entries: positive("entries", flags.entries ?? DEFAULTS.entries),
    seconds: positive("seconds", flags.seconds ?? DEFAULTS.seconds),
  };
  const asked = wanted.filter(({ name }) => workloads.some((each) => takesPart(each, name)));
  const count = (systems: typeof asked): number => {
    return stepsOf(workloads, systems, rounds, amounts).length;
  };
  const noKafka = whyNoKafka();
  if (noKafka !== null) {
    say(`NOT PROVED: nothing was compared, because ${noKafka}`);
    return { steps: [], skipped: count(asked) };
  }
  const systems = asked.filter((system) => {
    const reason = system.whyNot();
    if (reason !== null) say(`NOT PROVED: ${system.name} was not run, because ${reason}`);
    return reason === null;
  });
  const skipped = count(asked) - count(systems);
  return { steps: stepsOf(workloads, systems, rounds, amounts), skipped };
}

async function main(): Promise<number> {
  const { steps, skipped } = stepsHere();
  const seed = positive("seed", flags.seed);
  const results = new Results(flags.results ?? null);
  const nameOf = ({ round, workload, system, records }: Step) => {
    return { round, workload: workload.name, system: system.name, records, seed };
  };
  const open = steps.filter((step) => results.find(nameOf(step)) === null);
  for (const system of new Set(open.map(({ system }) => system))) await system.setUp();
  if (open.length > 0) {
    say("warming up the broker and each system, which counts for nothing …");
    await runAll(open, seed, (run) => {
      results.add(run);
      say(told(run));
    });
  }
  const runs = steps.map((step) => results.find(nameOf(step))).filter((run) => run !== null);
  say(report(runs));
  const failed = runs.filter(({ fault, figures }) => fault !== null || figures === null).length;
  const sums = `${runs.length - failed} passed, ${failed} failed`;
  say(skipped > 0 ? `${sums}, ${skipped} skipped` : sums);
  return failed === 0 ? 0 : 1;
}

// An exit kills what was started; a signal alone would leave it running.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exit(flags.draw === undefined ? await main() : draw(new Results(flags.draw).all()));
