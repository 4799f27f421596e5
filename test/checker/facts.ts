import { topicPartitionName } from "../../src/model/topic-partition.ts";
import { type JudgedRecord, readFactsWithJava, readWithJava } from "../support/judges.ts";
import type { StoredTask } from "./stores.ts";

/** All that a verdict stands on, read by clients that are not ours. */
export interface Facts {
  readonly prefix: string;
  readonly records: readonly JudgedRecord[];
  /** By topic. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** By the name of the partition, as the maps below. */
  readonly ends: ReadonlyMap<string, Ends>;
  readonly committed: ReadonlyMap<string, number>;
  /** Every commit that Kafka holds, in order; -1 where it was deleted. */
  readonly history: ReadonlyMap<string, readonly number[]>;
  /** Transactions of the application that are not over, with their state. */
  readonly openTransactions: readonly string[];
  /** What stopped sidecars left on their disks. */
  readonly tasks: readonly StoredTask[];
}

const byPartition = new WeakMap<Facts["records"], Map<string, JudgedRecord[]>>();

/** The records of one partition, in order; looked for once for all who ask. */
export function recordsAt(
  { records }: Pick<Facts, "records">,
  topic: string,
  partition: number,
): readonly JudgedRecord[] {
  let found = byPartition.get(records);
  if (found === undefined) {
    found = new Map();
    for (const record of records) {
      const name = topicPartitionName(record);
      const before = found.get(name);
      if (before === undefined) found.set(name, [record]);
      else before.push(record);
    }
    byPartition.set(records, found);
  }
  return found.get(topicPartitionName({ topic, partition })) ?? [];
}

export interface Ends {
  readonly first: number;
  /** The last stable offset. */
  readonly stable: number;
  readonly end: number;
}

export async function readFacts(
  bootstrapServers: string,
  prefix: string,
  topics: readonly string[],
  waitMs: number,
): Promise<Omit<Facts, "tasks">> {
  const lines = await readFactsWithJava(bootstrapServers, prefix, topics, waitMs);
  // After the facts, which wait for open transactions to end.
  const records = await readWithJava(bootstrapServers, topics);
  return { prefix, records, ...parseFacts(lines) };
}

function parseFacts(lines: readonly string[][]): Omit<Facts, "tasks" | "prefix" | "records"> {
  const topicIds = new Map<string, string>();
  const ends = new Map<string, Ends>();
  const committed = new Map<string, number>();
  const history = new Map<string, number[]>();
  const openTransactions: string[] = [];
  for (const [kind, name = "", ...rest] of lines) {
    if (kind === "topic") topicIds.set(name, rest[0] ?? "");
    if (kind === "transaction") openTransactions.push(`${name} is ${rest[0]}`);
    const [partition = 0, ...numbers] = rest.map(Number);
    const at = topicPartitionName({ topic: name, partition });
    const [first = -1, stable = -1, end = -1] = numbers;
    if (kind === "end") ends.set(at, { first, stable, end });
    if (kind === "committed") committed.set(at, first);
    if (kind === "history") history.set(at, [...(history.get(at) ?? []), first]);
  }
  return { topicIds, ends, committed, history, openTransactions };
}
