import { contentAt } from "./expected.ts";
import { type Facts, recordsAt } from "./facts.ts";
import type { Versions } from "./regrouped.ts";
import type { StoredStore, StoredTask } from "./stores.ts";

/** What a task's stores may hold. */
export interface Kept {
  /** The partition that it reads, by its name. */
  readonly input: string;
  /** By store; one that is told from its changelog alone has none. */
  readonly versions: ReadonlyMap<string, Versions>;
  /** Whether the versions' offsets are those of the input: else a store may hold any that it had. */
  readonly isOrdered: boolean;
}

/**
 * I7: a store is the committed replay of its changelog up to its position, byte by byte, and a state
 * between the offset that it names and the committed one; where that is not told, any that it had. Counts
 * what was compared.
 */
export function storeFaults(
  facts: Facts,
  task: StoredTask,
  { input, versions, isOrdered }: Kept,
  count: (what: string, by: number) => void,
): string[] {
  const taken = task.inputOffsets.get(input) ?? 0;
  const committed = facts.committed.get(input) ?? 0;
  if (taken > committed) {
    return [`I7 ${task.path}: it has taken in ${taken} of ${input}, committed is ${committed}`];
  }
  const faults: string[] = [];
  for (const [name, store] of task.stores) {
    const topic = `${facts.prefix}-${name}-changelog`;
    const where = `I7 ${task.path}, store ${name}`;
    if (store.topicId !== hexadecimal(facts.topicIds.get(topic) ?? "")) {
      // Of a changelog that was made anew since: the next start would not read it.
      count("storesOfAnotherTopic", 1);
      continue;
    }
    const fault =
      replayFault(facts, `${topic}-${task.partition}`, topic, task.partition, store) ??
      stateFault(versions.get(name), store, isOrdered ? taken : 0, committed);
    if (fault !== null) faults.push(`${where}: ${fault}`);
    count("stores", 1);
    count("storedEntries", store.content.size);
  }
  return faults;
}

/** Kafka's own clients write an id in base64. */
function hexadecimal(topicId: string): string {
  return Buffer.from(topicId, "base64url").toString("hex");
}

function replayFault(
  facts: Facts,
  name: string,
  topic: string,
  partition: number,
  { position, content }: StoredStore,
): string | null {
  const { first = 0, end = 0 } = facts.ends.get(name) ?? {};
  if (position > end) return `its position is ${position}, ${name} ends at ${end}`;
  const replay = new Map<string, Buffer | null>();
  for (const { offset, key, value } of recordsAt(facts, topic, partition)) {
    if (offset >= position || key === null) continue;
    replay.set(key.toString("hex"), value);
  }
  for (const [key, value] of replay) {
    const found = content.get(key) ?? null;
    if (value === null ? found === null : found?.equals(value) === true) continue;
    const [is, says] = [printable(found), printable(value)];
    return `at ${position} its ${text(key)} is ${is}, ${name} says ${says}`;
  }
  // A log whose start was deleted cannot tell what stood there.
  const extra = first > 0 ? undefined : [...content.keys()].find((key) => !replay.has(key));
  return extra === undefined ? null : `at ${position} it has ${text(extra)}, ${name} has not`;
}

/** A restore runs ahead of the input offset that the store names, never of the committed one. */
function stateFault(
  versions: Versions | undefined,
  { content }: StoredStore,
  taken: number,
  committed: number,
): string | null {
  if (versions === undefined) return null;
  const least = contentAt(versions, taken);
  for (const hex of content.keys()) {
    if (!versions.has(text(hex))) return `it has ${text(hex)}, which no input has`;
  }
  for (const [key, all] of versions) {
    const found = content.get(Buffer.from(key).toString("hex"))?.toString() ?? null;
    if (found === (least.get(key) ?? null)) continue;
    const later = all.some(({ offset, value }) => offset >= taken && value === found);
    if (!later) {
      return `its ${key} is ${found}, no state that it had between ${taken} and ${committed}`;
    }
  }
  return null;
}

function text(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  return /^[\x20-\x7e]+$/.test(bytes.toString("latin1")) ? bytes.toString() : hex;
}

function printable(value: Buffer | null): string {
  return value === null ? "not there" : `"${value.toString()}"`;
}
