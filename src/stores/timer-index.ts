import { writeLong } from "../model/key-table.ts";
import { clockOfKey, waitsUntil } from "../model/timers.ts";
import type { WaitingTimers } from "../ports/store.ts";
import type { Database, Entry } from "./database.ts";
import * as layout from "./layout.ts";
import type { Value } from "./store-memory.ts";

const HEAD_BYTES = 9;
const BYTES_MAX = 4_194_304;
const NOTHING = Buffer.alloc(0);

/**
 * The timers of one store that wait, by clock and time: `clock | time | key` without a value, so that what is
 * due is found and nothing else is looked at. It lives in the task's RocksDB alone, is written in one
 * batch with the entries, and holds each of them once: what is moved leaves its former place.
 */
export class TimerIndex {
  readonly #prefix: number;
  readonly #entries: number;

  constructor(prefix: number) {
    this.#prefix = layout.indexPrefix(prefix);
    this.#entries = prefix;
  }

  /** Adds what these changes mean for the index. Of a key that is there twice the last value counts. */
  async changed(
    database: Database,
    keys: readonly Buffer[],
    values: readonly (Buffer | null)[],
    entries: Entry[],
  ): Promise<void> {
    const before = await database.getMany(keys.map((key) => layout.storeKey(this.#entries, key)));
    const last = new Map<string, number>();
    for (const [index, key] of keys.entries()) last.set(key.toString("latin1"), index);
    for (const index of last.values()) {
      const key = keys[index] ?? NOTHING;
      const was = timeOf(before[index] ?? null);
      const is = timeOf(values[index] ?? null);
      if (was === is) continue;
      if (was !== null) entries.push([this.#at(key, was), null]);
      if (is !== null) entries.push([this.#at(key, is), NOTHING]);
    }
  }

  /**
   * The timers of a clock that are due at `timeMs`, the eldest first, up to so many; `newer` hides what is
   * on disk of the same name.
   */
  async due(
    database: Database,
    clock: number,
    timeMs: number,
    entriesMax: number,
    newer: ReadonlyMap<string, Value>,
  ): Promise<WaitingTimers> {
    const from = Buffer.from([clock]);
    const range = layout.storeRange(this.#prefix, { from, to: Buffer.from([clock + 1]) });
    const limits = { entriesMax: entriesMax + 1, bytesMax: BYTES_MAX };
    const hides = (key: Buffer): boolean =>
      newer.has(key.toString("latin1", layout.PREFIX_BYTES + HEAD_BYTES));
    const page = await database.scan({ ...range, reverse: false }, limits, hides);
    const found = page.entries.map(([key]) => {
      const timeMs = Number(key.readBigInt64BE(layout.PREFIX_BYTES + 1));
      return { key: key.subarray(layout.PREFIX_BYTES + HEAD_BYTES), timeMs };
    });
    return earliestOf(found, page.more, clock, newer, { timeMs, entriesMax });
  }

  #at(key: Buffer, timeMs: number): Buffer {
    const indexed = Buffer.allocUnsafe(HEAD_BYTES + key.length);
    indexed[0] = clockOfKey(key);
    writeLong(indexed, 1, timeMs);
    key.copy(indexed, HEAD_BYTES);
    return layout.storeKey(this.#prefix, indexed);
  }
}

interface Waiting {
  readonly key: Buffer;
  readonly timeMs: number;
}

/** Merges what is on disk, by time, with what is newer; `more` says that the disk has later ones. */
export function earliestOf(
  stored: readonly Waiting[],
  more: boolean,
  clock: number,
  newer: ReadonlyMap<string, Value>,
  { timeMs, entriesMax }: { readonly timeMs: number; readonly entriesMax: number },
): WaitingTimers {
  const all = [...stored];
  const known = more ? (stored.at(-1)?.timeMs ?? timeMs) : Number.POSITIVE_INFINITY;
  for (const [name, value] of newer) {
    const waits = timeOf(value);
    if (waits === null || name.charCodeAt(0) % 0x80 !== clock) continue;
    all.push({ key: Buffer.from(name, "latin1"), timeMs: waits });
  }
  all.sort((left, right) => left.timeMs - right.timeMs || left.key.compare(right.key));
  // Beyond the last that the disk told of there may be others between.
  const due = all.filter((one) => one.timeMs <= timeMs && one.timeMs <= known).slice(0, entriesMax);
  const next = all[due.length]?.timeMs ?? Number.POSITIVE_INFINITY;
  return {
    keys: due.map(({ key }) => key),
    times: due.map((one) => one.timeMs),
    nextMs: Math.min(next, known),
  };
}

function timeOf(value: Value): number | null {
  return value === null ? null : waitsUntil(value);
}
