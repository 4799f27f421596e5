import type { Operation } from "../model/topology.ts";
import { type Faults, nodeAt } from "./faults.ts";
import { ancestorsOf, type Graph, type GraphNode } from "./graph.ts";
import { storesOf } from "./validate.ts";

/** What a node is to its program. */
export type Role = "source" | "operator" | "stage" | "sink" | "hook";

export function roleOf({ declared }: GraphNode): Role {
  switch (declared.kind) {
    case "source":
      return "source";
    case "function":
      return "stage";
    case "aggregate":
      return declared.aggregator === "application" ? "stage" : "operator";
    case "repartition":
      return "sink";
    case "sink":
    case "hook":
      return declared.kind;
  }
}

/**
 * Refuses what does not run, in words, so that no topology runs with another meaning than the declared one.
 */
export function validateShape(graph: Graph, faults: Faults): void {
  validateUnity(graph, faults);
  for (const node of graph.nodes) {
    validateSupport(node, faults);
    if (node.declared.kind === "source") validateSource(node, faults);
    if (node.declared.kind === "aggregate") validateAggregate(node, faults);
  }
}

function validateSupport({ declared }: GraphNode, faults: Faults): void {
  const at = nodeAt(declared.name);
  if (declared.kind === "repartition") faults.add(at, "repartitioning is not supported");
  if (declared.kind !== "aggregate") return;
  const { aggregator, windows } = declared;
  if (aggregator !== "application" && aggregator !== "count") {
    faults.add(at, `${aggregator} is not supported: aggregate in the application`);
  }
  if (windows === null) return;
  if (windows.kind !== "time" || windows.advanceMs !== windows.sizeMs) {
    faults.add(at, "its windows are not supported: take tumbling ones");
  }
}

/** One sub-topology: everything hangs together, by edges or by shared stores. */
function validateUnity(graph: Graph, faults: Faults): void {
  const parts = partsOf(graph);
  if (parts.length < 2) return;
  const said = parts.map((part) => part.map(({ declared }) => declared.name).join(", "));
  const text = `it falls into ${parts.length} parts (${said.join(" | ")})`;
  faults.add("topology", `${text}: run each as an application with an id of its own`);
}

function partsOf({ nodes }: Graph): GraphNode[][] {
  const left = new Set(nodes);
  const parts: GraphNode[][] = [];
  for (const first of nodes) {
    if (!left.has(first)) continue;
    const part = new Set([first]);
    for (const node of part) {
      const stores = new Set(storesOf(node.declared));
      const sharing = nodes.filter(({ declared }) => storesOf(declared).some((s) => stores.has(s)));
      for (const next of [...node.parents, ...node.children, ...sharing]) part.add(next);
    }
    for (const node of part) left.delete(node);
    parts.push(nodes.filter((node) => part.has(node)));
  }
  return parts;
}

function validateSource({ declared, children }: GraphNode, faults: Faults): void {
  if (children.length > 0) return;
  faults.add(nodeAt(declared.name), "nothing reads it: connect it, or remove it");
}

function validateAggregate(node: GraphNode, faults: Faults): void {
  const { declared } = node;
  const at = nodeAt(declared.name);
  const above = ancestorsOf(node);
  const keyChanger = above.find(changesKey);
  if (keyChanger !== undefined) faults.add(at, repartitionText(keyChanger));
  if (declared.kind !== "aggregate" || declared.windows === null) return;
  const timeChanger = above.find(changesTime);
  if (timeChanger !== undefined) faults.add(at, timeText(timeChanger));
}

const KEY_CHANGERS: ReadonlySet<Operation> = new Set(["process", "map", "selectKey", "flatMap"]);

function changesKey({ declared }: GraphNode): boolean {
  if (declared.kind !== "function") return false;
  return KEY_CHANGERS.has(declared.operation);
}

/**
 * A task's stream time is that of its input records. What has other times than its input would be late, or
 * not, by the wrong clock.
 */
function changesTime({ declared }: GraphNode): boolean {
  return declared.kind === "function" && declared.operation === "processValues";
}

function timeText({ declared: { name } }: GraphNode): string {
  return (
    `"${name}" above it may change timestamps, and windows go by those of the input: repartition between ` +
    "them, or use mapValues or flatMapValues"
  );
}

function repartitionText(keyChanger: GraphNode): string {
  const { name } = keyChanger.declared;
  return (
    `"${name}" above it may change the key, so its records would have to be repartitioned, which ` +
    "is not supported: write them to a topic and aggregate that in another application, or use " +
    "mapValues"
  );
}
