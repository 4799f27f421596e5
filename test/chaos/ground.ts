import type { Admin } from "kafkajs";
import { FaultProxy } from "../support/fault-proxy.ts";
import type { Rule } from "../support/fault-rules.ts";
import { startKafka } from "../support/kafka-broker.ts";
import { KafkaCluster } from "../support/kafka-cluster.ts";
import { eventually } from "../support/sidecar-process.ts";
import { SHORT_SESSIONS } from "./fault.ts";

/** What all runs stand on: Kafka with every client behind a proxy, and the sidecar that is tried. */
export interface Ground {
  readonly bootstrapServers: string;
  /** Of every topic. */
  readonly replicas: number;
  /** The sidecar's script. */
  readonly main: string;
  readonly network: Network;
  readonly brokers: Brokers;
  readonly end: () => Promise<void>;
}

/** All that lies between clients and brokers. */
export interface Network {
  /** Instead of the rules before; without any, everything passes. */
  inject(...rules: readonly Rule[]): void;
  cut(): void;
  heal(): void;
  /** How many faults took place. */
  readonly faults: number;
}

export interface Brokers {
  /** SIGKILL to one of them; the only one where there is one. */
  kill(): Promise<void>;
  /** SIGTERM to one of them: it hands over and flushes first. */
  stopInOrder(): Promise<void>;
  /** All are there again, and in sync. */
  restart(): Promise<void>;
  /** null where there is one broker. */
  readonly cluster: ProxiedCluster | null;
}

/** A cluster, each broker behind a proxy of its own. */
export interface ProxiedCluster {
  readonly nodes: KafkaCluster;
  readonly proxies: ReadonlyMap<number, FaultProxy>;
  readonly admin: Admin;
}

export async function startGround(
  main: string,
  config: Readonly<Record<string, string>> = SHORT_SESSIONS,
): Promise<Ground> {
  let proxy: FaultProxy | null = null;
  const broker = await startKafka({
    config,
    advertise: async (address) => {
      proxy = await FaultProxy.start(address);
      return proxy.address;
    },
  });
  if (proxy === null) throw new Error("the broker asked for no proxy");
  const network: FaultProxy = proxy;
  return {
    bootstrapServers: broker.bootstrapServers,
    replicas: 1,
    main,
    network,
    brokers: {
      kill: () => broker.kill(),
      restart: () => broker.restart(),
      stopInOrder: async () => {
        const { pid } = broker;
        process.kill(pid, "SIGTERM");
        await eventually("the broker to stop", () => !isAlive(pid));
      },
      cluster: null,
    },
    end: async () => {
      await broker.stop();
      await network.stop();
    },
  };
}

/** The same on three brokers, with three replicas of everything, two of them in sync. */
export async function startClusterGround(
  main: string,
  config: Readonly<Record<string, string>> = SHORT_SESSIONS,
): Promise<Ground> {
  const proxies = new Map<number, FaultProxy>();
  const nodes = await KafkaCluster.start(config, async (id, address) => {
    const proxy = await FaultProxy.start(address);
    proxies.set(id, proxy);
    return proxy.address;
  });
  const admin = await nodes.admin();
  const all = [...proxies.values()];
  return {
    bootstrapServers: nodes.bootstrapServers,
    replicas: nodes.nodes.length,
    main,
    network: networkOf(all),
    brokers: {
      kill: async () => await endOne(nodes, "SIGKILL"),
      stopInOrder: async () => await endOne(nodes, "SIGTERM"),
      restart: async () => {
        await Promise.all(
          nodes.nodes.filter((node) => !node.isRunning).map((node) => node.start()),
        );
        await nodes.inSync();
      },
      cluster: { nodes, proxies, admin },
    },
    end: async () => {
      await nodes.stop();
      await Promise.all(all.map((proxy) => proxy.stop()));
    },
  };
}

/** The first in turn: which partitions and coordinators it has is left to Kafka. */
async function endOne(cluster: KafkaCluster, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  await cluster.nodes.find((node) => node.isRunning)?.end(signal);
}

function networkOf(proxies: readonly FaultProxy[]): Network {
  return {
    inject: (...rules) => {
      const shared = rules.map(once);
      for (const proxy of proxies) proxy.inject(...shared);
    },
    cut: () => {
      for (const proxy of proxies) proxy.cut();
    },
    heal: () => {
      for (const proxy of proxies) proxy.heal();
    },
    get faults() {
      return proxies.reduce((sum, proxy) => sum + proxy.faults, 0);
    },
  };
}

/** Its `times` are for all proxies together. */
function once({ times = Number.POSITIVE_INFINITY, when, ...rule }: Rule): Rule {
  let left = times;
  return {
    ...rule,
    when: (header) => {
      if (left <= 0 || when?.(header) === false) return false;
      left -= 1;
      return true;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
