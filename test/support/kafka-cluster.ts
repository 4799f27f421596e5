import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs, { type Admin } from "kafkajs";
import { brokerClassPath } from "./kafka-jars.ts";
import { KafkaNode, renderProperties } from "./kafka-node.ts";
import { freePort } from "./ports.ts";
import { eventually } from "./sidecar-process.ts";
import { kafkaAt } from "./topics.ts";

const NODES = 3;
/** Three of them share a machine with the rest of a test. */
const JVM = ["-Xms96m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** Everything is on all three nodes, and a write is on two of them before it is acknowledged. */
const REPLICATION = {
  "default.replication.factor": NODES,
  "min.insync.replicas": 2,
  "offsets.topic.replication.factor": NODES,
  "offsets.topic.num.partitions": 6,
  "transaction.state.log.replication.factor": NODES,
  "transaction.state.log.min.isr": 2,
  "transaction.state.log.num.partitions": 6,
  "share.coordinator.state.topic.replication.factor": NODES,
  "share.coordinator.state.topic.min.isr": 2,
};

/** A node that dies is missed soon: by the controllers, by its followers, by its groups. */
const SHORT = {
  "broker.session.timeout.ms": 4_000,
  "broker.heartbeat.interval.ms": 500,
  "controller.quorum.election.timeout.ms": 500,
  "controller.quorum.fetch.timeout.ms": 1_500,
  "replica.lag.time.max.ms": 5_000,
  "group.initial.rebalance.delay.ms": 0,
  "group.consumer.session.timeout.ms": 6_000,
  "group.consumer.min.session.timeout.ms": 6_000,
  "group.consumer.heartbeat.interval.ms": 2_000,
  "group.consumer.min.heartbeat.interval.ms": 2_000,
};

/** Longer than a node needs to hear what it has missed. */
const IN_SYNC_MS = 3_000;

interface Ports {
  readonly plain: number;
  readonly internal: number;
  readonly controller: number;
}

/** A real cluster: three Apache Kafka nodes, brokers and controllers at once, on loopback. */
export class KafkaCluster {
  readonly bootstrapServers: string;
  readonly nodes: readonly KafkaNode[];
  readonly #folder: string;
  #admin: Admin | null = null;

  private constructor(nodes: readonly KafkaNode[], folder: string) {
    this.nodes = nodes;
    this.bootstrapServers = nodes.map(({ address }) => address).join(",");
    this.#folder = folder;
  }

  /** `advertise` stands before each node's listener: given its address, says the one to tell clients of. */
  static async start(
    config: Readonly<Record<string, string>> = {},
    advertise: ((id: number, address: string) => Promise<string>) | null = null,
  ): Promise<KafkaCluster> {
    const classPath = await brokerClassPath();
    const folder = mkdtempSync(join(tmpdir(), "outrigger-cluster-"));
    const ids = Array.from({ length: NODES }, (_, i) => i + 1);
    const ports = new Map<number, Ports>();
    for (const id of ids) {
      const [plain, internal, controller] = [await freePort(), await freePort(), await freePort()];
      ports.set(id, { plain, internal, controller });
    }
    const voters = [...ports].map(([id, { controller }]) => `${id}@127.0.0.1:${controller}`).join();
    const nodes: KafkaNode[] = [];
    const formatted: Promise<void>[] = [];
    for (const [id, { plain, internal, controller }] of ports) {
      const own = join(folder, `${id}`);
      const properties = `${own}.properties`;
      const told = (await advertise?.(id, `127.0.0.1:${plain}`)) ?? `127.0.0.1:${plain}`;
      const others = `INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller}`;
      const all = {
        ...common(voters),
        "node.id": id,
        "log.dirs": own,
        listeners: `PLAINTEXT://127.0.0.1:${plain},${others}`,
        "advertised.listeners": `PLAINTEXT://${told},${others}`,
        ...config,
      };
      writeFileSync(properties, renderProperties(all));
      formatted.push(format(classPath, properties));
      const flags = [...JVM, "-cp", classPath, "kafka.Kafka", properties];
      nodes.push(new KafkaNode(id, `127.0.0.1:${plain}`, `${own}.log`, flags));
    }
    await Promise.all(formatted);
    const cluster = new KafkaCluster(nodes, folder);
    try {
      await Promise.all(nodes.map((node) => node.start()));
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }

  node(id: number): KafkaNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`the cluster has no node ${id}`);
    return found;
  }

  /** Asks whoever is there; reconnects by itself. */
  async admin(): Promise<Admin> {
    if (this.#admin === null) {
      this.#admin = kafkaAt(this.bootstrapServers).admin();
      await this.#admin.connect();
    }
    return this.#admin;
  }

  /**
   * Waits until each replica of each partition is in sync again: another node may go then. One that was
   * frozen says so of what it knew before, until it has heard better: so all have to say so for a while.
   */
  async inSync(timeoutMs = 60_000): Promise<void> {
    const admin = await this.admin();
    let sinceMs = Number.POSITIVE_INFINITY;
    const isSo = async (): Promise<boolean> => {
      const nowMs = performance.now();
      sinceMs = (await isInSync(admin)) ? Math.min(sinceMs, nowMs) : Number.POSITIVE_INFINITY;
      return nowMs - sinceMs >= IN_SYNC_MS;
    };
    await eventually("every replica to be in sync", isSo, [], timeoutMs);
  }

  async stop(): Promise<void> {
    await this.#admin?.disconnect().catch(() => {});
    await Promise.all(this.nodes.map((node) => node.end("SIGKILL")));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function common(voters: string): Record<string, string | number> {
  return {
    "process.roles": "broker,controller",
    "controller.quorum.voters": voters,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    // What befalls clients' connections does not befall replication.
    "inter.broker.listener.name": "INTERNAL",
    "auto.create.topics.enable": "false",
    ...REPLICATION,
    ...SHORT,
  };
}

async function format(classPath: string, properties: string): Promise<void> {
  const main = ["kafka.tools.StorageTool", "format", "--cluster-id", "outriggertestcluster03"];
  const child = spawn("java", [...JVM, "-cp", classPath, ...main, "--config", properties]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      said += text.toString();
    });
  }
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`formatting a node's storage failed:\n${said}`);
}

async function isInSync(admin: Admin): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata();
    return topics.every(({ partitions }) =>
      partitions.every(({ isr, leader }) => leader > 0 && isr.length === NODES),
    );
  } catch (error: unknown) {
    if (error instanceof kafkajs.KafkaJSError) return false;
    throw error;
  }
}
