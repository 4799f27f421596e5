import { validateEmit } from "./emit.ts";
import { type Faults, nodeAt } from "./faults.ts";
import { ancestorsOf, type Graph, type GraphNode } from "./graph.ts";
import { validateSuppress } from "./suppress.ts";

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
    validateSupport(node, faults);
    if (node.declared.kind === "source") validateSource(node, faults);
    if (node.declared.kind === "aggregate") validateAggregate(node, faults);
    validateSuppress(node, faults);
    validateEmit(node, faults);
  }
}

function validateSupport({ declared }: GraphNode, faults: Faults): void {
  const at = nodeAt(declared.name);
  if (declared.kind !== "aggregate") return;
  const { aggregator, windows } = declared;
  // A window that begins with what another one holds is more than an answer can say today.
  if (windows?.kind === "sliding" && aggregator === "application") {
    const text = "sliding windows are not supported for an aggregation in the application";
    faults.add(at, `${text}: take count, sum, min or max, or hopping windows`);
  }
}

function validateSource({ declared, children }: GraphNode, faults: Faults): void {
  if (children.length > 0) return;
  faults.add(nodeAt(declared.name), "nothing reads it: connect it, or remove it");
}

function validateAggregate(node: GraphNode, faults: Faults): void {
  const { declared } = node;
  const at = nodeAt(declared.name);
  const above = ancestorsOf(node);
  if (declared.kind !== "aggregate" || declared.windows === null) return;
  const timeChanger = above.find(changesTime);
  if (timeChanger !== undefined) faults.add(at, timeText(timeChanger));
}

/**
 * A task's stream time is that of its input records. What has other times than its input would be late, or
 * not, by the wrong clock.
 */
function changesTime({ declared }: GraphNode): boolean {
  if (declared.kind === "aggregate") return declared.emit === "onWindowClose";
  if (declared.kind === "suppress") return true;
  return declared.kind === "function" && declared.operation === "processValues";
}

function timeText({ declared: { name, kind } }: GraphNode): string {
  if (kind !== "function") {
    const text = `"${name}" above it forwards what is long past, and windows go by the time of the input`;
    return `${text}: repartition between them`;
  }
  return (
    `"${name}" above it may change timestamps, and windows go by those of the input: repartition between ` +
    "them, or use mapValues or flatMapValues"
  );
}
