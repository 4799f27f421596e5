import type {
  DeclaredNode,
  DeclaredStore,
  DeclaredTopology,
  TimeWindows,
  Windows,
} from "../../../src/model/topology.ts";

/** Short spellings of declared nodes. */

export const fiveMinutes: TimeWindows = {
  kind: "time",
  sizeMs: 300_000,
  advanceMs: 300_000,
  graceMs: 0,
};

export function topology(
  nodes: readonly DeclaredNode[],
  stores: readonly DeclaredStore[] = [],
): DeclaredTopology {
  return { nodes, stores };
}

export function source(name: string, ...topics: string[]): DeclaredNode {
  return { name, parents: [], kind: "source", topics };
}

export function functionNode(
  name: string,
  operation: "process" | "processValues" | "map" | "mapValues" | "filter",
  parents: readonly string[],
  stores: readonly string[] = [],
): DeclaredNode {
  return { name, parents, kind: "function", operation, stores };
}

export function aggregate(
  name: string,
  parent: string,
  store: string,
  windows: Windows | null,
): DeclaredNode {
  return { name, parents: [parent], kind: "aggregate", aggregator: "application", store, windows };
}

export function count(
  name: string,
  parent: string,
  store: string,
  windows: Windows | null,
): DeclaredNode {
  return { name, parents: [parent], kind: "aggregate", aggregator: "count", store, windows };
}

export function sink(name: string, parent: string, topic: string): DeclaredNode {
  return { name, parents: [parent], kind: "sink", topic };
}

export function keyValueStore(name: string): DeclaredStore {
  return { name, kind: "keyValue" };
}

export function windowStore(name: string): DeclaredStore {
  return { name, kind: "window" };
}
