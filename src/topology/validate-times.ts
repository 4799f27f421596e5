import { type Faults, nodeAt } from "./faults.ts";
import { ancestorsOf, type GraphNode } from "./graph.ts";
import { changesTime } from "./state-of-nodes.ts";

/**
 * Refuses windows that would close, or take records, by the wrong clock. What holds rows back forwards them
 * when the task's stream time is long past theirs; and it closes by the task's, which that of rows with other
 * timestamps than their input's is not.
 */
export function validateTimes(node: GraphNode, faults: Faults): void {
  const { declared } = node;
  const isWindowed = declared.kind === "aggregate" && declared.windows !== null;
  if (!isWindowed && !closesWindows(node)) return;
  const above = ancestorsOf(node);
  const holder = isWindowed ? above.find(holdsBack) : undefined;
  if (holder !== undefined) {
    const text = `"${holder.declared.name}" above it forwards what is long past`;
    const remedy = "repartition between them";
    faults.add(
      nodeAt(declared.name),
      `${text}, and windows go by the time of the input: ${remedy}`,
    );
  }
  const changer = closesWindows(node) ? above.find(changesTime) : undefined;
  if (changer === undefined) return;
  const text = `"${changer.declared.name}" above it may change timestamps`;
  const remedy = "repartition between them, or use mapValues or flatMapValues";
  faults.add(nodeAt(declared.name), `${text}, and it forwards by those of the input: ${remedy}`);
}

function holdsBack({ declared }: GraphNode): boolean {
  return (
    declared.kind === "suppress" ||
    (declared.kind === "aggregate" && declared.emit === "onWindowClose")
  );
}

function closesWindows({ declared }: GraphNode): boolean {
  if (declared.kind === "suppress") return declared.until.kind === "windowCloses";
  return declared.kind === "aggregate" && declared.emit === "onWindowClose";
}
