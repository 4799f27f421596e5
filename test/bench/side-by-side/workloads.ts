/** What is run: each workload says what the application does, on which input, and how it is measured. */

/** What the application does. */
export type Shape = "W1" | "W2" | "W3";

/** `drain` works a backlog off, `restore` makes a lost state anew, `latency` follows a steady input. */
export type Kind = "drain" | "restore" | "latency";

export interface Workload {
  readonly name: string;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly title: string;
  /** Who takes part; null for every system. */
  readonly systems: readonly string[] | null;
  readonly partitions: number;
  /** How many keys there are; `each` is as many as records. */
  readonly keys: number | "each";
  readonly order: "uniform" | "sequential" | "shuffled";
  readonly valueBytes: number;
  /** The number of records, from the one that was asked for. */
  readonly recordsOf: (asked: number) => number;
  readonly settings: Settings;
  /** For latency. */
  readonly perSecond: number;
}

/** How a system is set up. What is null is as it comes. */
export interface Settings {
  readonly commitIntervalMs: number;
  /** Bounds the memory of all RocksDBs together. */
  readonly storeBytes: number | null;
  /** How long the application waits over each record. */
  readonly handlerMs: number;
  readonly batchRecordsMax: number | null;
}

const SETTINGS: Settings = {
  commitIntervalMs: 100,
  storeBytes: null,
  handlerMs: 0,
  batchRecordsMax: null,
};

const PLAIN = {
  kind: "drain",
  systems: null,
  partitions: 4,
  keys: 10_000,
  order: "uniform",
  valueBytes: 100,
  recordsOf: (asked: number) => asked,
  settings: SETTINGS,
  perSecond: 0,
} as const;

export const COPY = "a stateless copy through user code";
const COUNT = "a count in tumbling windows of 5 minutes, then a map in user code";
const TOTALS = "a running count and sum of each key, in user code";

/** The least that the sidecar's configuration takes; Kafka Streams gets the same. */
const SMALL_STORE_BYTES = 16 * 1_024 * 1_024;
const RIVALS = ["kafka-streams-1", "kafka-streams-2", "outrigger-typescript"];
const RESTORE_MAX = 1_000_000;

const restore = {
  ...PLAIN,
  kind: "restore",
  shape: "W3",
  systems: RIVALS,
  keys: "each",
  recordsOf: (asked: number) => Math.min(asked, RESTORE_MAX),
} as const;

function latency(
  perSecond: number,
  commitIntervalMs: number,
  systems: readonly string[],
): Workload {
  const at = `${perSecond.toLocaleString("en")} records/s, commits each ${commitIntervalMs} ms`;
  return {
    ...PLAIN,
    name: `W7-${perSecond}${commitIntervalMs === 100 ? "" : `-${commitIntervalMs}ms`}`,
    kind: "latency",
    shape: "W2",
    title: `the latency of W2 at ${at}`,
    systems,
    settings: { ...SETTINGS, commitIntervalMs },
    perSecond,
  };
}

const FOLLOWERS = ["kafka-streams-1", "outrigger-typescript"];

export const WORKLOADS: readonly Workload[] = [
  { ...PLAIN, name: "W1", shape: "W1", title: COPY },
  { ...PLAIN, name: "W2", shape: "W2", title: COUNT },
  { ...PLAIN, name: "W3", shape: "W3", title: TOTALS },
  {
    ...PLAIN,
    name: "W3-cold",
    shape: "W3",
    title: "W3 with as many keys as records, and 16 MiB for the stores",
    systems: [...RIVALS, "outrigger-go"],
    keys: "each",
    settings: { ...SETTINGS, storeBytes: SMALL_STORE_BYTES },
  },
  {
    ...restore,
    name: "W6",
    title: "the restoration of W3's store, keys in their order",
    order: "sequential",
  },
  {
    ...restore,
    name: "W6-random",
    title: "the restoration of W3's store, keys in random order",
    order: "shuffled",
  },
  latency(2_000, 100, FOLLOWERS),
  latency(20_000, 100, FOLLOWERS),
  latency(2_000, 10, ["outrigger-typescript"]),
];

/** The most bytes of values in an input whose values are large. */
const VALUES_MAX = 300e6;
/** What a batch of slow handlers may take together: far below `processing.timeout.ms`. */
const BATCH_MS_MAX = 1_000;
const SLOW_PARTITIONS = 64;
const SLOW_SECONDS = 10;

const growth = { ...PLAIN, systems: ["outrigger-typescript"] };

/** One thing at a time is made larger, the rest stays as it is. */
export const GROWTH: readonly Workload[] = [
  ...[1, 4, 64, 256].map((partitions): Workload => {
    const title = `W2, ${partitions} partitions`;
    return { ...growth, name: `partitions-${partitions}`, shape: "W2", title, partitions };
  }),
  ...[10_000, 1_000_000, 10_000_000].map((keys): Workload => {
    const title = `W3, ${keys.toLocaleString("en")} keys`;
    const recordsOf = (asked: number): number => Math.max(asked, keys);
    return {
      ...growth,
      name: `keys-${keys}`,
      shape: "W3",
      title,
      keys,
      order: "shuffled",
      recordsOf,
    };
  }),
  ...[100, 10_000, 100_000].map((valueBytes): Workload => {
    const title = `W1, values of ${valueBytes.toLocaleString("en")} bytes`;
    const recordsOf = (asked: number): number => Math.min(asked, VALUES_MAX / valueBytes);
    return { ...growth, name: `value-${valueBytes}`, shape: "W1", title, valueBytes, recordsOf };
  }),
  ...[0, 1, 10, 100, 1_000].map((handlerMs): Workload => {
    const title = `W1, ${SLOW_PARTITIONS} partitions, ${handlerMs} ms in the handler of each record`;
    const most = handlerMs === 0 ? Number.POSITIVE_INFINITY : BATCH_MS_MAX / handlerMs;
    const recordsOf = (asked: number): number => {
      return Math.min(asked, most * SLOW_PARTITIONS * SLOW_SECONDS);
    };
    const batchRecordsMax = handlerMs === 0 ? null : Math.min(500, most);
    const settings = { ...SETTINGS, handlerMs, batchRecordsMax };
    const name = `handler-${handlerMs}`;
    return {
      ...growth,
      name,
      shape: "W1",
      title,
      partitions: SLOW_PARTITIONS,
      recordsOf,
      settings,
    };
  }),
];

/** Quix Streams is no faster in a longer run, and slow enough. */
const QUIX_MAX = 200_000;

export function recordsOf(workload: Workload, system: string, asked: number): number {
  const records = workload.recordsOf(asked);
  return system === "quix" ? Math.min(records, QUIX_MAX) : records;
}

/** `outrigger-go` is `go` to a reader; null for a peer. */
export function languageOf(system: string): string | null {
  return /^outrigger-(.+)$/.exec(system)?.[1] ?? null;
}

export function isStreams(system: string): boolean {
  return system.startsWith("kafka-streams-");
}
