import { changelogsOf, controlsOf, hookTopicsOf, outputsOf } from "../checks/expected.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { matching } from "../model/source-pattern.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Programs, SourcePattern } from "../model/topology.ts";
import type { Admin } from "../ports/admin.ts";

/** Kafka's own, which a pattern like `.*` would have us read. */
const KAFKAS = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/**
 * The programs with the topics that their pattern matches now, in the order of their names; as they are
 * where there is none. `found` are topics that brokers hold to match, whatever we think.
 *
 * Throws TOPOLOGY_INVALID where the pattern matches what the application writes itself, TOPIC_MISSING
 * where nothing does.
 */
export async function withSources(
  programs: Programs,
  found: ReadonlySet<string>,
  admin: Pick<Admin, "topicNames">,
  deadLetterTopic: string | null,
): Promise<Programs> {
  const [program, ...hooks] = programs;
  const { pattern } = program;
  if (pattern === undefined) return programs;
  const [wrong] = matching(pattern.regex, [...ownTopics(programs, deadLetterTopic), ...KAFKAS]);
  if (wrong !== undefined) {
    const text =
      `the pattern ${pattern.regex} of a source matches ${wrong}, which the application or Kafka itself ` +
      "writes: narrow the pattern, or give the topic another name";
    throw new OutriggerError("TOPOLOGY_INVALID", text);
  }
  const existing = await admin.topicNames();
  const matched = [
    ...matching(pattern.regex, existing),
    ...existing.filter((name) => found.has(name)),
  ];
  const sources = [...new Set([...pattern.topics, ...matched.sort()])];
  if (sources.length === 0) {
    const text = `no topic matches the pattern ${pattern.regex} of a source: create one, then start again`;
    throw new OutriggerError("TOPIC_MISSING", text);
  }
  const main = { ...program, sources };
  // Frames count sources over all programs: a hook's come behind those of the topology.
  const moved = hooks.map((hook, index) => ({
    ...hook,
    frame: { ...hook.frame, source: sources.length + index },
  }));
  return [main, ...moved];
}

function ownTopics(programs: Programs, deadLetterTopic: string | null): string[] {
  return [
    ...outputsOf(programs, deadLetterTopic),
    ...changelogsOf(programs),
    ...controlsOf(programs),
    ...hookTopicsOf(programs),
  ];
}

/** What a member reads. */
export interface Subscription {
  /** The sources that it knows, one partition of each for a task. */
  readonly sources: readonly string[];
  /** What found some of them. */
  readonly pattern?: SourcePattern;
  /** Topics of hooks: each of their partitions is a task of its own. */
  readonly hooks: readonly string[];
}

export function subscriptionOf(programs: Programs): Subscription {
  const [{ sources, pattern }] = programs;
  const all = { sources, hooks: hookTopicsOf(programs) };
  return pattern === undefined ? all : { ...all, pattern };
}

/** What a full heartbeat says of it. */
export function subscribed(
  { sources, pattern, hooks }: Subscription,
  full: boolean,
): { readonly topics: readonly string[] | null; readonly pattern?: string } {
  if (!full) return { topics: null };
  return pattern === undefined
    ? { topics: [...sources, ...hooks] }
    : { topics: [...pattern.topics, ...hooks], pattern: pattern.regex };
}

/** Topics of these partitions that a pattern has found since the program was made. */
export function newTopics(
  { sources, pattern, hooks }: Subscription,
  partitions: readonly TopicPartition[],
): string[] {
  if (pattern === undefined) return [];
  const found = new Set(partitions.map(({ topic }) => topic));
  return [...found].filter((topic) => !sources.includes(topic) && !hooks.includes(topic));
}

/** Whether all partitions of the task are kept, one of each source. */
export function isWhole(
  { sources, hooks }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (at: TopicPartition) => boolean {
  return ({ topic: own, partition }) =>
    hooks.includes(own) || sources.every((topic) => keeps({ topic, partition }));
}

/**
 * Whether a partition goes, and others of its task stay. A task has its partition of every source, so
 * the topic was deleted, or is not matched any more.
 */
export function isPartOfTask(
  { sources, pattern, hooks }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (gone: TopicPartition) => boolean {
  if (pattern === undefined) return () => false;
  return ({ topic: own, partition }) =>
    !hooks.includes(own) && sources.some((topic) => keeps({ topic, partition }));
}
