import { topicPartitionName } from "../../src/model/topic-partition.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { changelogFault } from "./changelogs.ts";
import type { Version } from "./expected.ts";
import type { Ends, Facts } from "./facts.ts";
import { homeOf } from "./home.ts";

/**
 * The workload behind a repartition: every record goes on under the key `g<amount modulo 40>` and is folded
 * there. An output is `<id> <count> <sum>`, which is the state, too. How the tasks above lie among each other
 * is not told from the input: the order of each is, and the fold is told from the outputs.
 */
export const GROUPS = "groups";
export const BETWEEN = "regrouped-repartition";
const GROUP_COUNT = 40;

/** By key, every state that it has had, in order. */
export type Versions = ReadonlyMap<string, readonly Version[]>;

interface Sent {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly group: string;
  readonly amount: number;
}

/** I1 to I4 of the output, I6 of the changelog, I15 of the topic between. */
export function regroupFaults(facts: Facts): string[] {
  const sent = sentOf(facts);
  const outputs = facts.records.filter(({ topic }) => topic === `${facts.prefix}-${GROUPS}`);
  const versions = versionsOf(outputs);
  return [...outputFaults(sent, outputs), ...logFaults(facts, versions), ...betweenFaults(facts)];
}

/** Every state of a run's groups, from its outputs. */
export function groupVersions({ prefix, records }: Facts): Versions {
  return versionsOf(records.filter(({ topic }) => topic === `${prefix}-${GROUPS}`));
}

function sentOf({ prefix, records, committed }: Facts): Map<string, Sent> {
  const sent = new Map<string, Sent>();
  for (const { topic, partition, offset, value } of records) {
    if (topic !== `${prefix}-in`) continue;
    if (offset >= (committed.get(topicPartitionName({ topic, partition })) ?? 0)) continue;
    const [id = "", amount] = String(value).split(" ");
    const group = `g${Number(amount) % GROUP_COUNT}`;
    sent.set(id, { id, partition, offset, group, amount: Number(amount) });
  }
  return sent;
}

function outputFaults(sent: ReadonlyMap<string, Sent>, outputs: readonly JudgedRecord[]): string[] {
  const left = new Map(sent);
  /** By partition of the input and of the output, the offset seen last. */
  const reached = new Map<string, number>();
  const folds = new Map<string, { count: number; sum: number }>();
  for (const output of outputs) {
    const where = `${topicPartitionName(output)}@${output.offset}`;
    const said = `${output.key} = ${output.value}`;
    const [id = "", count, sum] = String(output.value).split(" ");
    const source = sent.get(id);
    if (source === undefined) return [`I2 ${where}: it comes of no input: ${said}`];
    if (!left.delete(id)) return [`I2 ${where}: it is doubled: ${said}`];
    const pair = `${source.partition} ${output.partition}`;
    if (source.offset < (reached.get(pair) ?? -1)) {
      return [`I3 ${where}: it is out of its partition's order: ${said}`];
    }
    reached.set(pair, source.offset);
    const before = folds.get(source.group) ?? { count: 0, sum: 0 };
    const fold = { count: before.count + 1, sum: before.sum + source.amount };
    folds.set(source.group, fold);
    const wanted = `${source.group} = ${id} ${fold.count} ${fold.sum}`;
    if (`${output.key} = ${id} ${count} ${sum}` !== wanted) {
      return [`I4 ${where}: it is altered: ${said}, not ${wanted}`];
    }
  }
  const [lost] = left.values();
  if (lost === undefined) return [];
  const at = `in-${lost.partition}@${lost.offset}`;
  return [
    `I1 ${left.size} of ${sent.size} records are lost behind the repartition, as ${lost.id} of ${at}`,
  ];
}

function versionsOf(outputs: readonly JudgedRecord[]): Map<string, Version[]> {
  const versions = new Map<string, Version[]>();
  for (const { key, value, offset } of outputs) {
    const states = versions.get(String(key)) ?? [];
    states.push({ offset, value: String(value) });
    versions.set(String(key), states);
  }
  return versions;
}

/** I6, and that each key is in the task that it belongs to: its records went there. */
function logFaults(facts: Facts, versions: Versions): string[] {
  const topic = `${facts.prefix}-${GROUPS}-changelog`;
  const partitions = [...facts.ends.keys()].filter((name) => name.startsWith(`${topic}-`)).length;
  const stray = facts.records.find((record) => {
    return record.topic === topic && homeOf(record.key, partitions) !== record.partition;
  });
  if (stray !== undefined) {
    const where = `${topicPartitionName(stray)}@${stray.offset}`;
    return [`I6 ${where}: ${stray.key} belongs to ${homeOf(stray.key, partitions)}`];
  }
  return Array.from({ length: partitions }, (_, partition) => {
    const own = [...versions].filter(([key]) => homeOf(Buffer.from(key), partitions) === partition);
    return changelogFault(facts, partition, GROUPS, new Map(own));
  }).filter((fault) => fault !== null);
}

/** I15: what is between is read to its end, and deleted no further than was committed. */
function betweenFaults({ prefix, ends, committed, records }: Facts): string[] {
  const topic = `${prefix}-${BETWEEN}`;
  const faults: string[] = [];
  for (const [name, { first }] of ends) {
    if (!name.startsWith(`${topic}-`)) continue;
    const offset = committed.get(name) ?? 0;
    if (first > offset) faults.push(`I15 ${name}: deleted up to ${first}, committed is ${offset}`);
    const unread = records.find((record) => {
      return topicPartitionName(record) === name && record.offset >= offset;
    });
    if (unread === undefined) continue;
    faults.push(`I15 ${name}: ${unread.offset} is not read, committed is ${offset}`);
  }
  return faults;
}

/** How many records were deleted of what is between. */
export function purgedOf({
  prefix,
  ends,
}: {
  readonly prefix: string;
  readonly ends: Facts["ends"];
}): number {
  const own = [...ends].filter(([name]) => name.startsWith(`${prefix}-${BETWEEN}-`));
  return own.reduce((sum, [, { first }]: readonly [string, Ends]) => sum + first, 0);
}
