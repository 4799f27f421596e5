import type { DeclaredTopology, TimeWindows } from "../../src/model/topology.ts";

/** What the simulated applications are. */
export type TopologyName =
  | "copy"
  | "list"
  | "count"
  | "countMap"
  | "relay"
  | "hops"
  | "regroup"
  | "timers"
  | "expiring";

export const INPUT = "in";
export const OUTPUT = "out";
export const APPLICATION_ID = "app";
export const WINDOWS: TimeWindows = {
  kind: "time",
  sizeMs: 1_000,
  advanceMs: 1_000,
  graceMs: 500,
};

const source = { name: "source", parents: [], kind: "source", topics: [INPUT] } as const;
const sinkOf = (parent: string) =>
  ({ name: "sink", parents: [parent], kind: "sink", topic: OUTPUT }) as const;
const count = {
  name: "count",
  parents: ["source"],
  kind: "aggregate",
  aggregator: "count",
  store: "counts",
  windows: WINDOWS,
} as const;

const splitter = {
  name: "split",
  parents: ["source"],
  kind: "function",
  operation: "flatMapValues",
  stores: [],
} as const;
const countOfSplit = { ...count, parents: ["split"], windows: null } as const;
/** Between the two sub-topologies of `regroup`; not as many partitions as the input. */
export const GROUPS_TOPIC = `${APPLICATION_ID}-groups-repartition`;
const GROUPS_PARTITIONS = 2;
const GROUPS = 5;

/** The new key of a record, from what its value ends with. */
export function groupOf(value: string): string {
  const number = Number(value.slice(value.lastIndexOf(".") + 1));
  return `g${number % GROUPS}`;
}

/** The node that has timers, and its two punctuators. */
export const TIMED_NODE = "wait";
export const TIMERS_STORE = `${TIMED_NODE}-timers`;
export const BEAT = { name: "beat", clock: "streamTime", intervalMs: 400 } as const;
export const TICK = { name: "tick", clock: "wallClock", intervalMs: 900 } as const;
/** What code keeps of each key, for so long by stream time. */
export const TALLIES = {
  name: "tallies",
  kind: "keyValue",
  isTimestamped: true,
  ttlMs: 350,
} as const;
const tally = {
  name: TIMED_NODE,
  parents: ["source"],
  kind: "function",
  operation: "process",
  stores: [TALLIES.name],
} as const;

export const TOPOLOGIES: Readonly<Record<TopologyName, DeclaredTopology>> = {
  /** Every record to the output, with a tag of the attempt. */
  copy: {
    nodes: [
      source,
      { name: "map", parents: ["source"], kind: "function", operation: "map", stores: [] },
      sinkOf("map"),
    ],
    stores: [],
  },
  /** Appends each record, tagged, to its key's list; sends the whole list. */
  list: {
    nodes: [
      source,
      {
        name: "append",
        parents: ["source"],
        kind: "function",
        operation: "process",
        stores: ["lists"],
      },
      sinkOf("append"),
    ],
    stores: [{ name: "lists", kind: "keyValue" }],
  },
  /** Counts by key and window; no application code. */
  count: { nodes: [source, count, sinkOf("count")], stores: [{ name: "counts", kind: "window" }] },
  /** The same with application code behind it: the count runs ahead of the hop. */
  countMap: {
    nodes: [
      source,
      count,
      { name: "map", parents: ["count"], kind: "function", operation: "mapValues", stores: [] },
      sinkOf("map"),
    ],
    stores: [{ name: "counts", kind: "window" }],
  },
  /** One or two rows of each record, counted by key, and the counts tagged: two hops, a count between. */
  relay: {
    nodes: [
      source,
      splitter,
      countOfSplit,
      { name: "tag", parents: ["count"], kind: "function", operation: "mapValues", stores: [] },
      sinkOf("tag"),
    ],
    stores: [{ name: "counts", kind: "keyValue" }],
  },
  /** The same, and the second hop appends each count to its key's list. */
  hops: {
    nodes: [
      source,
      splitter,
      countOfSplit,
      {
        name: "append",
        parents: ["count"],
        kind: "function",
        operation: "process",
        stores: ["lists"],
      },
      sinkOf("append"),
    ],
    stores: [
      { name: "counts", kind: "keyValue" },
      { name: "lists", kind: "keyValue" },
    ],
  },
  /** Counts by another key than the input's: two sub-topologies, and a topic between them. */
  regroup: {
    nodes: [
      source,
      { name: "regroup", parents: ["source"], kind: "function", operation: "map", stores: [] },
      {
        name: "groups",
        parents: ["regroup"],
        kind: "repartition",
        partitions: GROUPS_PARTITIONS,
      },
      { ...count, parents: ["groups"], windows: null },
      sinkOf("count"),
    ],
    stores: [{ name: "counts", kind: "keyValue" }],
  },
  /** Sets and cancels timers of both clocks, beats by both, and tallies the records of a key. */
  timers: {
    nodes: [source, { ...tally, timers: true, punctuators: [BEAT, TICK] }, sinkOf(TIMED_NODE)],
    stores: [TALLIES],
  },
  /** The tallies alone: what was not written for a time is gone. */
  expiring: { nodes: [source, tally, sinkOf(TIMED_NODE)], stores: [TALLIES] },
};

/** How many rows the first hop of `relay` and `hops` makes of a record. */
export function splitInto(value: string): number {
  return value.endsWith("1") ? 0 : value.endsWith("2") ? 2 : 1;
}

export const HOOK = "receipt";
export const HOOK_TOPIC = `${APPLICATION_ID}-${HOOK}-hook`;

/** The same, and its process asks a hook for each record. */
export function withHook({ nodes, stores }: DeclaredTopology): DeclaredTopology {
  const process = nodes.find((node) => node.kind === "function" && node.operation === "process");
  if (process === undefined) throw new Error("only a process asks a hook");
  return { nodes: [...nodes, { name: HOOK, parents: [process.name], kind: "hook" }], stores };
}

/** A list's next value: a record that begins with `x` empties it. */
export function appended(list: string | null, value: string, tag: string): string | null {
  if (value.startsWith("x")) return null;
  return list === null ? `${value}~${tag}` : `${list},${value}~${tag}`;
}
