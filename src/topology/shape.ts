import { validateEmit } from "./emit.ts";
import { type Faults, nodeAt } from "./faults.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { validateSuppress } from "./suppress.ts";
import { validateTimes } from "./validate-times.ts";

/**
 * What a node is to its program. An operator's rows come back before anything behind it runs, whoever folds:
 * windows that slide are the sidecar's to begin, and an application's to fill; and what is not forwarded
 * as it is folded waits in the sidecar.
 */
export type Role = "source" | "operator" | "stage" | "sink" | "hook";

export function roleOf({ declared }: GraphNode): Role {
  switch (declared.kind) {
    case "source":
      return "source";
    case "function":
      return "stage";
    case "aggregate":
      if (declared.aggregator !== "application" || declared.emit !== undefined) return "operator";
      return declared.windows?.kind === "sliding" ? "operator" : "stage";
    case "suppress":
      return "operator";
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
  for (const node of graph.nodes) {
    if (node.declared.kind === "source") validateSource(node, faults);
    validateSuppress(node, faults);
    validateEmit(node, faults);
    validateTimes(node, faults);
  }
}

function validateSource({ declared, children }: GraphNode, faults: Faults): void {
  if (children.length > 0) return;
  faults.add(nodeAt(declared.name), "nothing reads it: connect it, or remove it");
}
