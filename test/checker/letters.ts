import type { JudgedRecord } from "../support/judges.ts";
import type { ExpectedPartition } from "./expected.ts";
import type { Facts } from "./facts.ts";

/** The names of Kafka Streams (KIP-1034), and the one that says why. */
const PLACE = ["topic", "partition", "offset"].map((name) => `__streams.errors.${name}`);
const REASON = "outrigger.errors.reason";

/**
 * I20: each record that was given up has one dead letter, with its bytes and for its own reason, and no
 * other record has one.
 */
export function letterFaults(
  { prefix, records }: Facts,
  expected: ReadonlyMap<number, ExpectedPartition>,
): string[] {
  const faults: string[] = [];
  const found = new Map<string, JudgedRecord[]>();
  for (const record of records) {
    if (record.topic !== `${prefix}-letters`) continue;
    const at = placeOf(record);
    found.set(at, [...(found.get(at) ?? []), record]);
  }
  for (const [partition, { letters }] of expected) {
    for (const { offset, reason, ...record } of letters) {
      const at = `${prefix}-in-${partition}@${offset}`;
      const [letter, ...more] = found.get(at) ?? [];
      found.delete(at);
      if (letter === undefined) faults.push(`I20 ${at}: it has no dead letter: ${record.value}`);
      else faults.push(...faultsOf(at, letter, { ...record, reason }));
      if (more.length > 0) faults.push(`I20 ${at}: it has ${more.length + 1} dead letters`);
    }
  }
  for (const [at, [letter]] of found) {
    faults.push(`I20 ${at}: it has a dead letter, and is a good record: ${letter?.value}`);
  }
  return faults;
}

function faultsOf(
  at: string,
  letter: JudgedRecord,
  {
    key,
    value,
    timestamp,
    reason,
  }: Readonly<Record<"key" | "value" | "reason", string>> & {
    readonly timestamp: number;
  },
): string[] {
  const wanted = `${key} = ${value}, of ${timestamp}, ${reason}`;
  const said = headerOf(letter, REASON);
  const is = `${letter.key} = ${letter.value}, of ${letter.timestamp}, ${said}`;
  return is === wanted ? [] : [`I20 ${at}: its dead letter is ${is}; the record is ${wanted}`];
}

function placeOf(letter: JudgedRecord): string {
  const [topic, partition, offset] = PLACE.map((name) => headerOf(letter, name));
  return `${topic}-${partition}@${offset}`;
}

function headerOf({ headers }: JudgedRecord, name: string): string {
  return String(headers.find(([each]) => each === name)?.[1] ?? "not there");
}

/** A parked record's key in the store; what else stands there is a command's position. */
const PARKED = 1;

/** I21: at the end no key waits. */
export function waitingFaults({ prefix, records }: Facts): string[] {
  const topic = `${prefix}-parked-changelog`;
  const waiting = new Map<string, string>();
  for (const { topic: of, partition, key, value } of records) {
    if (of !== topic || key?.[0] !== PARKED) continue;
    const at = `${topic}-${partition} ${key.toString("latin1")}`;
    if (value === null) waiting.delete(at);
    else waiting.set(at, value.toString("latin1"));
  }
  return [...waiting].map(([at, value]) => `I21 ${at} waits at the end: ${value.slice(0, 200)}`);
}
