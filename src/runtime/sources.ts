import { outputsOf } from "../checks/expected.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { matching } from "../model/source-pattern.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Program } from "../model/topology.ts";
import type { Admin } from "../ports/admin.ts";

/** Kafka's own, which a pattern like `.*` would have us read. */
const KAFKAS = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/**
 * The program with the topics that its pattern matches now, in the order of their names; as it is where
 * there is none. `found` are topics that brokers hold to match, whatever we think.
 *
 * Throws TOPOLOGY_INVALID where the pattern matches what the application writes itself, TOPIC_MISSING
 * where nothing does.
 */
export async function withSources(
  program: Program,
  found: ReadonlySet<string>,
  admin: Pick<Admin, "topicNames">,
  deadLetterTopic: string | null,
): Promise<Program> {
  const { pattern } = program;
  if (pattern === undefined) return program;
  const changelogs = program.stores.map(({ changelogTopic }) => changelogTopic);
  const control = program.parking?.controlTopic;
  const own = [...outputsOf(program, deadLetterTopic), ...changelogs, ...KAFKAS];
  const [wrong] = matching(pattern.regex, control === undefined ? own : [...own, control]);
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
  if (sources.length > 0) return { ...program, sources };
  const text = `no topic matches the pattern ${pattern.regex} of a source: create one, then start again`;
  throw new OutriggerError("TOPIC_MISSING", text);
}

/** What a member reads: the sources that it knows, and the pattern that found some of them. */
export type Subscription = Pick<Program, "sources" | "pattern">;

export function subscriptionOf({ sources, pattern }: Program): Subscription {
  return pattern === undefined ? { sources } : { sources, pattern };
}

/** What a full heartbeat says of it. */
export function subscribed(
  { sources, pattern }: Subscription,
  full: boolean,
): { readonly topics: readonly string[] | null; readonly pattern?: string } {
  if (!full) return { topics: null };
  return pattern === undefined
    ? { topics: sources }
    : { topics: pattern.topics, pattern: pattern.regex };
}

/** Topics of these partitions that a pattern has found since the program was made. */
export function newTopics(
  { sources, pattern }: Subscription,
  partitions: readonly TopicPartition[],
): string[] {
  if (pattern === undefined) return [];
  const found = new Set(partitions.map(({ topic }) => topic));
  return [...found].filter((topic) => !sources.includes(topic));
}

/** Whether all partitions of the task are kept, one of each source. */
export function isWhole(
  { sources }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (at: TopicPartition) => boolean {
  return ({ partition }) => sources.every((topic) => keeps({ topic, partition }));
}

/**
 * Whether a partition goes, and others of its task stay. A task has its partition of every source, so
 * the topic was deleted, or is not matched any more.
 */
export function isPartOfTask(
  { sources, pattern }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (gone: TopicPartition) => boolean {
  if (pattern === undefined) return () => false;
  return ({ partition }) => sources.some((topic) => keeps({ topic, partition }));
}
