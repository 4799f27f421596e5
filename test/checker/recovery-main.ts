import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SHORT_SESSIONS } from "../chaos/fault.ts";
import { startKafka } from "../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { kafkaAt } from "../support/topics.ts";
import { type Ground, type Recovery, recover, sidecar, streams } from "./recovery.ts";
import { STREAMS_BROKER } from "./streams-process.ts";

/**
 * I17, `npm run recovery -- --records N --rounds N`: a sidecar and Kafka Streams (exactly-once v2) at the
 * same workload on one broker, killed with their disks intact, in turns. A sidecar must restore no more than
 * its stores had not; sessions last 6 s for both.
 */
const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");

const { values: flags } = parseArgs({
  options: {
    records: { type: "string", default: "50000" },
    rounds: { type: "string", default: "3" },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tell(name: string, recovery: Recovery): boolean {
  const { violations, changelogEntries, behind, restored, recoveredMs } = recovery;
  const faults = [...violations];
  if (behind !== null && restored > behind) {
    faults.push(`I17 ${restored} records restored, its stores were ${behind} behind`);
  }
  const seconds = (recoveredMs / 1_000).toFixed(1);
  const of = behind === null ? "" : `, ${behind} behind`;
  const what = `${restored} of ${changelogEntries} changelog entries restored${of}; ${seconds} s to a commit`;
  say(`${faults.length === 0 ? "ok  " : "FAIL"} ${name}: ${what}`);
  for (const fault of faults.slice(0, 10)) say(`     ${fault}`);
  return faults.length === 0;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function compare(name: string, rounds: readonly Recovery[]): void {
  const restored = median(rounds.map((each) => each.restored));
  const seconds = (median(rounds.map(({ recoveredMs }) => recoveredMs)) / 1_000).toFixed(1);
  say(`${name}: median ${restored} entries restored, ${seconds} s to a commit`);
}

async function main(): Promise<number> {
  const missing = whyNoKafka();
  if (missing !== null) {
    say(`NOT PROVED: nothing was killed, because ${missing}\n0 passed, 0 failed, 2 skipped`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "outrigger-recovery-"));
  const broker = await startKafka({ config: { ...SHORT_SESSIONS, ...STREAMS_BROKER } });
  const { bootstrapServers } = broker;
  const kafka = kafkaAt(bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  const ground: Ground = { bootstrapServers, kafka, admin, folder };
  const records = Number(flags.records);
  const found = { Outrigger: [] as Recovery[], "Kafka Streams": [] as Recovery[] };
  let [passed, failed] = [0, 0];
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const name of ["Outrigger", "Kafka Streams"] as const) {
      const prefix = `${name === "Outrigger" ? "sidecar" : "streams"}-${round}`;
      const running =
        name === "Outrigger" ? await sidecar(ground, prefix, MAIN) : await streams(ground, prefix);
      const recovery = await recover(ground, prefix, records, running);
      found[name].push(recovery);
      if (tell(`${name}, round ${round}`, recovery)) passed += 1;
      else failed += 1;
    }
  }
  for (const [name, rounds] of Object.entries(found)) compare(name, rounds);
  await admin.disconnect();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
  say(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
