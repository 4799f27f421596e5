import { parseArgs } from "node:util";
import { SDKS, whyNot } from "../conformance/languages.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { awaken, writtenCases } from "./cases.ts";
import { judge, type Verdict } from "./judge.ts";
import { randomCase } from "./random-topology.ts";
import { compareReal } from "./real-main.ts";
import { KafkaStreams } from "./streams.ts";
import type { Case } from "./topology.ts";
import { compareYardstick, flightsInput, generatedInput } from "./yardstick.ts";

/**
 *   npm run test:differential -- [--full] [--only TEXT] [--seed N] [--seeds N] [--awaken]
 *
 * `--full` adds real instances on a real broker, the yardstick of every SDK, and more random topologies;
 * `--awaken` takes `needs` off the cases that ran without a difference.
 */
const SEEDS_QUICK = 20;
const SEEDS_FULL = 300;
const SHOWN_MAX = 12;
/** So many that none of the 60,000 windows stays empty. */
const YARDSTICK_RECORDS = 1_000_000;

interface Sums {
  passed: number;
  failed: number;
  skipped: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      full: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      seed: { type: "string", default: "1" },
      seeds: { type: "string" },
      awaken: { type: "boolean", default: false },
    },
  });
  const missing = whyNoKafka();
  if (missing !== null) {
    say(`NOT PROVED: nothing was compared with Kafka Streams: ${missing}`);
    say("0 passed, 0 failed, 1 skipped");
    return 0;
  }
  const seeds = Number(values.seeds ?? (values.full ? SEEDS_FULL : SEEDS_QUICK));
  const cases = [...writtenCases(), ...randomCases(Number(values.seed), seeds)];
  const sums: Sums = { passed: 0, failed: 0, skipped: 0 };
  const chosen = cases.filter(({ name }) => name.includes(values.only));
  const awake = await compareAll(chosen, sums);
  for (const { name } of awake) say(`awake: ${name}: it ran; its "needs" can go (--awaken)`);
  if (values.awaken) awaken(awake);
  if (values.full) {
    await compareReal(values.only, (one, verdict) => {
      sums[verdict.kind] += 1;
      report(one, verdict);
    });
    await compareYardsticks(values.only, sums);
  }
  const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : "";
  say(`${sums.passed} passed, ${sums.failed} failed${skipped}`);
  return sums.failed > 0 ? 1 : 0;
}

/** The same example of every SDK, all of the flights and of the benchmark's input. */
async function compareYardsticks(only: string, sums: Sums): Promise<void> {
  for (const input of [flightsInput(), generatedInput(YARDSTICK_RECORDS)]) {
    if (!`yardstick: ${input.name}`.includes(only)) continue;
    const languages = SDKS.filter((language) => whyNot(language) === null);
    sums.skipped += SDKS.length - languages.length;
    for (const [language, why] of await compareYardstick(input, languages)) {
      sums[why.length === 0 ? "passed" : "failed"] += 1;
      for (const each of why.slice(0, SHOWN_MAX)) say(`FAILED: yardstick, ${language}: ${each}`);
    }
  }
}

function randomCases(first: number, count: number): Case[] {
  return Array.from({ length: count }, (_, index) => [
    randomCase(first + index, "plain"),
    randomCase(first + index, "any"),
  ]).flat();
}

/** Returns those whose `needs` is there. */
async function compareAll(cases: readonly Case[], sums: Sums): Promise<Case[]> {
  const awake: Case[] = [];
  const explained = new Map<string, number>();
  const streams = await KafkaStreams.start();
  try {
    for (const one of cases) {
      const verdict = await judge(one, streams);
      sums[verdict.kind] += 1;
      report(one, verdict);
      if (verdict.kind !== "passed") continue;
      for (const [difference, times] of verdict.explained) {
        explained.set(difference, (explained.get(difference) ?? 0) + times);
      }
      if (one.needs !== undefined && !one.name.startsWith("random")) awake.push(one);
    }
  } finally {
    await streams.close();
  }
  const said = [...explained].sort().map(([difference, times]) => `${difference} ${times} times`);
  say(`documented differences (docs/differences.md): ${said.join(", ") || "none"}`);
  return awake;
}

function report(one: Case, verdict: Verdict): void {
  if (verdict.kind === "skipped") say(`skipped: ${one.name}: ${verdict.why.replace(/\s+/g, " ")}`);
  if (verdict.kind !== "failed") return;
  say(`FAILED: ${one.name}`);
  for (const why of verdict.why.slice(0, SHOWN_MAX)) say(`    ${why}`);
  if (verdict.why.length > SHOWN_MAX) say(`    and ${verdict.why.length - SHOWN_MAX} more`);
  say(`    ${JSON.stringify(one.nodes)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(await main());
