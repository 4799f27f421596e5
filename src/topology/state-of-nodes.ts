import { invariant } from "../errors/invariant.ts";
import type {
  DeclaredNode,
  Operator,
  StageStore,
  StoreSpec,
  TakenRows,
} from "../model/topology.ts";
import { ancestorsOf, type GraphNode } from "./graph.ts";
import { storesOf } from "./validate.ts";

export function operatorOf(node: DeclaredNode, stores: readonly StoreSpec[]): Operator {
  invariant(node.kind === "aggregate", "what is built in is an aggregation");
  const { name, windows } = node;
  const store = stores.findIndex((spec) => spec.name === node.store);
  const takes = windows === null ? "valued" : "keyed";
  return { kind: "count", node: name, store, windows, takes };
}

/** What the batches of a stage of these nodes carry. */
export function stageStoresOf(
  nodes: readonly GraphNode[],
  stores: readonly StoreSpec[],
): StageStore[] {
  return stores.flatMap((spec, store) => stageStoreOf(nodes, spec, store));
}

function stageStoreOf(nodes: readonly GraphNode[], spec: StoreSpec, store: number): StageStore[] {
  const user = nodes.find(({ declared }) => storesOf(declared).includes(spec.name));
  if (user === undefined) return [];
  const { declared } = user;
  if (declared.kind !== "aggregate") return [{ store, windows: null }];
  return [
    { store, windows: declared.windows, takes: takenBy(user, nodes, declared.windows === null) },
  ];
}

/**
 * Kafka Streams drops null values before an aggregation without windows. Behind a mapValues the
 * value that counts is one that only the application knows, so there, within a hop, nothing is dropped here.
 */
function takenBy(
  node: GraphNode,
  nodes: readonly GraphNode[],
  dropsNullValues: boolean,
): TakenRows {
  const isMapped = ancestorsOf(node).some(
    (above) =>
      nodes.includes(above) &&
      above.declared.kind === "function" &&
      above.declared.operation !== "filter",
  );
  return dropsNullValues && !isMapped ? "valued" : "keyed";
}
