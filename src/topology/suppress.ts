import { invariant } from "../errors/invariant.ts";
import type { DeclaredNode, StoreSpec, Suppress, Windows } from "../model/topology.ts";
import { type Faults, nodeAt } from "./faults.ts";
import type { GraphNode } from "./graph.ts";

/**
 * How long after the time in its key a window takes no more records, in ms of stream time: a window of time
 * has its start there and ends before its end, the others have their last record's time.
 */
export function closeDelayOf(windows: Windows): number {
  const { graceMs } = windows;
  switch (windows.kind) {
    case "time":
      return windows.sizeMs + graceMs;
    case "sliding":
      return windows.differenceMs + graceMs + 1;
    case "session":
      return windows.gapMs + graceMs + 1;
  }
}

export function suppressOf(node: GraphNode, stores: readonly StoreSpec[]): Suppress {
  const { declared } = node;
  invariant(declared.kind === "suppress", "what suppresses is declared so");
  const { name, until, buffer } = declared;
  const store = stores.findIndex((spec) => spec.name === declared.store);
  if (until.kind === "timeLimit") {
    return { node: name, store, windows: null, delayMs: until.waitMs, buffer };
  }
  const windows = windowsAbove(node);
  invariant(windows !== null, "what suppresses until windows close stands behind windows");
  return { node: name, store, windows, delayMs: closeDelayOf(windows), buffer };
}

/** Refuses a suppress that holds back anything else than what one aggregate forwards. */
export function validateSuppress(node: GraphNode, faults: Faults): void {
  const { declared, parents } = node;
  if (declared.kind !== "suppress") return;
  const at = nodeAt(declared.name);
  const [parent] = parents;
  if (parents.length !== 1 || parent?.declared.kind !== "aggregate") {
    faults.add(at, "it suppresses what one aggregate forwards: put it right behind one");
    return;
  }
  const { name, windows, emit } = parent.declared;
  if (emit !== undefined) {
    const text = `"${name}" before it forwards ${EMITS[emit]}, so there is nothing to hold back`;
    faults.add(at, `${text}: leave out one of the two`);
  }
  if (declared.until.kind === "windowCloses" && windows === null) {
    const text = `"${name}" before it has no windows that could close`;
    faults.add(at, `${text}: suppress until a time limit, or aggregate by windows`);
  }
}

const EMITS = { onWindowClose: "each window once", onCommit: "each key once per commit" } as const;

function windowsAbove({ parents }: GraphNode): Windows | null {
  const declared: DeclaredNode | undefined = parents[0]?.declared;
  return declared?.kind === "aggregate" ? declared.windows : null;
}
