import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt } from "../support/topics.ts";
import { check } from "./check.ts";
import { STORES } from "./expected.ts";
import { STREAMS_BROKER, startStreams } from "./streams-process.ts";
import { committedOffsets, isDrained, makeWorkload, send } from "./workload.ts";

/**
 * The checker against Kafka Streams with exactly-once v2: the same workload, killed with SIGKILL twice
 * and started again. Nothing may be found. Its stores on disk are its own and not looked at (I7); its
 * changelogs are.
 */
const PREFIX = "streams";
const SEED = 3;
const RECORDS = 12_000;
const KILLS = [0.2, 0.5];
const TIMEOUT_MS = 180_000;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<number> {
  const missing = whyNoKafka();
  if (missing !== null) {
    say(
      `NOT PROVED: Kafka Streams was not judged, because ${missing}\n0 passed, 0 failed, 1 skipped`,
    );
    return 0;
  }
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-streams-"));
  const broker = await startKafka({ config: STREAMS_BROKER });
  const { bootstrapServers } = broker;
  const kafka = kafkaAt(bootstrapServers);
  await makeWorkload(kafka, PREFIX);
  const admin = kafka.admin();
  await admin.connect();
  await send(kafka, PREFIX, SEED, 0, RECORDS);
  let streams = await startStreams(bootstrapServers, PREFIX, join(folder, "state"));
  const killedAt: number[] = [];
  for (const part of KILLS) {
    await eventually(
      `${part} of the input`,
      async () => {
        const committed = (await committedOffsets(admin, PREFIX)) ?? new Map<number, number>();
        const at = [...committed.values()].reduce((sum, offset) => sum + Math.max(0, offset), 0);
        if (at < part * RECORDS) return false;
        await streams.kill();
        killedAt.push(at);
        return true;
      },
      [streams],
      TIMEOUT_MS,
    );
    streams = await startStreams(bootstrapServers, PREFIX, join(folder, "state"));
  }
  await eventually("the end", () => isDrained(admin, PREFIX), [streams], TIMEOUT_MS);
  const how = await streams.stop();
  const options = { bootstrapServers, prefix: PREFIX, stateDirs: [], changelogs: STORES };
  const { violations, counts } = await check(options);
  await admin.disconnect();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
  for (const violation of violations) say(`FAIL ${violation}`);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const kills = `killed at ${killedAt.join(" and ")} of ${RECORDS} records, stopped with ${how}`;
  say(`Kafka Streams 4.3.1, exactly-once v2, ${kills}: ${JSON.stringify(counts)} (${seconds} s)`);
  say("I7 was not looked at: its stores on disk are its own");
  say(violations.length === 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return violations.length === 0 ? 0 : 1;
}

process.exit(await main());
