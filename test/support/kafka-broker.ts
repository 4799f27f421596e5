import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { kafkaClassPath } from "./kafka-jars.ts";

/** A real Apache Kafka 4.3.1: one KRaft node on loopback, in a process of its own. */
export interface KafkaBroker {
  readonly bootstrapServers: string;
  readonly pid: number;
  /** Clean stop; the data are deleted. */
  stop(): Promise<void>;
  /** SIGKILL; the data stay for `restart`. */
  kill(): Promise<void>;
  /** Starts again on the same data and port. */
  restart(): Promise<void>;
}

export interface KafkaOptions {
  /** Server properties beside the usual ones. */
  readonly config?: Readonly<Record<string, string>>;
  /** Levels of features to finalize instead of the newest. */
  readonly features?: Readonly<Record<string, number>>;
}

const START_TIMEOUT_MS = 60_000;
/** One node, little memory, quick start: nothing here changes what the broker does. */
const JVM = ["-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

export async function startKafka({
  config = {},
  features = {},
}: KafkaOptions = {}): Promise<KafkaBroker> {
  const classPath = await kafkaClassPath();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-kafka-"));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(folder, "server.properties");
  writeFileSync(properties, render({ ...defaults(folder, port, controllerPort), ...config }));
  const log = join(folder, "server.log");
  writeFileSync(log, "");
  format(classPath, properties, features);
  const bootstrapServers = `127.0.0.1:${port}`;
  let child = await launch(classPath, properties, log, bootstrapServers);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.ref();
    child.kill(signal);
    await gone;
  };
  const killAtExit = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", killAtExit);
  return {
    bootstrapServers,
    get pid() {
      return child.pid ?? 0;
    },
    stop: async () => {
      // A test broker has nothing worth an orderly shutdown of several seconds.
      await end("SIGKILL");
      process.off("exit", killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    restart: async () => {
      child = await launch(classPath, properties, log, bootstrapServers);
    },
  };
}

function defaults(
  folder: string,
  port: number,
  controllerPort: number,
): Record<string, string | number> {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.bootstrap.servers": `127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "log.dirs": join(folder, "data"),
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": "false",
    "log.retention.check.interval.ms": 1000,
  };
}

function render(properties: Readonly<Record<string, string | number>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

function format(
  classPath: string,
  properties: string,
  features: Readonly<Record<string, number>>,
): void {
  const main = ["kafka.tools.StorageTool", "format", "--standalone"];
  const cluster = ["--cluster-id", "outriggertestcluster01", "--config", properties];
  const levels = Object.entries(features).flatMap(([name, level]) => [
    "--feature",
    `${name}=${level}`,
  ]);
  const flags = [...JVM, "-cp", classPath, ...main, ...cluster, ...levels];
  const { status, stdout, stderr } = spawnSync("java", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`formatting a broker's storage failed:\n${stdout}${stderr}`);
}

async function launch(
  classPath: string,
  properties: string,
  log: string,
  bootstrapServers: string,
): Promise<ChildProcess> {
  const flags = [...JVM, "-cp", classPath, "kafka.Kafka", properties];
  const child = spawn("java", flags, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => appendFileSync(log, text));
  }
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(bootstrapServers))) {
    const ended = child.signalCode ?? child.exitCode;
    if (ended === null && performance.now() <= deadline) continue;
    child.kill("SIGKILL");
    const why = ended === null ? `gave no answer in ${START_TIMEOUT_MS} ms` : `ended with ${ended}`;
    throw new Error(`Kafka did not start, it ${why}:\n${readFileSync(log, "utf8").slice(-4_000)}`);
  }
  child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  }
  return child;
}

/** Whether the broker describes itself as a cluster of one. */
async function answers(bootstrapServers: string): Promise<boolean> {
  const kafka = new kafkajs.Kafka({
    brokers: [bootstrapServers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 500,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    return brokers.length === 1;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
