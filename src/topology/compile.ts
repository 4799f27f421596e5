import { invariant } from "../errors/invariant.ts";
import type {
  DeclaredNode,
  DeclaredStore,
  DeclaredTopology,
  Operator,
  Program,
  Programs,
  Stage,
  StageSink,
  StageStore,
  StoreSpec,
  TakenRows,
  Windows,
} from "../model/topology.ts";
import { Faults } from "./faults.ts";
import { ancestorsOf, type Graph, type GraphNode, linkNodes } from "./graph.ts";
import { hookProgram, hooksOf, validateHooks } from "./hooks.ts";
import { changelogTopic, controlTopic, hookTopic, PARKED_STORE } from "./names.ts";
import { validateParking } from "./parking.ts";
import { patternOf } from "./pattern.ts";
import { roleOf, validateShape } from "./shape.ts";
import { storesOf, validateParts } from "./validate.ts";

/**
 * Compiles a declared topology to programs, one for each sub-topology: one of the shape
 * sources → count? → stage of user code? → sinks, and behind it one for each hook.
 *
 * Throws TOPOLOGY_INVALID with every fault: the node, what is wrong with it, and the remedy.
 */
export function compile(
  declared: DeclaredTopology,
  { applicationId, parks = false }: { readonly applicationId: string; readonly parks?: boolean },
): Programs {
  const faults = new Faults();
  const graph = linkNodes(declared, faults);
  validateParts(declared, applicationId, faults);
  validateParking(declared, applicationId, parks, faults);
  validateHooks(declared, applicationId, faults);
  if (graph !== null) validateShape(graph, faults);
  faults.throwIfAny();
  invariant(graph !== null, "a topology whose links are broken has faults");
  const program = programOf(graph, declared, applicationId, parks);
  const hooks = hooksOf(declared).map(({ name }, index) =>
    hookProgram(name, hookTopic(applicationId, name), index, program),
  );
  return [program, ...hooks];
}

function programOf(
  graph: Graph,
  declared: DeclaredTopology,
  applicationId: string,
  parks: boolean,
): Program {
  const stores = declared.stores.map((store) => storeOf(store, declared.nodes, applicationId));
  const stage = stageOf(graph, stores, applicationId);
  // Without code of the application there is nothing that a record could fail in.
  const canPark = parks && stage !== null;
  if (canPark) {
    const changelog = changelogTopic(applicationId, PARKED_STORE);
    stores.push({ name: PARKED_STORE, kind: "keyValue", changelogTopic: changelog });
  }
  const pattern = patternOf(declared.nodes);
  return {
    subtopology: 0,
    frame: { source: 0, stage: 0 },
    sources: graph.nodes.flatMap(({ declared: node }) =>
      node.kind === "source" ? node.topics : [],
    ),
    ...(pattern === undefined ? {} : { pattern }),
    operators: graph.nodes.flatMap(({ declared: node }) => operatorOf(node, stores)),
    stage,
    directSinks: stage === null ? sinksOf(graph, applicationId).map(({ topic }) => topic) : [],
    stores,
    parking: canPark
      ? { store: stores.length - 1, controlTopic: controlTopic(applicationId) }
      : null,
    hook: null,
  };
}

function storeOf(
  { name, kind }: DeclaredStore,
  nodes: readonly DeclaredNode[],
  applicationId: string,
): StoreSpec {
  const spec = { name, kind, changelogTopic: changelogTopic(applicationId, name) };
  const user = nodes.find((node) => node.kind === "aggregate" && node.store === name);
  const windows = user?.kind === "aggregate" ? user.windows : null;
  if (windows === null) return spec;
  const retained = { ...spec, retentionMs: retentionOf(windows) };
  if (windows.kind === "time") return retained;
  return {
    ...retained,
    isRanged: true,
    ...(windows.kind === "sliding" ? { isTimestamped: true } : {}),
  };
}

/** Kafka Streams' least; of sliding windows so much longer that no record looks for what has gone. */
function retentionOf(windows: Windows): number {
  const { graceMs } = windows;
  switch (windows.kind) {
    case "time":
      return windows.sizeMs + graceMs;
    case "sliding":
      return 2 * windows.differenceMs + graceMs + 2;
    case "session":
      return windows.gapMs + graceMs;
  }
}

function operatorOf(node: DeclaredNode, stores: readonly StoreSpec[]): Operator[] {
  if (node.kind !== "aggregate" || node.aggregator === "application") return [];
  const { name, windows, aggregator: kind, number } = node;
  const store = stores.findIndex((spec) => spec.name === node.store);
  // Kafka Streams counts a null value in a window that does not slide; there is nothing of it to add up.
  const isSliding = windows?.kind === "sliding";
  const takes = windows === null || isSliding || kind !== "count" ? "valued" : "keyed";
  const reads = kind === "count" || number === undefined ? {} : { number };
  return [
    {
      kind,
      node: name,
      store,
      windows,
      takes,
      ...reads,
      ...(isSliding ? { isTimestamped: true } : {}),
    },
  ];
}

function stageOf(graph: Graph, stores: readonly StoreSpec[], applicationId: string): Stage | null {
  const nodes = graph.nodes.filter((node) => roleOf(node) === "stage");
  if (nodes.length === 0) return null;
  const isEntry = (node: GraphNode) => node.parents.every((parent) => roleOf(parent) !== "stage");
  return {
    entries: nodes.filter(isEntry).map(({ declared }) => declared.name),
    stores: stores.flatMap((spec, store) => stageStoreOf(nodes, spec, store)),
    sinks: sinksOf(graph, applicationId),
  };
}

function stageStoreOf(nodes: readonly GraphNode[], spec: StoreSpec, store: number): StageStore[] {
  const user = nodes.find(({ declared }) => storesOf(declared).includes(spec.name));
  if (user === undefined) return [];
  const { declared } = user;
  if (declared.kind !== "aggregate") return [{ store, windows: null }];
  return [{ store, windows: declared.windows, takes: takenBy(user, declared.windows === null) }];
}

/**
 * Kafka Streams drops null values before an aggregation without windows. Behind a mapValues the
 * value that counts is one that only the application knows, so there nothing is dropped here.
 */
function takenBy(node: GraphNode, dropsNullValues: boolean): TakenRows {
  const isMapped = ancestorsOf(node).some(
    ({ declared }) => declared.kind === "function" && declared.operation !== "filter",
  );
  return dropsNullValues && !isMapped ? "valued" : "keyed";
}

function sinksOf({ nodes }: Graph, applicationId: string): StageSink[] {
  return nodes.flatMap(({ declared: { name, ...declared } }): StageSink[] => {
    if (declared.kind === "sink") return [{ node: name, topic: declared.topic, isHook: false }];
    if (declared.kind !== "hook") return [];
    return [{ node: name, topic: hookTopic(applicationId, name), isHook: true }];
  });
}
