import type { ClusterFacts, TopicFacts } from "../model/cluster-facts.ts";
import type { Program } from "../model/topology.ts";

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
  readonly program: Program | null;
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
}

/** What a program writes beside its changelogs, each topic once. */
export function outputsOf(program: Program, deadLetterTopic: string | null): string[] {
  const staged = program.stage?.sinks.map(({ topic }) => topic) ?? [];
  const letters = deadLetterTopic === null ? [] : [deadLetterTopic];
  return [...new Set([...staged, ...program.directSinks, ...letters])];
}

/** What a program reads that is neither source nor changelog. */
export function controlsOf({ parking }: Program): string[] {
  return parking === null ? [] : [parking.controlTopic];
}

/** Whether the topic is a changelog by its name. */
export function isChangelogOf(applicationId: string, topic: string): boolean {
  return topic.startsWith(`${applicationId}-`) && topic.endsWith("-changelog");
}

export function sceneOf(facts: ClusterFacts, expected: Expected): Scene {
  const { program, applicationId } = expected;
  if (program !== null) {
    const changelogs = program.stores.map(({ changelogTopic }) => changelogTopic);
    const sinks = outputsOf(program, expected.deadLetterTopic);
    const controls = controlsOf(program);
    return { facts, expected, sources: program.sources, sinks, changelogs, controls };
  }
  const changelogs = [...facts.topics.keys()].filter((name) => isChangelogOf(applicationId, name));
  const committed = facts.committed.map(({ topic }) => topic);
  const sources = [...new Set(committed)].filter((name) => facts.topics.has(name));
  return { facts, expected, sources, sinks: [], changelogs, controls: [] };
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
export function numberOf(configs: ReadonlyMap<string, string> | null, key: string): number | null {
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
