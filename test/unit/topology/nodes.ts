import type {
  DeclaredNode,
  DeclaredStore,
  DeclaredTopology,
  Operation,
  Step,
  TimeWindows,
  Windows,
} from "../../../src/model/topology.ts";

/** Short spellings of declared nodes. */

export const fiveMinutes: TimeWindows = {
  kind: "time",
  sizeMs: 300_000,
  advanceMs: 300_000,
  graceMs: 0,
};

export function topology(
  nodes: readonly DeclaredNode[],
  stores: readonly DeclaredStore[] = [],
): DeclaredTopology {
  return { nodes, stores };
}

export function source(name: string, ...topics: string[]): DeclaredNode {
  return { name, parents: [], kind: "source", topics };
}

export function functionNode(
  name: string,
  operation: Operation,
  parents: readonly string[],
  stores: readonly string[] = [],
): DeclaredNode {
  return { name, parents, kind: "function", operation, stores };
}

export function aggregate(
  name: string,
  parent: string,
  store: string,
  windows: Windows | null,
): DeclaredNode {
  return { name, parents: [parent], kind: "aggregate", aggregator: "application", store, windows };
}

export function count(
  name: string,
  parent: string | readonly string[],
  store: string,
  windows: Windows | null,
): DeclaredNode {
  const parents = [parent].flat();
  return { name, parents, kind: "aggregate", aggregator: "count", store, windows };
}

export function sink(
  name: string,
  parent: string | readonly string[],
  topic: string,
): DeclaredNode {
  return { name, parents: [parent].flat(), kind: "sink", topic };
}

export function keyValueStore(name: string): DeclaredStore {
  return { name, kind: "keyValue" };
}

export function windowStore(name: string): DeclaredStore {
  return { name, kind: "window" };
}

/** Each step in a line: what it is, what feeds it, and where it leads. */
export function shapeOf(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    const feeds = step.feeds.map((feed) =>
      feed.from === "source" ? `in${feed.source}` : `${feed.step}.${feed.exit}`,
    );
    const of = `of ${feeds.join(" ")}`;
    if (step.kind === "operator") return `${step.operator.node} ${of}`;
    if (step.kind === "suppress") return `${step.suppress.node} ${of}`;
    if (step.kind === "sink") return `sink(${step.exit.node}) ${of}`;
    const { entries, exits } = step.stage;
    const names = exits.map(({ kind, node }) => (kind === "topic" ? node : `>${node}`));
    return `stage(${entries.join(" ")}) ${of}: ${names.join(" ")}`.trimEnd();
  });
}
