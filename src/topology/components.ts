import type { GraphNode } from "./graph.ts";
import { roleOf } from "./shape.ts";

/** Nodes of user code that run in one hop, in the order in which they were declared. */
export type Component = readonly GraphNode[];

/**
 * Fuses user code that hangs together, by edges or by what feeds it. What stands behind a built-in node is
 * a hop deeper than what stands before it, and so is an aggregation behind an aggregation: its keys are
 * known when the first has answered. One in windows is a hop deeper than code that gives a row another
 * time, or, where windows are sessions, makes several of it: which windows those are in is up to the rows
 * themselves. Only equal depths are fused, and depths never fall on a path: so no path leaves a component
 * and comes back.
 */
export function componentsOf(nodes: readonly GraphNode[]): Component[] {
  const depths = depthsOf(nodes);
  const code = nodes.filter((node) => roleOf(node) === "stage");
  const group = new Map<GraphNode, Set<GraphNode>>(code.map((node) => [node, new Set([node])]));
  const fuse = (one: GraphNode, other: GraphNode): void => {
    const [into, from] = [group.get(one), group.get(other)];
    if (into === undefined || from === undefined || into === from) return;
    if (depths.get(one) !== depths.get(other)) return;
    for (const node of from) {
      into.add(node);
      group.set(node, into);
    }
  };
  for (const node of nodes) {
    if (roleOf(node) === "stage") for (const child of node.children) fuse(node, child);
    else fuseSiblings(node.children, fuse);
  }
  const components = new Set(group.values());
  return [...components].map((members) => code.filter((node) => members.has(node)));
}

function fuseSiblings(
  siblings: readonly GraphNode[],
  fuse: (one: GraphNode, other: GraphNode) => void,
): void {
  for (const [index, one] of siblings.entries()) {
    for (const other of siblings.slice(index + 1)) fuse(one, other);
  }
}

/** How many hops a record has behind it, at most, when it reaches a node. */
function depthsOf(nodes: readonly GraphNode[]): Map<GraphNode, number> {
  const depths = new Map<GraphNode, number>();
  /** By what there is of it at or above them in their hop. */
  const folded = new Set<GraphNode>();
  const retimed = new Set<GraphNode>();
  const multiplied = new Set<GraphNode>();
  for (const node of nodes) {
    const isCode = roleOf(node) === "stage";
    const isAggregate = isCode && node.declared.kind === "aggregate";
    let depth = 0;
    for (const parent of node.parents) {
      const above = depths.get(parent) ?? 0;
      depth = Math.max(depth, isCode && roleOf(parent) === "operator" ? above + 1 : above);
    }
    const inHop = node.parents.filter(
      (parent) => roleOf(parent) === "stage" && depths.get(parent) === depth,
    );
    const isBehind = (some: ReadonlySet<GraphNode>): boolean =>
      isCode && inHop.some((parent) => some.has(parent));
    const { declared } = node;
    const windows = declared.kind === "aggregate" ? declared.windows : null;
    const isCut =
      isAggregate &&
      (isBehind(folded) ||
        (windows !== null && isBehind(retimed)) ||
        (windows?.kind === "session" && isBehind(multiplied)));
    depths.set(node, isCut ? depth + 1 : depth);
    if (isAggregate || isBehind(folded)) folded.add(node);
    if (isCut) continue;
    const operation = declared.kind === "function" ? declared.operation : null;
    const isFree = operation === "processValues";
    if (isFree || isBehind(retimed)) retimed.add(node);
    if (isFree || operation === "flatMapValues" || isBehind(multiplied)) multiplied.add(node);
  }
  return depths;
}
