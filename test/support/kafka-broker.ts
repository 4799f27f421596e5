import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { kafkaClassPath } from "./kafka-jars.ts";
import { freePort } from "./ports.ts";

/** A real Apache Kafka 4.3.1: one KRaft node on loopback, in a process of its own. */
export interface KafkaBroker {
  readonly bootstrapServers: string;
  /** `host:port` of each further listener, by its name. */
  readonly listeners: ReadonlyMap<string, string>;
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
  /** Stands before the plain listener: given its address, says the one to tell clients of. */
  readonly advertise?: (address: string) => Promise<string>;
  /** Further listeners: their security protocol by name, in capitals. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** What `format` sets up, for instance `SCRAM-SHA-256=[name=alice,password=secret]`. */
  readonly scram?: readonly string[];
  /** System properties of the broker's Java. */
  readonly system?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 60_000;
/** One node, little memory, quick start: nothing here changes what the broker does. */
const JVM = ["-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const classPath = await kafkaClassPath();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-kafka-"));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(folder, "server.properties");
  const listeners = new Map<string, string>();
  for (const name of Object.keys(options.listeners ?? {})) {
    listeners.set(name, `127.0.0.1:${await freePort()}`);
  }
  const own = `127.0.0.1:${port}`;
  const advertised = (await options.advertise?.(own)) ?? own;
  const all = {
    ...defaults(folder, controllerPort),
    ...listening(options.listeners ?? {}, listeners, [own, advertised], controllerPort),
    ...options.config,
  };
  writeFileSync(properties, render(all));
  const log = join(folder, "server.log");
  writeFileSync(log, "");
  format(classPath, properties, options);
  const bootstrapServers = `127.0.0.1:${port}`;
  const system = Object.entries(options.system ?? {}).map(([key, value]) => `-D${key}=${value}`);
  const start = (): Promise<ChildProcess> =>
    launch([...system, "-cp", classPath, "kafka.Kafka", properties], log, bootstrapServers);
  let child = await start();
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
    listeners,
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
      child = await start();
    },
  };
}

function defaults(folder: string, controllerPort: number): Record<string, string | number> {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.bootstrap.servers": `127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
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

/** The plain listener, the controller's, and further ones. */
function listening(
  protocols: Readonly<Record<string, string>>,
  addresses: ReadonlyMap<string, string>,
  [own, advertised]: readonly [string, string],
  controllerPort: number,
): Record<string, string> {
  const named = [...addresses].map(([name, address]) => `${name}://${address}`);
  const others = [`CONTROLLER://127.0.0.1:${controllerPort}`, ...named];
  const map = Object.entries(protocols).map(([name, protocol]) => `${name}:${protocol}`);
  return {
    listeners: [`PLAINTEXT://${own}`, ...others].join(),
    "advertised.listeners": [`PLAINTEXT://${advertised}`, ...others].join(),
    "listener.security.protocol.map": [
      "CONTROLLER:PLAINTEXT",
      "PLAINTEXT:PLAINTEXT",
      ...map,
    ].join(),
  };
}

function format(
  classPath: string,
  properties: string,
  { features = {}, scram = [] }: KafkaOptions,
): void {
  const main = ["kafka.tools.StorageTool", "format", "--standalone"];
  const cluster = ["--cluster-id", "outriggertestcluster01", "--config", properties];
  const levels = Object.entries(features).flatMap(([name, level]) => [
    "--feature",
    `${name}=${level}`,
  ]);
  const users = scram.flatMap((user) => ["--add-scram", user]);
  const flags = [...JVM, "-cp", classPath, ...main, ...cluster, ...levels, ...users];
  const { status, stdout, stderr } = spawnSync("java", flags, { encoding: "utf8" });
  if (status !== 0) throw new Error(`formatting a broker's storage failed:\n${stdout}${stderr}`);
}

async function launch(
  args: readonly string[],
  log: string,
  bootstrapServers: string,
): Promise<ChildProcess> {
  const child = spawn("java", [...JVM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
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
