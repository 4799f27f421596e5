import type { FaultProxy } from "../support/fault-proxy.ts";
import type { KafkaNode } from "../support/kafka-node.ts";
import { type Arena, pause } from "./arena.ts";
import type { Fault, Faults } from "./fault.ts";
import type { ProxiedCluster } from "./ground.ts";

/** What only several brokers can suffer: leaders and coordinators that die, freeze, or are cut off. */

type Role = "input" | "output" | "changelog" | "group" | "transaction";

const ROLES: Readonly<Record<Role, string>> = {
  input: "the leader of an input partition",
  output: "the leader of an output partition",
  changelog: "the leader of a changelog partition",
  group: "the coordinator of the group",
  transaction: "the coordinator of the transactions",
};

function clusterOf(arena: Arena): ProxiedCluster {
  const { cluster } = arena.ground.brokers;
  if (cluster === null) throw new Error("this fault needs several brokers: --brokers 3");
  return cluster;
}

/** The partition of Kafka's own topics that knows `key`: String.hashCode, as its coordinators do. */
function partitionOf(key: string, partitions: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash & 0x7fff_ffff) % partitions;
}

/** The broker that has this role for the workload now. */
async function brokerOf(arena: Arena, role: Role): Promise<number> {
  const { admin } = clusterOf(arena);
  const { prefix } = arena;
  const [topic, key] = {
    input: [`${prefix}-in`, null],
    output: [`${prefix}-sum`, null],
    changelog: [`${prefix}-sums-changelog`, null],
    group: ["__consumer_offsets", prefix],
    transaction: ["__transaction_state", `${prefix}-${PROCESS_ID}-0`],
  }[role] as [string, string | null];
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions ?? [];
  const wanted =
    key === null ? arena.random(partitions.length) : partitionOf(key, partitions.length);
  const leader = partitions.find(({ partitionId }) => partitionId === wanted)?.leader ?? -1;
  if (leader < 0) throw new Error(`${topic}-${wanted} has no leader`);
  return leader;
}

async function nodeOf(arena: Arena, role: Role): Promise<KafkaNode> {
  return clusterOf(arena).nodes.node(await brokerOf(arena, role));
}

async function proxyOf(arena: Arena, role: Role): Promise<FaultProxy> {
  const id = await brokerOf(arena, role);
  const proxy = clusterOf(arena).proxies.get(id);
  if (proxy === undefined) throw new Error(`no proxy stands before broker ${id}`);
  return proxy;
}

const PROCESS_ID = "chaos";

async function started(arena: Arena): Promise<void> {
  arena.start("a", {}, { "process.id": PROCESS_ID });
  await arena.progress();
}

function killed(role: Role): Fault {
  return {
    does: `${ROLES[role]} is killed, and back once another has taken over`,
    run: async (arena) => {
      await started(arena);
      await (await nodeOf(arena, role)).end("SIGKILL");
      await arena.recovers();
      await arena.ground.brokers.restart();
    },
  };
}

/** It keeps its connections, and answers nothing: other brokers elect without it. */
function frozen(role: Role): Fault {
  return {
    does: `${ROLES[role]} is stopped by SIGSTOP for longer than its session, then goes on`,
    livenessMs: 60_000,
    run: async (arena) => {
      await started(arena);
      const { pid } = await nodeOf(arena, role);
      process.kill(pid, "SIGSTOP");
      await pause(12_000);
      process.kill(pid, "SIGCONT");
    },
  };
}

/** Clients do not reach it, other brokers do: it stays what it is. */
function cutOff(role: Role): Fault {
  return {
    does: `${ROLES[role]} is cut off from its clients for longer than sessions and transactions`,
    livenessMs: 60_000,
    run: async (arena) => {
      await started(arena);
      const proxy = await proxyOf(arena, role);
      proxy.cut();
      await pause(14_000);
      proxy.heal();
    },
  };
}

async function rolled(arena: Arena): Promise<void> {
  const { nodes } = clusterOf(arena);
  await started(arena);
  for (const node of nodes.nodes) {
    await node.end("SIGTERM");
    await arena.progress(100, 60_000);
    await node.start();
    await nodes.inSync();
  }
}

async function allKilled(arena: Arena): Promise<void> {
  const { nodes } = clusterOf(arena);
  await started(arena);
  await Promise.all(nodes.nodes.map((node) => node.end("SIGKILL")));
  await pause(2_000);
  await arena.ground.brokers.restart();
}

const each = (what: string, fault: (role: Role) => Fault, roles: readonly Role[]): Faults =>
  Object.fromEntries(roles.map((role) => [`${what}-${role}`, fault(role)]));

/** Only with several brokers. */
export const CLUSTER: Faults = {
  ...each("killed", killed, ["input", "output", "changelog", "group", "transaction"]),
  ...each("frozen", frozen, ["output", "group", "transaction"]),
  ...each("cut-off", cutOff, ["input", "output", "group", "transaction"]),
  "brokers-rolled": {
    does: "every broker is restarted in order, one after the other",
    run: rolled,
  },
  "brokers-killed": {
    does: "all brokers are killed at once, and back after 2 s",
    livenessMs: 60_000,
    run: allKilled,
  },
};
