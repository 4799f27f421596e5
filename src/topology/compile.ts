import { invariant } from "../errors/invariant.ts";
import type {
  DeclaredNode,
  DeclaredTopology,
  Operator,
  Program,
  Programs,
  Stage,
  StageSink,
  StageStore,
  StoreSpec,
  TakenRows,
} from "../model/topology.ts";
import { Faults } from "./faults.ts";
import { framed } from "./frames.ts";
import { ancestorsOf, type Graph, type GraphNode, linkNodes } from "./graph.ts";
import { hookProgram, hooksOf, validateHooks } from "./hooks.ts";
import { changelogTopic, controlTopic, hookTopic, PARKED_STORE } from "./names.ts";
import { validateParking } from "./parking.ts";
import { patternOf } from "./pattern.ts";
import { roleOf, validateShape } from "./shape.ts";
import { type Subtopology, subtopologiesOf } from "./subtopologies.ts";
import { storesOf, validateParts } from "./validate.ts";

/**
 * Compiles a declared topology to programs, one for each sub-topology: one of the shape
 * sources → count? → stage of user code? → sinks, and behind them one for each hook.
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
  const parts = graph === null ? [] : subtopologiesOf(declared, graph, applicationId, faults);
  for (const part of parts) validateShape(part.graph, faults);
  if (parks) validateOneParking(parts, faults);
  faults.throwIfAny();
  const [first, ...others] = parts.map((part, subtopology): Program => {
    const program = programOf(part.graph, part.declared, applicationId, parks);
    return { ...program, subtopology, ...repartitionsOf(part) };
  });
  invariant(first !== undefined, "a topology without faults has a sub-topology");
  const hooks = hooksOf(declared).map(({ name }, index) =>
    hookProgram(name, hookTopic(applicationId, name), parts.length + index),
  );
  return framed([first, ...others, ...hooks]);
}

function repartitionsOf({ reads, keyedTopics }: Subtopology): Partial<Program> {
  return {
    ...(reads.length === 0 ? {} : { repartitions: reads }),
    ...(keyedTopics.size === 0 ? {} : { keyedTopics }),
  };
}

/** Parked records are one store, whose changelog has a partition for each task of one sub-topology. */
function validateOneParking(parts: readonly Subtopology[], faults: Faults): void {
  const running = parts.filter(({ graph }) => graph.nodes.some((node) => roleOf(node) === "stage"));
  if (running.length < 2) return;
  const said = running.map(({ declared: { nodes } }) => nodes.map(({ name }) => name).join(", "));
  const text = `records can be parked in one sub-topology, and code runs in ${running.length}`;
  faults.add("topology", `${text} (${said.join(" | ")}): set parked.enable: false`);
}

function programOf(
  graph: Graph,
  declared: DeclaredTopology,
  applicationId: string,
  parks: boolean,
): Program {
  const stores = declared.stores.map(
    ({ name, kind }): StoreSpec => ({
      name,
      kind,
      changelogTopic: changelogTopic(applicationId, name),
    }),
  );
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

function operatorOf(node: DeclaredNode, stores: readonly StoreSpec[]): Operator[] {
  if (node.kind !== "aggregate" || node.aggregator !== "count") return [];
  const { name, windows } = node;
  const store = stores.findIndex((spec) => spec.name === node.store);
  const takes = windows === null ? "valued" : "keyed";
  return [{ kind: "count", node: name, store, windows, takes }];
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
