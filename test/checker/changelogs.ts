import { type ExpectedPartition, STORES, type Version } from "./expected.ts";
import { type Facts, recordsAt } from "./facts.ts";

/**
 * I6: a changelog holds states that its store's keys have had, in their order, and ends with the last:
 * neither a put of a record whose outputs are missing, nor the other way round.
 */
export function changelogFaults(
  facts: Facts,
  partition: number,
  expected: ExpectedPartition,
): string[] {
  return STORES.flatMap((store) => {
    const fault = changelogFault(facts, partition, store, expected.versions[store]);
    return fault === null ? [] : [fault];
  });
}

/** `versions` by key, each key's in order. */
export function changelogFault(
  facts: Facts,
  partition: number,
  store: string,
  versions: ReadonlyMap<string, readonly Version[]>,
): string | null {
  const { prefix, ends } = facts;
  const topic = `${prefix}-${store}-changelog`;
  const where = `${topic}-${partition}`;
  /** By key, how many of its versions are at or before what the changelog has said last. */
  const reached = new Map<string, number>();
  for (const record of recordsAt(facts, topic, partition)) {
    const key = String(record.key);
    const value = record.value?.toString() ?? null;
    const all = versions.get(key) ?? [];
    const from = reached.get(key) ?? 0;
    const index = all.findIndex((version, i) => i >= from && version.value === value);
    if (index < 0) {
      const isOld = all.some((version) => version.value === value);
      const what = isOld ? "a state that it has left" : "a state that it never had";
      return `I6 ${where}: offset ${record.offset} gives ${key} ${what}: ${value}`;
    }
    reached.set(key, index + 1);
  }
  // What was deleted from the log's start is not there to be compared, nor is a topic that nobody asked for.
  if (ends.get(where)?.first !== 0) return null;
  for (const [key, all] of versions) {
    const said = all[(reached.get(key) ?? 0) - 1]?.value ?? null;
    const last = all.at(-1)?.value ?? null;
    if (said !== last) return `I6 ${where}: ${key} ends as ${said}, its last state is ${last}`;
  }
  return null;
}
