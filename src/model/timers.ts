import { readLong, writeLong } from "./key-table.ts";

/** What a timer or a punctuation goes by: the task's stream time, or the sidecar's wall clock. */
export type TimerClock = "streamTime" | "wallClock";

/** What a node's code is called for, in each task, each time that its clock has moved on by an interval. */
export interface Punctuator {
  readonly name: string;
  readonly clock: TimerClock;
  readonly intervalMs: number;
}

/** A node that has timers or punctuators. */
export interface TimerNode {
  readonly node: string;
  /** `<application.id>-<node>-timers`: what has fired, until it is handled. Its task writes and reads it. */
  readonly topic: string;
  /** Index into `Program.stores`. */
  readonly store: number;
  /** Whether its code sets timers. */
  readonly hasTimers: boolean;
  readonly punctuators: readonly Punctuator[];
}

/** As they stand in the protocol and in keys. */
export const CLOCKS = ["streamTime", "wallClock"] as const satisfies readonly TimerClock[];
export const TIMER_NAME_BYTES_MAX = 255;
/** Bytes of an entry's key beside the name and the record's key. */
const HEAD_BYTES = 2;
const PUNCTUATION = 0x80;
const CLOCK_MASK = 0x7f;
const TIME_BYTES = 8;
const WAITS = 0;
const FIRED = 1;

export function clockNumber(clock: TimerClock): number {
  return CLOCKS.indexOf(clock) + 1;
}

/** Names an entry of a store of timers. A punctuation has no key, which is not an empty one. */
export interface TimerName {
  readonly clock: TimerClock;
  readonly name: Buffer;
  readonly key: Buffer | null;
}

/** `clock | length of the name | name | key`. */
export function encodeTimerKey({ clock, name, key }: TimerName): Buffer {
  const head = clockNumber(clock) | (key === null ? PUNCTUATION : 0);
  return Buffer.concat([Buffer.from([head, name.length]), name, ...(key === null ? [] : [key])]);
}

export function decodeTimerKey(entry: Buffer): TimerName {
  const head = entry[0] ?? 0;
  const keyAt = HEAD_BYTES + (entry[1] ?? 0);
  return {
    clock: CLOCKS[(head & CLOCK_MASK) - 1] ?? "streamTime",
    name: entry.subarray(HEAD_BYTES, keyAt),
    key: (head & PUNCTUATION) === 0 ? entry.subarray(keyAt) : null,
  };
}

/** The number of the clock that an entry's key begins with. */
export function clockOfKey(entry: Uint8Array): number {
  return (entry[0] ?? 0) & CLOCK_MASK;
}

/** What is kept of a timer: it waits for a time, or it has fired and is not handled yet. */
export interface TimerEntry {
  /** When it is to fire; of a punctuation the time that it was due at. */
  readonly timeMs: number;
  /** The timestamp of the record that tells of it; null while it waits. */
  readonly firedAtMs: number | null;
}

/** `time | 0`, or `time | 1 | time of firing`. */
export function encodeTimer({ timeMs, firedAtMs }: TimerEntry): Buffer {
  const value = Buffer.alloc(firedAtMs === null ? TIME_BYTES + 1 : 2 * TIME_BYTES + 1);
  writeLong(value, 0, timeMs);
  if (firedAtMs === null) return value;
  value[TIME_BYTES] = FIRED;
  writeLong(value, TIME_BYTES + 1, firedAtMs);
  return value;
}

export function decodeTimer(value: Buffer): TimerEntry {
  const isFired = value[TIME_BYTES] === FIRED;
  return {
    timeMs: readLong(value, 0),
    firedAtMs: isFired ? readLong(value, TIME_BYTES + 1) : null,
  };
}

/** When a value's timer is to fire; null where it has fired. */
export function waitsUntil(value: Buffer): number | null {
  return value[TIME_BYTES] === WAITS ? readLong(value, 0) : null;
}

/** The value of the record that a timer fires as: `clock | 0, or 1 for a punctuation | name`. */
export function encodeFiring({ clock, name, key }: TimerName): Buffer {
  return Buffer.concat([Buffer.from([clockNumber(clock), key === null ? 1 : 0]), name]);
}

/** The same read again; null for what no sidecar wrote. */
export function decodeFiring(value: Buffer | null, key: Buffer | null): TimerName | null {
  const clock = CLOCKS[(value?.[0] ?? 0) - 1];
  if (value === null || clock === undefined) return null;
  const isPunctuation = value[1] === 1;
  if (value.length < HEAD_BYTES || isPunctuation !== (key === null)) return null;
  return { clock, name: value.subarray(HEAD_BYTES), key };
}

/** As Kafka Streams: what was missed is not made up for, and the rhythm is kept. */
export function nextPunctuation(dueMs: number, intervalMs: number, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - dueMs) / intervalMs));
  return dueMs + (missed + 1) * intervalMs;
}
