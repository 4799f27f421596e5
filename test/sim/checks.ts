import { murmur2 } from "../../src/kafka/produce/murmur2.ts";
import { indexFault } from "./checks-of-indexes.ts";
import { regroupFault } from "./checks-of-repartitions.ts";
import type { PartitionLog } from "./kafka/log.ts";
import type { ModelKafka, OffsetNow } from "./kafka/model.ts";
import type { StoredDirectory } from "./memory-rocksdb.ts";
import type { Plan } from "./plan.ts";
import { isTimed, stampOf } from "./timed-code.ts";
import {
  APPLICATION_ID,
  GROUPS_TOPIC,
  HOOK_TOPIC,
  INPUT,
  OUTPUT,
  splitInto,
  WINDOWS,
} from "./topologies.ts";

/** Two bytes of prefix; prefix 0 is the task's own. */
const MARKS = "\0\0marks";
const STORES = "\0\0stores";
const PREFIX_BYTES = 2;
/** Where the index of a store stands. */
const INDEX_PREFIXES = 0x8000;
/** Of a store whose values carry a time: in the changelog it is the record's. */
const TIMESTAMPED = ":timestamped";

interface Marks {
  readonly positions: readonly (readonly [prefix: number, topicId: string, position: number])[];
  readonly inputOffsets: readonly (readonly [name: string, offset: number])[];
}

/**
 * A store equals the committed changelog at its position, on every disk, at every write. What a
 * restore has passed may lack values that compaction took because a later one follows.
 */
export function storeFault(
  directory: StoredDirectory,
  kafka: ModelKafka,
  compacted: boolean,
): string | null {
  const marks = directory.data.get(MARKS);
  const stores = directory.data.get(STORES);
  if (marks === undefined || stores === undefined) return null;
  const partition = Number(directory.path.slice(directory.path.lastIndexOf("_") + 1));
  const { positions } = JSON.parse(marks.toString()) as Marks;
  const numbers = JSON.parse(stores.toString()) as [string, number][];
  for (const [prefix, topicId, position] of positions) {
    const onDisk = numbers.find(([, number]) => number === prefix)?.[0] ?? "";
    const name = onDisk.replace(TIMESTAMPED, "");
    const topic = kafka.topics.get(`${APPLICATION_ID}-${name}-changelog`);
    const log = topic?.partitions[partition];
    if (topic === undefined || log === undefined || topic.id !== topicId) continue;
    if (position > log.end)
      return `${directory.path} is at ${position}, ${log.name} ends at ${log.end}`;
    const values = valuesOf(directory, prefix);
    const fault =
      contentFault(values, log, { position, compacted, isStamped: onDisk !== name }) ??
      indexFault(name, values, valuesOf(directory, INDEX_PREFIXES + prefix));
    if (fault !== null) return `${directory.path} at ${position} of ${log.name}: ${fault}`;
  }
  return null;
}

function valuesOf({ data }: StoredDirectory, prefix: number): Map<string, string> {
  const head = String.fromCharCode(prefix >> 8, prefix & 0xff);
  const values = new Map<string, string>();
  for (const [key, value] of data) {
    if (key.startsWith(head)) values.set(key.slice(PREFIX_BYTES), value.toString("latin1"));
  }
  return values;
}

interface Restored {
  readonly position: number;
  readonly compacted: boolean;
  readonly isStamped: boolean;
}

function contentFault(
  values: ReadonlyMap<string, string>,
  log: PartitionLog,
  { position, compacted, isStamped }: Restored,
): string | null {
  const fold = foldOf(log, position, isStamped);
  const later = compacted ? changedFrom(log, position) : new Set<string>();
  for (const [key, value] of fold) {
    const found = values.get(key);
    if (found === value || later.has(key)) continue;
    return `key ${printable(key)} is ${found}, the committed changelog says ${value}`;
  }
  for (const [key, value] of values) {
    if (fold.has(key) || later.has(key)) continue;
    return `key ${printable(key)} is ${value}, the committed changelog has none`;
  }
  return null;
}

export function foldOf(log: PartitionLog, end: number, isStamped = false): Map<string, string> {
  const fold = new Map<string, string>();
  for (const { key, value, timestamp } of log.committed(end)) {
    const name = key?.toString("latin1") ?? "";
    const stamp = isStamped ? stampOf(timestamp) : "";
    if (value === null) fold.delete(name);
    else fold.set(name, stamp + value.toString("latin1"));
  }
  return fold;
}

function changedFrom(log: PartitionLog, position: number): Set<string> {
  const keys = new Set<string>();
  for (const { key, offset } of log.committed()) {
    if (offset >= position && key !== null) keys.add(key.toString("latin1"));
  }
  return keys;
}

/** One owner at a time: each commit of a partition stands on the one before it. */
export function offsetFault(partition: string, now: OffsetNow): string | null {
  if (now.before !== null && now.offset < now.before) {
    return `the offset of ${partition} went back from ${now.before} to ${now.offset}`;
  }
  const before = now.metadataBefore === null ? 0 : sequenceOf(now.metadataBefore);
  const sequence = sequenceOf(now.metadata);
  if (sequence === before + 1) return null;
  return `commit ${sequence} of ${partition} follows commit ${before}: two own it, or one forgot`;
}

function sequenceOf(metadata: string): number {
  const [, , sequence] = JSON.parse(metadata) as [string, number, number];
  return sequence;
}

/** Everything of a partition that a reader of committed records sees, in order. */
interface Seen {
  readonly key: string;
  readonly value: string;
}

function seenOf(kafka: ModelKafka, topic: string): Seen[][] {
  const logs = kafka.topics.get(topic)?.partitions ?? [];
  return logs.map((log) =>
    [...log.committed()].map(({ key, value }) => ({
      key: key?.toString("latin1") ?? "",
      value: value?.toString("latin1") ?? "",
    })),
  );
}

/** At the end: every input exactly once, in order, and lists and counts that are their own fold. */
export function outputFault(plan: Plan, kafka: ModelKafka): string | null {
  if (plan.topology === "regroup") return regroupFault(kafka);
  // The journals tell it, see timedFault.
  if (isTimed(plan.topology)) return null;
  const outputs = seenOf(kafka, OUTPUT);
  const inputs = kafka.topics.get(INPUT)?.partitions ?? [];
  for (const [partition, seen] of outputs.entries()) {
    for (const { key } of seen) {
      const at = (murmur2(Buffer.from(key, "latin1"), 0, key.length) & 0x7fffffff) % outputs.length;
      if (at !== partition)
        return `key ${printable(key)} is in partition ${partition} of the output`;
    }
  }
  const byKey = new Map<string, string[]>();
  for (const { key, value } of outputs.flat()) {
    byKey.set(key, [...(byKey.get(key) ?? []), value]);
  }
  const expected = new Map<string, string[]>();
  for (const log of inputs) {
    let streamTime = Number.MIN_SAFE_INTEGER;
    const counts = new Map<string, number>();
    for (const { key, value, timestamp } of log.committed()) {
      const name = key?.toString("latin1") ?? "";
      const text = value?.toString("latin1") ?? "";
      streamTime = Math.max(streamTime, timestamp);
      const [outKey, outValues] = expectedOf(plan, name, text, timestamp, streamTime, counts);
      expected.set(outKey, [...(expected.get(outKey) ?? []), ...outValues]);
    }
  }
  for (const [key, wanted] of expected) {
    const fault = sequenceFault(plan, wanted, byKey.get(key) ?? []);
    if (fault !== null) return `outputs of key ${printable(key)}: ${fault}`;
  }
  for (const key of byKey.keys()) {
    if (!expected.has(key)) return `key ${printable(key)} is in the output, and in no input`;
  }
  return orderFault(plan, kafka, outputs) ?? changelogFault(plan, kafka, byKey);
}

function expectedOf(
  plan: Plan,
  key: string,
  value: string,
  timestamp: number,
  streamTime: number,
  counts: Map<string, number>,
): [key: string, values: string[]] {
  if (plan.topology === "copy" || plan.topology === "list") return [key, [value]];
  if (hasHops(plan)) {
    const before = counts.get(key) ?? 0;
    const rows = splitInto(value);
    counts.set(key, before + rows);
    return [key, Array.from({ length: rows }, (_, row) => String(before + row + 1))];
  }
  const start = timestamp - (timestamp % WINDOWS.sizeMs);
  if (start + WINDOWS.sizeMs + WINDOWS.graceMs <= streamTime) return [key, []];
  const suffix = Buffer.alloc(8);
  suffix.writeBigInt64BE(BigInt(start));
  const name = key + suffix.toString("latin1");
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return [name, [String(count)]];
}

function hasHops({ topology }: Plan): boolean {
  return topology === "relay" || topology === "hops";
}

/** Whether each output holds those before it of its key. */
function isList({ topology }: Plan): boolean {
  return topology === "list" || topology === "hops";
}

function sequenceFault(
  plan: Plan,
  wanted: readonly string[],
  found: readonly string[],
): string | null {
  let list: string | null = null;
  for (let i = 0; i < Math.max(wanted.length, found.length); i++) {
    const want = wanted[i];
    const have = found[i];
    if (want === undefined) return `output ${i} is too many: ${have}`;
    if (have === undefined)
      return `output ${i} is missing: ${want} and ${wanted.length - i} in all`;
    const what = plan.topology === "count" ? countOf(have) : idOf(plan, have);
    if (what !== want) return `output ${i} is ${what}, not ${want}: ${have}`;
    if (!isList(plan)) continue;
    if (want.startsWith("x")) {
      list = null;
      continue;
    }
    const before: string = list === null ? "" : `${list},`;
    if (!have.startsWith(before) || have.slice(before.length).includes(",")) {
      return `output ${i} is ${have}, which does not stand on ${list}`;
    }
    list = have;
  }
  return null;
}

function countOf(value: string): string {
  return String(Buffer.from(value, "latin1").readBigInt64BE(0));
}

/** The record that an output was made of last, without its tag. */
function idOf(plan: Plan, value: string): string {
  const last = isList(plan) ? value.slice(value.lastIndexOf(",") + 1) : value;
  return last.slice(0, last.indexOf("~"));
}

/** Per output partition, the records of one input partition come in its order. */
function orderFault(
  plan: Plan,
  kafka: ModelKafka,
  outputs: readonly (readonly Seen[])[],
): string | null {
  if (plan.topology !== "copy" && plan.topology !== "list") return null;
  // A key that waits is overtaken by others, as it should be.
  if (plan.parking !== undefined) return null;
  const place = new Map<string, { partition: number; index: number }>();
  for (const log of kafka.topics.get(INPUT)?.partitions ?? []) {
    let index = 0;
    for (const { value } of log.committed()) {
      place.set(value?.toString("latin1") ?? "", { partition: log.partition, index: index++ });
    }
  }
  for (const [partition, seen] of outputs.entries()) {
    const last = new Map<number, number>();
    for (const { value } of seen) {
      const at = place.get(idOf(plan, value));
      if (at === undefined) return `${value} is in the output, and in no input`;
      if (at.index <= (last.get(at.partition) ?? -1)) {
        return `${value} is out of order in partition ${partition} of the output`;
      }
      last.set(at.partition, at.index);
    }
  }
  return null;
}

/** The changelog's fold is what the outputs say last. */
function changelogFault(
  plan: Plan,
  kafka: ModelKafka,
  byKey: ReadonlyMap<string, readonly string[]>,
): string | null {
  if (!isList(plan)) return null;
  const topic = kafka.topics.get(`${APPLICATION_ID}-lists-changelog`);
  const fold = new Map<string, string>();
  for (const log of topic?.partitions ?? []) {
    for (const [key, value] of foldOf(log, Number.POSITIVE_INFINITY)) fold.set(key, value);
  }
  for (const [key, outputs] of byKey) {
    const last = outputs.at(-1) ?? "";
    const state = idOf(plan, last).startsWith("x") ? undefined : last;
    if (fold.get(key) !== state) {
      return `the changelog's last value of ${key} is ${fold.get(key)}, the last output ${state}`;
    }
  }
  return null;
}

/** What still waits for a command: at the end, nothing. */
export function parkedFault(kafka: ModelKafka): string | null {
  for (const log of kafka.topics.get(`${APPLICATION_ID}-parked-changelog`)?.partitions ?? []) {
    const waiting = [...foldOf(log, Number.POSITIVE_INFINITY).keys()].filter(
      (key) => key[0] === "\x01",
    );
    if (waiting.length > 0) return `${waiting.length} records of ${log.name} are parked`;
  }
  return null;
}

/** What is left open: nothing may be. */
export function openFault(kafka: ModelKafka): string | null {
  if (kafka.transactions.openCount > 0)
    return `${kafka.transactions.openCount} transactions are open`;
  for (const log of kafka.logs()) {
    if (log.stable < log.end) return `the LSO of ${log.name} is ${log.stable}, its end ${log.end}`;
  }
  const group = kafka.group(APPLICATION_ID);
  for (const partition of group.pending.keys()) return `an offset of ${partition} is pending`;
  for (const log of kafka.topics.get(INPUT)?.partitions ?? []) {
    const committed = group.committed.get(log.name)?.offset ?? -1;
    if (committed !== log.end) return `${log.name} is committed to ${committed} of ${log.end}`;
  }
  const queues = [HOOK_TOPIC, GROUPS_TOPIC].flatMap(
    (name) => kafka.topics.get(name)?.partitions ?? [],
  );
  for (const log of queues) {
    const committed = group.committed.get(log.name)?.offset ?? -1;
    if (log.logStart > Math.max(0, committed)) {
      return `${log.name} begins at ${log.logStart}, and is committed to ${committed}`;
    }
    // Behind the last request may be what was aborted when everybody had stopped.
    if (committed !== log.end && hasMore(log, committed)) {
      return `${log.name} is committed to ${committed} of ${log.end}`;
    }
  }
  return null;
}

function hasMore(log: PartitionLog, from: number): boolean {
  for (const { offset } of log.committed()) if (offset >= from) return true;
  return false;
}

function printable(key: string): string {
  return /^[\x20-\x7e]*$/.test(key) ? key : Buffer.from(key, "latin1").toString("hex");
}
