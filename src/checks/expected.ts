import {
  type ClusterFacts,
  type Configs,
  isChangelogOf,
  isHookOf,
  isRepartitionOf,
  isTimersOf,
  type TopicFacts,
} from "../model/cluster-facts.ts";
import { topicExitsOf } from "../model/steps.ts";
import type { Programs } from "../model/topology.ts";
import { queuesOf } from "../topology/internal-topics.ts";

/** What the checks know of the application. */
export interface Expected {
  readonly applicationId: string;
  /** For the commands of remedies. */
  readonly bootstrapServers: string;
  /** As `kafka-acls.sh` names it. */
  readonly principal: string;
  readonly replicationFactor: number;
  readonly transactionTimeoutMs: number;
  readonly recordBytesMax: number;
  /** `errors.dead.letter.queue.topic.name`. */
  readonly deadLetterTopic: string | null;
  /** Names in `check.accept`. */
  readonly accepted: readonly string[];
  /** Null where no application told its topology: what needs it is not judged. */
  readonly programs: Programs | null;
}

/** Facts and expectations, with the topics by the part that they play. */
export interface Scene {
  readonly facts: ClusterFacts;
  readonly expected: Expected;
  readonly sources: readonly string[];
  readonly sinks: readonly string[];
  readonly changelogs: readonly string[];
  /** Where commands to parked records come from. */
  readonly controls: readonly string[];
  /** Where the requests of hooks are: written here, and read here. */
  readonly hooks: readonly string[];
  /** Topics between sub-topologies. */
  readonly repartitions: readonly string[];
  /** What has fired at nodes: written here, and read here. */
  readonly timers: readonly string[];
}

/** What a topology writes beside its internal topics, each topic once. */
export function outputsOf(programs: Programs, deadLetterTopic: string | null): string[] {
  const own = new Set(queuesOfAll(programs));
  const written = programs.flatMap(topicExitsOf).map(({ topic }) => topic);
  const letters = deadLetterTopic === null ? [] : [deadLetterTopic];
  return [...new Set([...written.filter((topic) => !own.has(topic)), ...letters])];
}

/** What is read that is neither source nor changelog. */
export function controlsOf(programs: Programs): string[] {
  return programs.flatMap(({ parking }) => (parking === null ? [] : [parking.controlTopic]));
}

/** The topics that keep the requests of hooks. */
export function hookTopicsOf(programs: Programs): string[] {
  return programs.flatMap(({ hook, sources }) => (hook === null ? [] : sources));
}

/** The topics between sub-topologies. */
export function repartitionTopicsOf(programs: Programs): string[] {
  return programs.flatMap(({ repartitions = [] }) => repartitions.map(({ topic }) => topic));
}

/** The topics of what has fired at nodes. */
export function timerTopicsOf(programs: Programs): string[] {
  return programs.flatMap(({ timers = [] }) => timers.map(({ topic }) => topic));
}

/** What the sidecars write for each other and read themselves. */
function queuesOfAll(programs: Programs): string[] {
  return programs.flatMap(queuesOf);
}

/** What the topology reads, and does not write itself. */
export function inputsOf(programs: Programs): string[] {
  const own = new Set(queuesOfAll(programs));
  return subscriptionOf(programs).filter((topic) => !own.has(topic));
}

/** Everything that the group of an application reads: its input, and what it writes to read again. */
export function subscriptionOf(programs: Programs): string[] {
  return programs.flatMap(({ sources }) => sources);
}

export function changelogsOf(programs: Programs): string[] {
  return programs.flatMap(({ stores }) => stores.map(({ changelogTopic }) => changelogTopic));
}

export function sceneOf(facts: ClusterFacts, expected: Expected): Scene {
  const { programs, applicationId } = expected;
  if (programs !== null) {
    return {
      ...{ facts, expected },
      sources: inputsOf(programs),
      sinks: outputsOf(programs, expected.deadLetterTopic),
      changelogs: changelogsOf(programs),
      controls: controlsOf(programs),
      hooks: hookTopicsOf(programs),
      repartitions: repartitionTopicsOf(programs),
      timers: timerTopicsOf(programs),
    };
  }
  const changelogs = [...facts.topics.keys()].filter((name) => isChangelogOf(applicationId, name));
  const committed = facts.committed.map(({ topic }) => topic);
  const read = [...new Set(committed)].filter((name) => facts.topics.has(name));
  const hooks = read.filter((name) => isHookOf(applicationId, name));
  const repartitions = read.filter((name) => isRepartitionOf(applicationId, name));
  const timers = read.filter((name) => isTimersOf(applicationId, name));
  const own = new Set([...hooks, ...repartitions, ...timers]);
  const sources = read.filter((name) => !own.has(name));
  const nothing = { sinks: [], controls: [] };
  return { ...nothing, facts, expected, sources, changelogs, hooks, repartitions, timers };
}

/** The topics of these names that are there. */
export function present({ facts }: Scene, names: readonly string[]): TopicFacts[] {
  return names.flatMap((name) => facts.topics.get(name) ?? []);
}

/** The fewest replicas that a partition has. */
export function replicasOf(topic: TopicFacts): number {
  return Math.min(...topic.partitions.map(({ replicas }) => replicas));
}

/** A number of the configuration; null where it is unknown. */
export function numberOf<Name extends string>(
  configs: Configs<Name> | null,
  key: NoInfer<Name>,
): number | null {
  const text = configs?.get(key);
  if (text === undefined || text === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** A command that sets a topic's configuration. */
export function alterTopic({ expected }: Scene, topic: string, setting: string): string {
  return (
    `\`kafka-configs.sh --bootstrap-server ${expected.bootstrapServers} --alter --topic ${topic} ` +
    `--add-config ${setting}\``
  );
}
