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
 * Holds the graph to the one shape that runs: sources, then at most one built-in aggregation, then at most
 * one stage of user code, then sinks. Whatever else is refused here, in words, so that no topology runs
 * with another meaning than the declared one.
 */
export function validateShape(graph: Graph, faults: Faults): void {
  validateUnity(graph, faults);
  validateSources(graph, faults);
  for (const node of graph.nodes) {
    validateSupport(node, faults);
    switch (roleOf(node)) {
      case "source":
        break;
      case "operator":
        validateOperator(node, faults);
        break;
      case "stage":
        validateStageNode(node, faults);
        break;
      case "sink":
        validateSink(node, graph, faults);
        break;
      // Who feeds it is looked at by itself.
      case "hook":
        break;
    }
  }
  validateOneOperator(graph, faults);
}

function validateSupport({ declared }: GraphNode, faults: Faults): void {
  const at = nodeAt(declared.name);
  if (declared.kind === "repartition") faults.add(at, "repartitioning is not supported");
  if (declared.kind !== "aggregate") return;
  const { aggregator, windows } = declared;
  // A window that begins with what another one holds is more than an answer can say today.
  if (windows?.kind === "sliding" && aggregator === "application") {
    const text = "sliding windows are not supported for an aggregation in the application";
    faults.add(at, `${text}: take count, sum, min or max, or hopping windows`);
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

function validateSources({ nodes }: Graph, faults: Faults): void {
  const sources = nodes.filter((node) => roleOf(node) === "source");
  for (const source of sources) {
    const at = nodeAt(source.declared.name);
    if (source.children.length === 0) faults.add(at, "nothing reads it: connect it, or remove it");
    const roles = new Set(source.children.map(roleOf));
    if (roles.has("operator") && source.children.length > 1) {
      const text = "it feeds a built-in aggregation and another node";
      faults.add(
        at,
        `${text}: let the other read the aggregation's output, or another application`,
      );
    }
  }
  for (const node of nodes) {
    const read = node.parents.filter((parent) => roleOf(parent) === "source").length;
    if (read === 0 || read === sources.length) continue;
    const text = `it reads ${read} of the ${sources.length} sources of its sub-topology`;
    const remedy = "let it read all of them, or run it as an application of its own";
    faults.add(nodeAt(node.declared.name), `${text}: ${remedy}`);
  }
}

function validateOperator(node: GraphNode, faults: Faults): void {
  const at = nodeAt(node.declared.name);
  const above = ancestorsOf(node);
  const keyChanger = above.find(changesKey);
  if (keyChanger !== undefined) {
    faults.add(at, repartitionText(keyChanger));
  } else if (above.some((ancestor) => roleOf(ancestor) === "stage")) {
    const text = "a built-in aggregation cannot stand behind the application's code";
    faults.add(at, `${text}: aggregate in the application, or in another one`);
  }
}

function validateOneOperator({ nodes }: Graph, faults: Faults): void {
  const [first, ...others] = nodes.filter((node) => roleOf(node) === "operator");
  for (const other of others) {
    const name = first?.declared.name;
    const text = `"${name}" aggregates already, and one built-in aggregation is what a topology has`;
    faults.add(nodeAt(other.declared.name), `${text}: run the second as another application`);
  }
}

function validateStageNode(node: GraphNode, faults: Faults): void {
  const at = nodeAt(node.declared.name);
  if (node.parents.length > 1 && node.parents.some((parent) => roleOf(parent) !== "source")) {
    faults.add(at, "it merges several nodes: only sources can be merged; call it from one of them");
  }
  if (node.declared.kind !== "aggregate") return;
  const above = ancestorsOf(node);
  const keyChanger = above.find(changesKey);
  if (keyChanger !== undefined) faults.add(at, repartitionText(keyChanger));
  const upper = above.find((up) => roleOf(up) === "stage" && up.declared.kind === "aggregate");
  if (upper !== undefined) {
    const text = `it aggregates what "${upper.declared.name}" aggregated already`;
    faults.add(at, `${text}: one aggregation per path; run the second as another application`);
  }
}

function validateSink(node: GraphNode, { nodes }: Graph, faults: Faults): void {
  if (!nodes.some((other) => roleOf(other) === "stage")) return;
  for (const parent of node.parents) {
    if (roleOf(parent) === "stage") continue;
    const text = `it takes records from "${parent.declared.name}" past the application's code`;
    const remedy = "put a mapValues between that returns the value as it is";
    faults.add(nodeAt(node.declared.name), `${text}: ${remedy}`);
  }
}

const KEY_CHANGERS: ReadonlySet<Operation> = new Set(["process", "map", "selectKey", "flatMap"]);

function changesKey({ declared }: GraphNode): boolean {
  if (declared.kind !== "function") return false;
  return KEY_CHANGERS.has(declared.operation);
}

function repartitionText(keyChanger: GraphNode): string {
  const { name } = keyChanger.declared;
  return (
    `"${name}" above it may change the key, so its records would have to be repartitioned, which ` +
    "is not supported: write them to a topic and aggregate that in another application, or use " +
    "mapValues"
  );
}
