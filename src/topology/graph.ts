import type { DeclaredNode, DeclaredTopology } from "../model/topology.ts";
import { type Faults, nodeAt } from "./faults.ts";
import { nameFault } from "./names.ts";

/** The declared nodes with what feeds each and what each feeds. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
}

export interface GraphNode {
  readonly declared: DeclaredNode;
  readonly parents: readonly GraphNode[];
  readonly children: GraphNode[];
}

/**
 * Links the nodes by name. Parents stand before their children, so a cycle cannot be declared. Null
 * when the links themselves are broken: then nothing can be said about the shape.
 */
export function linkNodes(declared: DeclaredTopology, faults: Faults): Graph | null {
  const before = faults.count;
  const names = new Set(declared.nodes.map(({ name }) => name));
  const linked = new Map<string, GraphNode>();
  if (declared.nodes.length === 0) faults.add("topology", "it has no nodes: declare a source");
  for (const node of declared.nodes) {
    const at = nodeAt(node.name);
    const badName = nameFault(node.name);
    if (badName !== null) faults.add(at, badName);
    if (linked.has(node.name)) faults.add(at, "another node has the same name: rename one of them");
    const parents = linkParents(node, linked, names, faults);
    const graphNode: GraphNode = { declared: node, parents, children: [] };
    for (const parent of parents) parent.children.push(graphNode);
    linked.set(node.name, graphNode);
  }
  return faults.count > before ? null : { nodes: [...linked.values()] };
}

function linkParents(
  node: DeclaredNode,
  linked: ReadonlyMap<string, GraphNode>,
  names: ReadonlySet<string>,
  faults: Faults,
): GraphNode[] {
  const at = nodeAt(node.name);
  const parents: GraphNode[] = [];
  if (node.kind === "source" && node.parents.length > 0) {
    faults.add(at, "a source has no parents: leave them out, or make it a function");
  }
  if (node.kind !== "source" && node.parents.length === 0) {
    faults.add(at, "nothing feeds it: name its parent");
  }
  for (const [index, name] of node.parents.entries()) {
    const parent = linked.get(name);
    if (node.parents.indexOf(name) < index) {
      faults.add(at, `it names its parent "${name}" twice: once is enough`);
    } else if (parent === undefined && names.has(name)) {
      faults.add(at, `its parent "${name}" stands after it: declare parents first, without cycles`);
    } else if (parent === undefined) {
      faults.add(at, `its parent "${name}" is not declared: declare it, or correct the name`);
    } else if (parent.declared.kind === "sink") {
      faults.add(at, `its parent "${name}" is a sink, which feeds nothing: read the topic instead`);
    } else if (parent.declared.kind === "hook") {
      faults.add(at, `its parent "${name}" is a hook, which feeds nothing: forward before it`);
    } else {
      parents.push(parent);
    }
  }
  return parents;
}

/** The nodes above `node`, nearest first, each once. */
export function ancestorsOf(node: GraphNode): GraphNode[] {
  const seen = new Set<GraphNode>();
  const waiting = [...node.parents];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...next.parents);
  }
  return [...seen];
}
