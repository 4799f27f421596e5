import type {
  KeyValue,
  KeyValueStore,
  ProcessedRecord,
  ProcessorContext,
  Windowed,
} from "@outrigger/client";
import type { ValueType } from "./topology.ts";

/**
 * The user functions that a topology names: `java/Functions.java` and `Processors.java`, in TypeScript. Text
 * is a string, int64 a bigint.
 */
export type Value = string | bigint | number | null;
export type Key = string | null | Windowed<string | null>;

type Named<F> = Readonly<Record<string, F>>;

const MAP_VALUES: Named<(value: Value, key: Key) => Value> = {
  identity: (value) => value,
  upper: (value) => (value === null ? null : text(value).toUpperCase()),
  exclaim: (value) => (value === null ? "!" : `${value}!`),
  withKey: (value, key) => `${text(key)}=${value}`,
  emptyToNull: (value) => (value === "" ? null : value),
  nullToEmpty: (value) => value ?? "",
  length: (value) => (value === null ? "-" : String(text(value).length)),
  asText: (value) => (value === null ? null : String(value)),
  lengthAsLong: (value) => (value === null ? null : BigInt(text(value).length)),
};

const MAPS: Named<(key: Key, value: Value) => KeyValue<Key, Value>> = {
  swap: (key, value) => ({ key: value as Key, value: key as Value }),
  firstLetterKey: (_, value) => ({ key: firstLetter(value), value }),
  windowToText: (key, value) => ({
    key: windowText(key),
    value: value === null ? null : String(value),
  }),
};

const SELECT_KEYS: Named<(key: Key, value: Value) => Key> = {
  same: (key) => key,
  firstLetter: (_, value) => firstLetter(value),
  value: (_, value) => value as Key,
  constant: () => "k",
  null: () => null,
  window: (key) => windowText(key),
};

const FLAT_MAP_VALUES: Named<(value: Value) => Value[]> = {
  splitWords: words,
  twice: (value) => [value, value],
  nothing: () => [],
};

const FLAT_MAPS: Named<(key: Key, value: Value) => KeyValue<Key, Value>[]> = {
  wordsAsKeys: (key, value) => words(value).map((word) => ({ key: word, value: key as Value })),
  twice: (key, value) => [
    { key, value },
    { key: value as Key, value },
  ],
};

const PREDICATES: Named<(key: Key, value: Value) => boolean> = {
  keepEven: (_, value) => value !== null && text(value).length % 2 === 0,
  hasKey: (key) => key !== null,
  hasValue: (_, value) => value !== null,
  startsWithA: (_, value) => value !== null && text(value).startsWith("a"),
  all: () => true,
  none: () => false,
};

const FOLDS: Named<(key: Key, value: Value, before: Value) => Value> = {
  concat: (_, value, before) => `${before},${value}`,
  keyed: (key, value, before) => `${before}${text(key)}${value};`,
  dropOnX: (_, value, before) => (value === "x" ? null : `${before},${value}`),
};

const REDUCERS: Named<(left: Value, right: Value) => Value> = {
  concat: (left, right) => `${left},${right}`,
  last: (_, right) => right,
  longer: (left, right) => (text(right).length > text(left).length ? right : left),
};

type Context = ProcessorContext<Key, Value>;
type Store = KeyValueStore<string, Value>;
type Handler = (
  record: ProcessedRecord<Key, Value>,
  ctx: Context,
  store: Store | null,
) => void | Promise<void>;

const HANDLERS: Named<Handler> = {
  countPerKey: async ({ key }, ctx, store) => {
    if (key === null || store === null) return;
    const before = (await store.get(text(key))) ?? "0";
    const count = String(Number(before) + 1);
    store.put(text(key), count);
    ctx.forward({ key, value: count });
  },
  dedupe: async ({ key, value }, ctx, store) => {
    if (key === null || store === null) return;
    if (((await store.get(text(key))) ?? null) === value) return;
    keep(store, text(key), value);
    ctx.forward({ key, value });
  },
  list: async ({ key, value }, ctx, store) => {
    if (key === null || store === null) return;
    keep(store, text(key), value);
    ctx.forward({ key, value: await all(store.all()) });
  },
  range: async ({ key, value }, ctx, store) => {
    if (key === null || store === null) return;
    keep(store, text(key), value);
    ctx.forward({ key, value: await all(store.range("b", text(key))) });
  },
  backwards: async ({ key, value }, ctx, store) => {
    if (key === null || store === null) return;
    keep(store, text(key), value);
    ctx.forward({ key, value: await all(store.all({ reverse: true })) });
  },
  twice: ({ key, value }, ctx) => {
    ctx.forward({ key, value });
    ctx.forward({ key: value as Key, value: key as Value });
  },
  stampAndHeader: ({ key, value, timestamp, headers }, ctx) => {
    const again = { key: "again", value: new TextEncoder().encode("é") };
    const more = [...headers, again, { key: "again", value: null }];
    ctx.forward({ key, value, timestamp: timestamp + 1_000, headers: more });
  },
};

const VALUE_HANDLERS: Named<Handler> = {
  twice: ({ key, value }, ctx) => {
    ctx.forward({ key, value });
    ctx.forward({ key, value: `${value}2` });
  },
  later: ({ key, value, timestamp }, ctx) => {
    ctx.forward({ key, value, timestamp: timestamp + 1_000 });
  },
  scattered: ({ key, value, timestamp }, ctx) => {
    const laterMs = value === null ? 0 : (text(value).length % 4) * 150;
    ctx.forward({ key, value, timestamp: timestamp + laterMs });
    ctx.forward({ key, value: `${value}2`, timestamp: Math.max(0, timestamp - 200) });
  },
};

/** By the operation that takes them. */
export const FUNCTIONS = {
  mapValues: MAP_VALUES,
  map: MAPS,
  selectKey: SELECT_KEYS,
  flatMapValues: FLAT_MAP_VALUES,
  flatMap: FLAT_MAPS,
  predicates: PREDICATES,
  aggregate: FOLDS,
  reduce: REDUCERS,
  process: HANDLERS,
  processValues: VALUE_HANDLERS,
};

export function named<F>(functions: Named<F>, name: string): F {
  const found = functions[name];
  if (found === undefined) throw new Error(`there is no function ${name} here`);
  return found;
}

/** What a named function returns. */
export function typeAfter(name: string, before: ValueType): ValueType {
  if (name === "lengthAsLong") return "int64";
  return ["identity", "twice", "nothing", "firstLetterKey"].includes(name) ? before : "text";
}

function text(value: Value | Key): string {
  return String(value);
}

function firstLetter(value: Value): string | null {
  if (value === null || value === "") return null;
  return [...text(value)][0] ?? null;
}

function windowText(key: Key): string {
  if (key === null || typeof key === "string") throw new TypeError(`${key} has no window`);
  return `${key.key}@${key.window.start}-${key.window.end}`;
}

function words(value: Value): string[] {
  return value === null
    ? []
    : text(value)
        .split(" ")
        .filter((word) => word !== "");
}

/** As a store of Kafka Streams, which deletes what is set to null. */
function keep(store: Store, key: string, value: Value): void {
  if (value === null) store.delete(key);
  else store.put(key, value);
}

async function all(entries: AsyncIterable<readonly [string, Value]>): Promise<string> {
  let found = "";
  for await (const [key, value] of entries) found += `${key}:${value} `;
  return found;
}
