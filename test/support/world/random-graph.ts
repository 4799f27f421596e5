import type {
  DeclaredNode,
  DeclaredStore,
  DeclaredTopology,
  Operation,
} from "../../../src/model/topology.ts";

/** A number in [0, bound). */
export type Draw = (bound: number) => number;

export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const OPERATIONS: readonly Operation[] = [
  "mapValues",
  "filter",
  "flatMapValues",
  "peek",
  "branch",
  "processValues",
];
const WINDOWS = { kind: "time", sizeMs: 1_000, advanceMs: 1_000, graceMs: 500 } as const;

/** Any graph that is one sub-topology: built-in nodes and user code in any order, merged and fanned out. */
export function randomGraph(draw: Draw): DeclaredTopology {
  const nodes: DeclaredNode[] = [{ name: "in", parents: [], kind: "source", topics: ["in"] }];
  const stores: DeclaredStore[] = [];
  if (draw(3) === 0) nodes.push({ name: "in2", parents: [], kind: "source", topics: ["in2"] });
  const sources = nodes.length;
  /** Nodes below which windows would go by a clock that user code may set. */
  const timeless = new Set<string>();
  /** And those whose hop has other keys than its rows: state by key would have to be asked for. */
  const rekeyed = new Set<string>();
  const many = 2 + draw(6);
  for (let index = 0; index < many; index++) {
    const parents = parentsOf(nodes, sources, index, draw);
    const name = `n${index}`;
    const isTimeless = parents.some((parent) => timeless.has(parent));
    const isRekeyed = parents.some((parent) => rekeyed.has(parent));
    const node = drawNode(name, parents, { isTimeless, isRekeyed }, stores, draw);
    if (isRekeyed || (node.kind === "aggregate" && node.windows !== null)) rekeyed.add(name);
    if (isTimeless || hidesTime(node)) timeless.add(name);
    nodes.push(node);
    if (node.kind !== "aggregate" || node.emit !== undefined || draw(3) > 0) continue;
    const suppress = drawSuppress(`${name}-suppress`, node, stores, draw);
    nodes.push(suppress);
    timeless.add(suppress.name);
    if (rekeyed.has(name)) rekeyed.add(suppress.name);
  }
  const inner = nodes.slice(sources);
  for (const [index, { name }] of inner.entries()) {
    const isLeaf = !inner.some(({ parents }) => parents.includes(name));
    if (!isLeaf && draw(3) > 0) continue;
    const topic = draw(2) === 0 ? "out" : "out2";
    const beside = draw(4) === 0 ? [`in`] : [];
    nodes.push({ name: `s${index}`, parents: [name, ...beside], kind: "sink", topic });
  }
  return { nodes, stores };
}

function hidesTime(node: DeclaredNode): boolean {
  if (node.kind === "aggregate") return node.emit === "onWindowClose";
  return node.kind === "function" && node.operation === "processValues";
}

function drawSuppress(
  name: string,
  { name: parent, windows }: DeclaredNode & { kind: "aggregate" },
  stores: DeclaredStore[],
  draw: Draw,
): DeclaredNode {
  const store = `${name}-store`;
  stores.push({ name: store, kind: "buffer" });
  const declared = { name, parents: [parent], kind: "suppress", store } as const;
  if (windows !== null && draw(2) === 0) {
    return { ...declared, until: { kind: "windowCloses" }, buffer: { whenFull: "shutDown" } };
  }
  const limits = [{}, { maxRecords: 1 + draw(4) }, { maxBytes: 30 + draw(200) }][draw(3)];
  const until = { kind: "timeLimit", waitMs: draw(1_500) } as const;
  return { ...declared, until, buffer: { ...limits, whenFull: "emitEarly" } };
}

/** The first reads every source, so that everything hangs together. */
function parentsOf(
  nodes: readonly DeclaredNode[],
  sources: number,
  index: number,
  draw: Draw,
): string[] {
  if (index === 0) return nodes.slice(0, sources).map(({ name }) => name);
  const wanted = 1 + (draw(3) === 0 ? 1 : 0);
  const names = Array.from({ length: wanted }, () => nodes[draw(nodes.length)]?.name ?? "in");
  return [...new Set(names)];
}

function drawNode(
  name: string,
  parents: readonly string[],
  { isTimeless, isRekeyed }: { readonly isTimeless: boolean; readonly isRekeyed: boolean },
  stores: DeclaredStore[],
  draw: Draw,
): DeclaredNode {
  const kind = draw(5);
  if (kind < 2) {
    const isWindowed = !isTimeless && draw(2) === 0;
    const store = `${name}-store`;
    stores.push({ name: store, kind: isWindowed ? "window" : "keyValue" });
    const aggregator = draw(3) === 0 ? "application" : "count";
    const windows = isWindowed ? WINDOWS : null;
    const emit = isWindowed && draw(3) === 0;
    const emits = emit ? { emit: "onWindowClose" as const } : {};
    return { name, parents, kind: "aggregate", aggregator, store, windows, ...emits };
  }
  const operation = OPERATIONS[draw(OPERATIONS.length)] ?? "peek";
  if (operation !== "processValues" || isRekeyed) {
    const stateless = operation === "processValues" ? "mapValues" : operation;
    return { name, parents, kind: "function", operation: stateless, stores: [] };
  }
  const shared = stores.filter((store) => store.name.startsWith("own"));
  const other = shared[draw(shared.length + 2)];
  const store = other?.name ?? `own-${name}`;
  if (other === undefined) stores.push({ name: store, kind: "keyValue" });
  return { name, parents, kind: "function", operation, stores: [store] };
}
