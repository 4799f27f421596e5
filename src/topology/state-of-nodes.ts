import { invariant } from "../errors/invariant.ts";
import type {
  DeclaredNode,
  DeclaredStore,
  Operator,
  StageStore,
  StoreSpec,
  TakenRows,
  Windows,
} from "../model/topology.ts";
import { ancestorsOf, type GraphNode } from "./graph.ts";
import { changelogTopic } from "./names.ts";
import { closeDelayOf } from "./suppress.ts";
import { storesOf } from "./validate.ts";

export function operatorOf(node: DeclaredNode, stores: readonly StoreSpec[]): Operator {
  invariant(node.kind === "aggregate", "what is built in is an aggregation");
  const { name, windows, aggregator: kind, number, emit } = node;
  invariant(kind !== "application", "an aggregation of the application is not built in");
  const store = stores.findIndex((spec) => spec.name === node.store);
  // Kafka Streams counts a null value in a window that does not slide; there is nothing of it to add up.
  const isSliding = windows?.kind === "sliding";
  const takes = windows === null || isSliding || kind !== "count" ? "valued" : "keyed";
  const reads = kind === "count" || number === undefined ? {} : { number };
  const stamps = stores[store]?.isTimestamped === true ? { isTimestamped: true } : {};
  const isClosing = emit === "onWindowClose" && windows !== null;
  const closes = isClosing ? { closeDelayMs: closeDelayOf(windows) } : {};
  return {
    kind,
    node: name,
    store,
    windows,
    takes,
    ...reads,
    ...stamps,
    ...closes,
    ...timeOf(stores[store]),
  };
}

function timeOf(spec: StoreSpec | undefined): { readonly ownTime?: boolean } {
  return spec?.ownTime === true ? { ownTime: true } : {};
}

export function storeOf(
  { name, kind, isTimestamped, ttlMs }: DeclaredStore,
  nodes: readonly GraphNode[],
  applicationId: string,
): StoreSpec {
  const spec = { name, kind, changelogTopic: changelogTopic(applicationId, name) };
  if (kind === "buffer") return { ...spec, isRanged: true, isTimed: true };
  if (isTimestamped === true) {
    return { ...spec, isTimestamped, ...(ttlMs === undefined ? {} : { retentionMs: ttlMs }) };
  }
  const user = nodes.find(({ declared }) => {
    return declared.kind === "aggregate" && declared.store === name;
  });
  if (user?.declared.kind !== "aggregate" || user.declared.windows === null) return spec;
  const { windows, emit } = user.declared;
  const own = ancestorsOf(user).some(changesTime) ? { ownTime: true } : {};
  const isClosing = emit === "onWindowClose";
  const timed = isClosing ? { isTimed: true } : {};
  const retained = { ...spec, retentionMs: retentionOf(windows), ...own, ...timed };
  // What closes has the time of its latest record.
  if (windows.kind === "time") return isClosing ? { ...retained, isTimestamped: true } : retained;
  return {
    ...retained,
    isRanged: true,
    ...(windows.kind === "sliding" ? { isTimestamped: true } : {}),
  };
}

/**
 * A task's stream time is that of its input records: what has other times than those has a time of its own.
 */
export function changesTime({ declared }: GraphNode): boolean {
  return declared.kind === "function" && declared.operation === "processValues";
}

/** The shortest segment of Kafka Streams' stores, in ms. */
const SEGMENT_MS_MIN = 60_000;

/**
 * As long as Kafka Streams keeps an entry at most: its least retention, and a segment, which goes as a whole.
 * A window that has just closed can be read meanwhile. No record that is not late looks for what has gone.
 */
function retentionOf(windows: Windows): number {
  const leastMs = leastRetentionOf(windows);
  return leastMs + Math.max(SEGMENT_MS_MIN, Math.ceil(leastMs / 2));
}

function leastRetentionOf(windows: Windows): number {
  const { graceMs } = windows;
  switch (windows.kind) {
    case "time":
      return windows.sizeMs + graceMs;
    case "sliding":
      return 2 * windows.differenceMs + graceMs;
    case "session":
      return windows.gapMs + graceMs;
  }
}

/** What the batches of a stage of these nodes carry. */
export function stageStoresOf(
  nodes: readonly GraphNode[],
  stores: readonly StoreSpec[],
): StageStore[] {
  return stores.flatMap((spec, store) => stageStoreOf(nodes, spec, store));
}

function stageStoreOf(nodes: readonly GraphNode[], spec: StoreSpec, store: number): StageStore[] {
  const user = nodes.find(({ declared }) => storesOf(declared).includes(spec.name));
  if (user === undefined) return [];
  const { declared } = user;
  if (declared.kind !== "aggregate") return [{ store, windows: null }];
  const takes = takenBy(user, nodes, skipsNull(declared.windows));
  return [{ store, windows: declared.windows, takes, ...timeOf(spec) }];
}

function skipsNull(windows: Windows | null): boolean {
  return windows === null || windows.kind === "sliding";
}

/**
 * Kafka Streams drops null values before an aggregation without windows or with sliding ones. Behind a
 * mapValues the value that counts is one that only the application knows, so there, within a hop, nothing
 * is dropped here.
 */
function takenBy(
  node: GraphNode,
  nodes: readonly GraphNode[],
  dropsNullValues: boolean,
): TakenRows {
  const isMapped = ancestorsOf(node).some(
    (above) =>
      nodes.includes(above) &&
      above.declared.kind === "function" &&
      above.declared.operation !== "filter",
  );
  return dropsNullValues && !isMapped ? "valued" : "keyed";
}
