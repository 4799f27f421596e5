import { invariant } from "../errors/invariant.ts";
import type {
  DeclaredNode,
  Exit,
  Feed,
  SinkStep,
  Step,
  StoreSpec,
  TopicExit,
} from "../model/topology.ts";
import { type Component, componentsOf } from "./components.ts";
import type { GraphNode } from "./graph.ts";
import { hookTopic } from "./names.ts";
import { roleOf } from "./shape.ts";
import { operatorOf, stageStoresOf } from "./state-of-nodes.ts";
import { closeDelayOf, suppressOf } from "./suppress.ts";
import { type VisitOrder, visitOrderOf } from "./visit-order.ts";

/** A step whose number, and whose feeds' numbers, are not known yet. */
interface Draft {
  /** Its place among those that could come next. */
  readonly order: number;
  readonly origins: readonly Origin[];
  /** The nodes that a record passes within it: what they feed, the step forwards. */
  readonly nodes: readonly GraphNode[];
  readonly exits: readonly Exit[];
  readonly make: (feeds: readonly Feed[], stages: number) => Step;
}

/** What the topics of exits are. */
export interface Naming {
  readonly applicationId: string;
  /** Repartition topics, which take no record without a key. */
  readonly keyedTopics: ReadonlySet<string>;
  /** The nodes of the sub-topology that have timers or punctuators, in their order. */
  readonly timers: readonly string[];
}

/** Rows that reach a step: of a node outside it, through the edges to `children`. */
interface Origin {
  readonly parents: readonly GraphNode[];
  readonly children: readonly GraphNode[];
}

/**
 * The steps of one sub-topology, in an order in which each stands behind what feeds it. `nodes` are in
 * the order in which they were declared, parents first.
 */
export function stepsOf(
  nodes: readonly GraphNode[],
  stores: readonly StoreSpec[],
  naming: Naming,
): Step[] {
  const order = visitOrderOf(nodes);
  const exitOf = exitsBy(naming);
  const drafts = [
    ...componentsOf(nodes).flatMap((component) =>
      stageDrafts(component, nodes, stores, exitOf, order, naming.timers),
    ),
    ...nodes.flatMap((node) => operatorDraft(node, stores, exitOf, order)),
    ...nodes.flatMap((node) => sinkDraft(node, exitOf, order)),
  ];
  const sources = nodes.filter((node) => roleOf(node) === "source");
  return inOrder(drafts, sources, order);
}

/**
 * A component's feeds may differ in which of its nodes they enter; every entry of a stage takes every row, so
 * it becomes a stage for each set of entries.
 */
function stageDrafts(
  component: Component,
  nodes: readonly GraphNode[],
  stores: readonly StoreSpec[],
  exitOf: (node: GraphNode) => Exit,
  order: VisitOrder,
  timed: readonly string[],
): Draft[] {
  const byEntries = new Map<string, { entries: readonly GraphNode[]; origins: Origin[] }>();
  for (const origin of originsOf(component)) {
    const entries = component.filter((node) => origin.children.includes(node));
    const key = entries.map(({ declared }) => declared.name).join(" ");
    const draft = byEntries.get(key) ?? { entries, origins: [] };
    draft.origins.push(origin);
    byEntries.set(key, draft);
  }
  return [...byEntries.values()].map(({ entries, origins }) => {
    const own = reachedFrom(entries, component);
    const feeds = new Set(own.flatMap(({ children }) => children));
    for (const node of own) feeds.delete(node);
    const exits = nodes.filter((node) => feeds.has(node)).map(exitOf);
    const names = entries.map(({ declared }) => declared.name);
    const timers = timersOf(own, timed);
    const stage = { entries: names, stores: stageStoresOf(own, stores), exits, ...timers };
    return {
      order: Math.min(...entries.map(order.node)),
      ...{ origins, nodes: own, exits },
      make: (feeds, index): Step => ({ kind: "stage", feeds, stage: { index, ...stage } }),
    };
  });
}

/** What of it may answer with timers. */
function timersOf(
  nodes: readonly GraphNode[],
  timed: readonly string[],
): { readonly timers?: readonly number[] } {
  const timers = nodes.flatMap(({ declared }) => {
    const index = timed.indexOf(declared.name);
    return index < 0 ? [] : [index];
  });
  return timers.length === 0 ? {} : { timers };
}

/** A source or a built-in node feeds all its children here; an exit of other user code is one node's. */
function originsOf(component: Component): Origin[] {
  const byParent = new Map<GraphNode, GraphNode[]>();
  const onward: Origin[] = [];
  for (const node of component) {
    const outside = node.parents.filter((parent) => !component.includes(parent));
    const code = outside.filter(isCode);
    if (code.length > 0) onward.push({ parents: code, children: [node] });
    for (const parent of outside) {
      if (code.includes(parent)) continue;
      byParent.set(parent, [...(byParent.get(parent) ?? []), node]);
    }
  }
  const direct = [...byParent].map(([parent, children]) => ({ parents: [parent], children }));
  return [...direct, ...onward];
}

function reachedFrom(entries: readonly GraphNode[], component: Component): GraphNode[] {
  const reached = new Set(entries);
  for (const node of reached) {
    for (const child of node.children) if (component.includes(child)) reached.add(child);
  }
  return component.filter((node) => reached.has(node));
}

function operatorDraft(
  node: GraphNode,
  stores: readonly StoreSpec[],
  exitOf: (node: GraphNode) => Exit,
  order: VisitOrder,
): Draft[] {
  if (roleOf(node) !== "operator") return [];
  const draft = { order: order.node(node), origins: originsTo(node), nodes: [node], exits: [] };
  const { declared } = node;
  if (declared.kind === "suppress") {
    const suppress = suppressOf(node, stores);
    return [{ ...draft, make: (feeds): Step => ({ kind: "suppress", feeds, suppress }) }];
  }
  if (declared.kind === "aggregate" && declared.aggregator === "application") {
    return [foldDraft(draft, node, declared, stores, exitOf)];
  }
  const operator = operatorOf(declared, stores);
  return [{ ...draft, make: (feeds): Step => ({ kind: "operator", feeds, operator }) }];
}

/** An aggregation of the application whose rows the sidecar takes on. */
function foldDraft(
  draft: Omit<Draft, "make">,
  node: GraphNode,
  { name, windows, emit }: DeclaredNode & { kind: "aggregate" },
  stores: readonly StoreSpec[],
  exitOf: (node: GraphNode) => Exit,
): Draft {
  const exits = node.children.map(exitOf);
  const isSliding = windows?.kind === "sliding";
  const isClosing = emit === "onWindowClose" && windows !== null;
  const isOncePerCommit = emit === "onCommit" && !isSliding;
  const stage = {
    entries: [name],
    stores: stageStoresOf([node], stores),
    exits,
    ...(isSliding ? { folds: windows } : {}),
    ...(isClosing ? { closes: { windows, delayMs: closeDelayOf(windows) } } : {}),
    ...(isOncePerCommit ? { isOncePerCommit } : {}),
  };
  return {
    ...draft,
    // Else what is forwarded is what the sidecar has, whichever exit it was said through.
    exits: isOncePerCommit ? exits : [],
    make: (feeds, index): Step => ({ kind: "stage", feeds, stage: { index, ...stage } }),
  };
}

/** Of a topic that a source or a built-in node feeds; what user code sends there is an exit of its stage. */
function sinkDraft(node: GraphNode, exitOf: (node: GraphNode) => Exit, order: VisitOrder): Draft[] {
  const origins = originsTo(node).filter(({ parents }) =>
    parents.every((parent) => !isCode(parent)),
  );
  const exit = exitOf(node);
  if (exit.kind !== "topic") return [];
  const draft = (
    own: readonly Origin[],
    step: Pick<SinkStep, "exit" | "isOncePerCommit">,
  ): Draft => ({
    order: order.node(node),
    ...{ origins: own, nodes: [], exits: [] },
    make: (feeds): Step => ({ kind: "sink", feeds, ...step }),
  });
  // Each aggregate has keys of its own, and takes its turn for itself.
  const onCommit = origins.filter(({ parents }) => parents.some(emitsOnCommit));
  const others = origins.filter((origin) => !onCommit.includes(origin));
  return [
    ...(others.length === 0 ? [] : [draft(others, { exit })]),
    ...onCommit.map((origin) => draft([origin], { exit, isOncePerCommit: true })),
  ];
}

function emitsOnCommit({ declared }: GraphNode): boolean {
  return declared.kind === "aggregate" && declared.emit === "onCommit";
}

/** User code above a node sends it rows through the one exit of its name, however many of it do. */
function originsTo(node: GraphNode): Origin[] {
  const code = node.parents.filter(isCode);
  const others = node.parents.filter((parent) => !isCode(parent));
  const origins = others.map((parent) => ({ parents: [parent], children: [node] }));
  return code.length === 0 ? origins : [...origins, { parents: code, children: [node] }];
}

function isCode(node: GraphNode): boolean {
  return roleOf(node) === "stage";
}

function exitsBy({ applicationId, keyedTopics }: Naming): (node: GraphNode) => Exit {
  return ({ declared }): Exit => {
    const { name: node } = declared;
    if (declared.kind === "sink") {
      const { topic, shares } = declared;
      if (shares === true) return { kind: "shared", node };
      const exit: TopicExit = { kind: "topic", node, topic, isHook: false };
      return keyedTopics.has(topic) ? { ...exit, dropsNullKeys: true } : exit;
    }
    if (declared.kind !== "hook") return { kind: "onward", node };
    return { kind: "topic", node, topic: hookTopic(applicationId, node), isHook: true };
  };
}

/** Of those whose feeds have a number, the one that a record reaches first gets the next. */
function inOrder(
  drafts: readonly Draft[],
  sources: readonly GraphNode[],
  order: VisitOrder,
): Step[] {
  const steps: Step[] = [];
  const numbers = new Map<Draft, number>();
  const left = new Set([...drafts].sort((one, other) => one.order - other.order));
  let stages = 0;
  while (left.size > 0) {
    const next = [...left].find((draft) =>
      [...left].every((other) => other === draft || !isFedBy(draft, other)),
    );
    invariant(next !== undefined, "what feeds a step never stands behind it");
    const feeds = feedsOf(next, numbers, sources, order);
    const step = next.make(feeds, stages);
    if (step.kind === "stage") stages += 1;
    numbers.set(next, steps.length);
    steps.push(step);
    left.delete(next);
  }
  return steps;
}

function isFedBy({ origins }: Draft, { nodes }: Draft): boolean {
  return origins.some(({ parents }) => parents.some((parent) => nodes.includes(parent)));
}

/** In the order in which rows of one record arrive. */
function feedsOf(
  { origins }: Draft,
  numbers: ReadonlyMap<Draft, number>,
  sources: readonly GraphNode[],
  order: VisitOrder,
): Feed[] {
  const found: { readonly at: number; readonly feed: Feed }[] = [];
  for (const { parents, children } of origins) {
    const atOf = (some: readonly GraphNode[]): number =>
      Math.min(...some.flatMap((from) => children.map((to) => order.edge(from, to))));
    const source = sources.findIndex((node) => parents.includes(node));
    if (source >= 0) found.push({ at: atOf(parents), feed: { from: "source", source } });
    for (const [draft, step] of numbers) {
      const own = parents.filter((parent) => draft.nodes.includes(parent));
      if (own.length === 0) continue;
      const exit = exitTo(draft, children);
      found.push({ at: atOf(own), feed: { from: "step", step, exit } });
    }
  }
  return found.sort((left, right) => left.at - right.at).map(({ feed }) => feed);
}

/** A built-in node has one exit, whatever takes its rows. */
function exitTo({ exits }: Draft, [child]: readonly GraphNode[]): number {
  if (exits.length === 0) return 0;
  return exits.findIndex(({ node }) => node === child?.declared.name);
}

/** Whether two steps that records of one source reach use the same store. */
export function sharesStores(steps: readonly Step[], sources: number): boolean {
  for (let source = 0; source < sources; source++) {
    const reached = new Set<number>();
    const used = new Set<number>();
    for (const [index, step] of steps.entries()) {
      const isReached = step.feeds.some((feed) =>
        feed.from === "source" ? feed.source === source : reached.has(feed.step),
      );
      if (!isReached) continue;
      reached.add(index);
      for (const store of storesOfStep(step)) {
        if (used.has(store)) return true;
        used.add(store);
      }
    }
  }
  return false;
}

function storesOfStep(step: Step): number[] {
  if (step.kind === "operator") return [step.operator.store];
  if (step.kind === "suppress") return [step.suppress.store];
  return step.kind === "stage" ? step.stage.stores.map(({ store }) => store) : [];
}
