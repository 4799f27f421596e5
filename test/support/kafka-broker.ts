import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokerClassPath } from "./kafka-jars.ts";
import { KafkaNode, renderProperties } from "./kafka-node.ts";
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
  /** Flags of the broker's Java, instead of those for a quick start. */
  readonly jvm?: readonly string[];
}

/** What `kafka-server-start.sh` gives a broker, so what it has where somebody uses it. */
export const JVM_OF_KAFKA = [
  ...["-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"],
  ...["-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"],
  "-Djava.awt.headless=true",
] as const;
/** One node, little memory, quick start: nothing here changes what the broker does. */
const JVM = ["-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const classPath = await brokerClassPath();
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
  writeFileSync(properties, renderProperties(all));
  format(classPath, properties, options);
  const bootstrapServers = `127.0.0.1:${port}`;
  const system = Object.entries(options.system ?? {}).map(([key, value]) => `-D${key}=${value}`);
  const node = new KafkaNode(1, bootstrapServers, join(folder, "server.log"), [
    ...(options.jvm ?? JVM),
    ...system,
    ...["-cp", classPath, "kafka.Kafka", properties],
  ]);
  await node.start();
  return {
    bootstrapServers,
    listeners,
    get pid() {
      return node.pid;
    },
    stop: async () => {
      // A test broker has nothing worth an orderly shutdown of several seconds.
      await node.end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
    kill: () => node.end("SIGKILL"),
    restart: () => node.start(),
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
