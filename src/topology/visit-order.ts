import type { GraphNode } from "./graph.ts";

/** When a record that enters at the sources, one after the other, first reaches each node and each edge. */
export interface VisitOrder {
  readonly node: (node: GraphNode) => number;
  readonly edge: (parent: GraphNode, child: GraphNode) => number;
}

/** Depth first, children in the order in which they were declared: as Kafka Streams forwards. */
export function visitOrderOf(nodes: readonly GraphNode[]): VisitOrder {
  const order = new Map<GraphNode, number>();
  const edges = new Map<GraphNode, Map<GraphNode, number>>();
  let next = 0;
  const visit = (node: GraphNode): void => {
    if (order.has(node)) return;
    order.set(node, next++);
    const own = new Map<GraphNode, number>();
    edges.set(node, own);
    for (const child of node.children) {
      own.set(child, next++);
      visit(child);
    }
  };
  for (const node of nodes) if (node.parents.length === 0) visit(node);
  return {
    node: (node) => order.get(node) ?? 0,
    edge: (parent, child) => edges.get(parent)?.get(child) ?? 0,
  };
}
