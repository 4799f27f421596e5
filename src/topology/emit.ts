import { type Faults, nodeAt } from "./faults.ts";
import type { GraphNode } from "./graph.ts";

/** Refuses what an aggregate cannot do with its strategy, in words. */
export function validateEmit({ declared, children }: GraphNode, faults: Faults): void {
  if (declared.kind !== "aggregate" || declared.emit === undefined) return;
  const at = nodeAt(declared.name);
  if (declared.emit === "onWindowClose") {
    if (declared.windows === null) {
      const text = "it has no windows that could close";
      faults.add(at, `${text}: aggregate by windows, or emit on window update`);
    }
    return;
  }
  for (const child of children) {
    const { kind, name } = child.declared;
    if (kind === "sink") continue;
    const text = `"${name}" behind it would run before the commit, which is when it forwards`;
    faults.add(at, `${text}: put a repartition between them, or write a topic`);
  }
}
