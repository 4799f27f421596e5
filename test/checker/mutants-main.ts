import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FaultProxy } from "../support/fault-proxy.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { Checked } from "./checked.ts";
import { buildMutant } from "./mutant-build.ts";
import { MUTANTS, SCAFFOLD } from "./mutants.ts";
import { conditionsOf, SCENARIOS, type ScenarioName } from "./scenarios.ts";

/**
 * The checker against sidecars that break a rule, as real processes on a real broker: it must find
 * fault with each, and with none of the unmutated one in the same scenarios.
 */
const SESSION_MS = "6000";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    results: { type: "string" },
    output: { type: "boolean", default: false },
  },
});

interface Run {
  readonly name: string;
  readonly scenario: ScenarioName;
  readonly main: string;
  readonly shouldFail: boolean;
}

interface Kafka {
  readonly broker: KafkaBroker;
  readonly proxy: FaultProxy;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function startBehindProxy(): Promise<Kafka> {
  let proxy: FaultProxy | null = null;
  const broker = await startKafka({
    advertise: async (address) => {
      proxy = await FaultProxy.start(address);
      return proxy.address;
    },
    config: {
      "group.consumer.session.timeout.ms": SESSION_MS,
      "group.consumer.min.session.timeout.ms": SESSION_MS,
    },
  });
  if (proxy === null) throw new Error("the broker asked for no proxy");
  return { broker, proxy };
}

/** What the checker says of one run, first violations first. */
async function violationsOf({ broker, proxy }: Kafka, run: Run): Promise<string[]> {
  const { bootstrapServers } = broker;
  const conditions = conditionsOf(run.scenario);
  const checked = await Checked.make(bootstrapServers, run.name, run.main, 1, conditions);
  proxy.inject();
  try {
    let ended = "";
    try {
      await SCENARIOS[run.scenario]({ run: checked, proxy, bootstrapServers });
      await checked.settled();
    } catch (error: unknown) {
      // A mutant may never come to its end: what it did until then is judged.
      ended = `I16 ${String(error).slice(0, 2_000)}`;
    }
    proxy.inject();
    const verdict = await checked.verdict();
    const violations = ended === "" ? verdict.violations : [...verdict.violations, ended];
    const said = checked.children.map(({ name, output }) => `--- ${name}\n${output.slice(-3_000)}`);
    if (flags.output) say(said.join("\n"));
    return violations;
  } finally {
    proxy.inject();
    await checked.end();
  }
}

/** Names that an earlier call has passed. */
function passedBefore(): Set<string> {
  const file = flags.results;
  if (file === undefined || !existsSync(file)) return new Set();
  return new Set(readFileSync(file, "utf8").split("\n").filter(Boolean));
}

async function runsOf(): Promise<Run[]> {
  const asked = flags.only?.split(",");
  const isAsked = (name: string): boolean => asked?.includes(name) ?? true;
  const mutants = MUTANTS.filter(({ name }) => isAsked(name));
  const scenarios = new Set(mutants.map(({ scenario }) => scenario));
  const main = await buildMutant("none", SCAFFOLD);
  const runs: Run[] = [...scenarios].map((scenario) => {
    return { name: `none-${scenario}`, scenario, main, shouldFail: false };
  });
  for (const { name, scenario, edits } of mutants) {
    const mutated = await buildMutant(name, [...edits, ...SCAFFOLD]);
    runs.push({ name, scenario, main: mutated, shouldFail: true });
  }
  return runs;
}

async function main(): Promise<number> {
  const missing = whyNoKafka();
  if (missing !== null) {
    say(`NOT PROVED: no mutant ran on a real Apache Kafka, because ${missing}`);
    say(`0 passed, 0 failed, ${MUTANTS.length} skipped`);
    return 0;
  }
  const before = passedBefore();
  const kafka = await startBehindProxy();
  let [passed, failed] = [before.size, 0];
  for (const run of await runsOf()) {
    if (before.has(run.name)) continue;
    const startedAt = performance.now();
    const violations = await violationsOf(kafka, run);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const isAsWanted = violations.length > 0 === run.shouldFail;
    if (isAsWanted) passed += 1;
    else failed += 1;
    const rule = MUTANTS.find(({ name }) => name === run.name)?.rule ?? "no rule broken";
    const [first] = violations;
    const what = first === undefined ? "nothing is found" : `found: ${first.slice(0, 200)}`;
    const verdict = isAsWanted ? "ok  " : "FAIL";
    say(`${verdict} ${run.name} (${rule}; ${run.scenario}): ${what} (${seconds} s)`);
    if (isAsWanted && flags.results !== undefined) appendFileSync(flags.results, `${run.name}\n`);
  }
  await kafka.broker.stop();
  await kafka.proxy.stop();
  say(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
