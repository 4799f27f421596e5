import { changelogsOf, controlsOf, outputsOf } from "../checks/expected.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { matching } from "../model/source-pattern.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Program, Programs, SourcePattern } from "../model/topology.ts";
import type { Admin } from "../ports/admin.ts";
import { framed } from "../topology/frames.ts";
import { queuesOf } from "../topology/internal-topics.ts";
import { oneOf } from "../topology/pattern.ts";

/** Kafka's own, which a pattern like `.*` would have us read. */
const KAFKAS = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/**
 * The programs with the topics that their patterns match now, in the order of their names; as they are
 * where there is none. `found` are topics that brokers hold to match, whatever we think.
 *
 * Throws TOPOLOGY_INVALID where a pattern matches what the application writes itself, or what another
 * sub-topology reads; TOPIC_MISSING where it matches nothing.
 */
export async function withSources(
  programs: Programs,
  found: ReadonlySet<string>,
  admin: Pick<Admin, "topicNames">,
  deadLetterTopic: string | null,
): Promise<Programs> {
  if (programs.every(({ pattern }) => pattern === undefined)) return programs;
  const own = [...ownTopics(programs, deadLetterTopic), ...KAFKAS];
  for (const { pattern } of programs) if (pattern !== undefined) refuseOwn(pattern, own);
  const existing = await admin.topicNames();
  // What no pattern of ours matches is that of the only one who may know better than we.
  const strange = existing.filter((name) => found.has(name) && !isMatched(programs, name));
  const [first, ...others] = programs.map((program, index): Program => {
    const isLast = programs.findLastIndex(({ pattern }) => pattern !== undefined) === index;
    return { ...program, sources: sourcesOf(program, existing, isLast ? strange : []) };
  });
  const named: Programs = [first ?? programs[0], ...others];
  refuseShared(named);
  // Frames count sources over all programs.
  return framed(named);
}

function refuseOwn({ regex }: SourcePattern, own: readonly string[]): void {
  const [wrong] = matching(regex, own);
  if (wrong === undefined) return;
  const text =
    `the pattern ${regex} of a source matches ${wrong}, which the application or Kafka itself ` +
    "writes: narrow the pattern, or give the topic another name";
  throw new OutriggerError("TOPOLOGY_INVALID", text);
}

function isMatched(programs: Programs, name: string): boolean {
  return programs.some(({ pattern, sources }) => {
    return (
      sources.includes(name) ||
      (pattern !== undefined && matching(pattern.regex, [name]).length > 0)
    );
  });
}

function sourcesOf(
  { pattern, sources: known }: Program,
  existing: readonly string[],
  strange: readonly string[],
): readonly string[] {
  if (pattern === undefined) return known;
  const matched = [...matching(pattern.regex, existing), ...strange];
  const sources = [...new Set([...pattern.topics, ...matched.sort()])];
  if (sources.length > 0) return sources;
  const text = `no topic matches the pattern ${pattern.regex} of a source: create one, then start again`;
  throw new OutriggerError("TOPIC_MISSING", text);
}

/** A topic is read by the tasks of one sub-topology: its partitions have one committed offset each. */
function refuseShared(programs: Programs): void {
  const readers = new Map<string, Program>();
  for (const program of programs) {
    for (const topic of program.sources) {
      const other = readers.get(topic);
      readers.set(topic, program);
      if (other === undefined) continue;
      const regex = (program.pattern ?? other.pattern)?.regex;
      const text =
        `the pattern ${regex} of a source matches ${topic}, which another sub-topology reads ` +
        "(`outrigger describe topology` shows them): narrow the pattern, or let one source feed both";
      throw new OutriggerError("TOPOLOGY_INVALID", text);
    }
  }
}

function ownTopics(programs: Programs, deadLetterTopic: string | null): string[] {
  return [
    ...outputsOf(programs, deadLetterTopic),
    ...changelogsOf(programs),
    ...controlsOf(programs),
    ...programs.flatMap(queuesOf),
  ];
}

/** What a member reads. */
export interface Subscription {
  /** The topics of each sub-topology: a task has one partition of each, all with its number. */
  readonly tasks: readonly (readonly string[])[];
  /** What found some of them. */
  readonly pattern?: SourcePattern;
}

export function subscriptionOf(programs: Programs): Subscription {
  const tasks = programs.map(({ sources }) => sources);
  const patterns = programs.flatMap(({ pattern }) =>
    pattern === undefined ? [] : [pattern.regex],
  );
  if (patterns.length === 0) return { tasks };
  const topics = programs.flatMap(({ pattern, sources }) => pattern?.topics ?? sources);
  return { tasks, pattern: { regex: oneOf(patterns), topics } };
}

/** What a full heartbeat says of it. */
export function subscribed(
  { tasks, pattern }: Subscription,
  full: boolean,
): { readonly topics: readonly string[] | null; readonly pattern?: string } {
  if (!full) return { topics: null };
  if (pattern === undefined) return { topics: tasks.flat() };
  return { topics: pattern.topics, pattern: pattern.regex };
}

/** Topics of these partitions that a pattern has found since the program was made. */
export function newTopics(
  { tasks, pattern }: Subscription,
  partitions: readonly TopicPartition[],
): string[] {
  if (pattern === undefined) return [];
  const known = new Set(tasks.flat());
  return [...new Set(partitions.map(({ topic }) => topic))].filter((topic) => !known.has(topic));
}

/** Whether all partitions of the task are kept, one of each source. */
export function isWhole(
  { tasks }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (at: TopicPartition) => boolean {
  return ({ topic: own, partition }) => {
    const topics = tasks.find((each) => each.includes(own)) ?? [own];
    return topics.every((topic) => keeps({ topic, partition }));
  };
}

/**
 * Whether a partition goes, and others of its task stay. A task has its partition of every source, so
 * the topic was deleted, or is not matched any more; or the group has given it to somebody else.
 */
export function isPartOfTask(
  { tasks }: Subscription,
  keeps: (at: TopicPartition) => boolean,
): (gone: TopicPartition) => boolean {
  return ({ topic: own, partition }) => {
    const topics = tasks.find((each) => each.includes(own)) ?? [];
    return topics.some((topic) => keeps({ topic, partition }));
  };
}
