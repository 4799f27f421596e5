// A short life of a sidecar in this process, on the embedded broker and with an application in a process of
// its own, so that V8 has compiled what a start and its first records run.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDevBroker } from "@outrigger/dev-broker";
import { Kafka, logLevel } from "kafkajs";

const RECORDS = 2_000;
const PARTITIONS = 4;
/** Of each record, of the application's three branches. */
const OUTPUTS = 3;
const WAIT_MAX_MS = 60_000;
const LOOK_EACH_MS = 50;
const APPLICATION = fileURLToPath(new URL("warm-application.mjs", import.meta.url));

/** `runCli` is the bundle's. Rejects with the reason where it cannot be done. */
export async function warmUp(runCli) {
  const broker = await startDevBroker();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-warm-up-"));
  const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  let application = null;
  try {
    await admin.connect();
    await fill(kafka, admin);
    let said = "";
    const world = {
      env: process.env,
      say: () => {},
      complain: (text) => (said += text),
      isTerminal: false,
    };
    const settings = {
      "bootstrap.servers": broker.bootstrapServers,
      "application.id": "warm-up",
      "state.dir": join(folder, "state"),
      "server.address": `unix:${join(folder, "s.sock")}`,
      "replication.factor": 1,
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, `${value}`]);
    const running = runCli(["run", ...flags], world);
    const env = { ...process.env, OUTRIGGER_ADDRESS: settings["server.address"] };
    application = spawn(process.execPath, [APPLICATION], { env, stdio: "ignore" });
    const isDone = await Promise.race([outputs(admin), running.then(() => false)]);
    if (!isDone) throw new Error(said || "it made no output");
    process.kill(process.pid, "SIGTERM");
    await running;
  } finally {
    application?.kill("SIGKILL");
    await admin.disconnect();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(kafka, admin) {
  const topics = ["warm-in", "warm-out"].map((topic) => ({ topic, numPartitions: PARTITIONS }));
  await admin.createTopics({ topics });
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: RECORDS }, (_, i) => ({
    key: `key-${i % 100}`,
    value: `value-${i}`,
  }));
  await producer.send({ topic: "warm-in", messages });
  await producer.disconnect();
}

async function outputs(admin) {
  const untilMs = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const found = await admin.fetchTopicOffsets("warm-out").catch(() => []);
    const all = found.reduce((sum, { offset }) => sum + Number(offset), 0);
    if (all >= RECORDS * OUTPUTS) return true;
    if (performance.now() > untilMs) throw new Error(`${all} outputs after ${WAIT_MAX_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
}
