import { join } from "node:path";
import type { JudgedRecord } from "../support/judges.ts";

/** A record for `commands`. */
export interface Command {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

interface Action {
  readonly do: "get" | "put" | "delete" | "range" | "forward" | "wait" | "fail" | "crash";
  readonly key?: string;
  readonly value?: string;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly reverse?: boolean;
  readonly ms?: number;
  readonly message?: string;
  readonly unless?: string;
}

const COMMANDS = 240;
const KEYS = 12;
const STORE_KEYS = 10;
/** Where the application fails, and where it crashes: each once. */
const FAILS_AT = [40, 41, 130];
const CRASHES_AT = [80, 170];
const START_MS = 1_700_000_000_000;

/** Commands over few keys, so that each meets what others have written; the same every time. */
export function workload(folder: string): Command[] {
  const random = mulberry32(7);
  const pick = (count: number): number => Math.floor(random() * count);
  const storeKey = (): string => `s${pick(STORE_KEYS)}`;
  const action = (index: number): Action => {
    const kind = pick(12);
    if (kind < 4) return { do: "put", key: storeKey(), value: `${index}` };
    if (kind < 7) return { do: "get", key: storeKey() };
    if (kind < 8) return { do: "delete", key: storeKey() };
    if (kind < 10) {
      const from = pick(2) === 0 ? null : storeKey();
      const to = pick(2) === 0 ? null : storeKey();
      return { do: "range", from, to, reverse: pick(2) === 0 };
    }
    if (kind < 11) return { do: "wait", ms: pick(3) };
    return { do: "forward", key: "", value: `${index}` };
  };
  return Array.from({ length: COMMANDS }, (_, index) => {
    const key = `k${pick(KEYS)}`;
    const own: Action[] = [{ do: "put", key, value: `${index}` }];
    const actions = [...own, ...Array.from({ length: 1 + pick(4) }, () => action(index))].map(
      (one) => (one.do === "forward" ? { ...one, key } : one),
    );
    const unless = join(folder, `once-${index}`);
    if (FAILS_AT.includes(index)) actions.push({ do: "fail", message: "told to", unless });
    if (CRASHES_AT.includes(index)) actions.push({ do: "crash", unless });
    return { key, value: JSON.stringify(actions), timestamp: START_MS + index };
  });
}

/** What the committed results must be: each partition's, in its order. */
export interface Expected {
  readonly results: ReadonlyMap<number, readonly Result[]>;
  /** The store at the end, by partition. */
  readonly stores: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

interface Result {
  readonly key: string;
  readonly value: unknown;
  readonly timestamp: number;
}

/** Carries the commands out one at a time, partition by partition: the obvious implementation. */
export function expectedOf(commands: readonly JudgedRecord[]): Expected {
  const results = new Map<number, Result[]>();
  const stores = new Map<number, Map<string, string>>();
  for (const { partition, key, value, timestamp } of inOrder(commands)) {
    const store = stores.get(partition) ?? new Map<string, string>();
    const list = results.get(partition) ?? [];
    stores.set(partition, store);
    results.set(partition, list);
    const notes: unknown[] = [];
    for (const action of JSON.parse(String(value)) as Action[]) {
      const { key: name = "" } = action;
      if (action.do === "put") store.set(name, action.value ?? "");
      if (action.do === "delete") store.delete(name);
      if (action.do === "get") notes.push(store.get(name) ?? null);
      if (action.do === "range") notes.push(rangeOf(store, action));
      if (action.do === "forward") list.push({ key: name, value: action.value, timestamp });
    }
    if (notes.length > 0) list.push({ key: String(key), value: notes, timestamp });
  }
  return { results, stores };
}

/** The results that were read, in the same form. */
export function resultsOf(records: readonly JudgedRecord[]): Map<number, Result[]> {
  const results = new Map<number, Result[]>();
  for (const { partition, key, value, timestamp } of inOrder(records)) {
    const list = results.get(partition) ?? [];
    results.set(partition, list);
    const text = String(value);
    const parsed: unknown = text.startsWith("[") ? JSON.parse(text) : text;
    list.push({ key: String(key), value: parsed, timestamp });
  }
  return results;
}

/** A changelog folded: the last value of each key. */
export function foldOf(records: readonly JudgedRecord[]): Map<number, Map<string, string>> {
  const stores = new Map<number, Map<string, string>>();
  for (const { partition, key, value } of inOrder(records)) {
    const store = stores.get(partition) ?? new Map<string, string>();
    stores.set(partition, store);
    if (value === null) store.delete(String(key));
    else store.set(String(key), String(value));
  }
  return stores;
}

function rangeOf(store: ReadonlyMap<string, string>, { from, to, reverse }: Action): unknown {
  const found = [...store].filter(
    ([key]) => (from == null || key >= from) && (to == null || key <= to),
  );
  found.sort(([left], [right]) => (left < right === (reverse !== true) ? -1 : 1));
  return found;
}

function inOrder(records: readonly JudgedRecord[]): JudgedRecord[] {
  return [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** A small generator of numbers in [0, 1): the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
