import { OutriggerError } from "../errors/outrigger-error.ts";
import {
  Aggregator,
  type Node,
  Operation,
  StoreKind,
  type Topology,
  type TumblingWindows as WireTumblingWindows,
} from "../gen/outrigger/v1/topology_pb.ts";
import type {
  DeclaredStore,
  DeclaredTopology,
  NodeKind,
  TumblingWindows,
} from "../model/topology.ts";
import { policyOf } from "./failure-policy.ts";

/**
 * The declared topology of a `Hello`. Checks only what a message can say wrongly: kinds that are not
 * set, numbers that do not fit. What the topology means, `src/topology` checks. Throws
 * TOPOLOGY_INVALID.
 */
export function declaredTopology(topology: Topology): DeclaredTopology {
  return {
    nodes: topology.nodes.map((node) => ({
      name: node.name,
      parents: node.parents,
      ...kindOf(node),
    })),
    stores: topology.stores.map(({ name, kind }) => ({ name, kind: storeKind(name, kind) })),
  };
}

function kindOf({ name, kind }: Node): NodeKind {
  switch (kind.case) {
    case "source": {
      const { topics, pattern } = kind.value;
      return { kind: "source", topics, ...(pattern === "" ? {} : { pattern }) };
    }
    case "function": {
      const { operation, stores, failurePolicy } = kind.value;
      const policy = policyOf(name, failurePolicy);
      return { kind: "function", operation: operationOf(name, operation), stores, ...policy };
    }
    case "aggregate": {
      const { store, aggregator, tumbling, failurePolicy } = kind.value;
      return {
        kind: "aggregate",
        store,
        aggregator: aggregatorOf(name, aggregator),
        tumbling: tumbling === undefined ? null : tumblingOf(name, tumbling),
        ...policyOf(name, failurePolicy),
      };
    }
    case "sink":
      return { kind: "sink", topic: kind.value.topic };
    case "hook":
      return { kind: "hook", ...policyOf(name, kind.value.failurePolicy) };
    case undefined:
      throw invalid(`node ${name} has no kind that this sidecar knows`);
  }
}

function operationOf(name: string, operation: Operation) {
  switch (operation) {
    case Operation.PROCESS:
      return "process";
    case Operation.MAP:
      return "map";
    case Operation.MAP_VALUES:
      return "mapValues";
    case Operation.FILTER:
      return "filter";
    case Operation.UNSPECIFIED:
      throw invalid(`function ${name} has no operation`);
  }
  throw invalid(`function ${name} has operation ${operation}, which this sidecar does not know`);
}

function aggregatorOf(name: string, aggregator: Aggregator) {
  switch (aggregator) {
    case Aggregator.APPLICATION:
      return "application";
    case Aggregator.COUNT:
      return "count";
    case Aggregator.UNSPECIFIED:
      throw invalid(`aggregate ${name} has no aggregator`);
  }
  throw invalid(`aggregate ${name} has aggregator ${aggregator}, which this sidecar does not know`);
}

function storeKind(name: string, kind: StoreKind): DeclaredStore["kind"] {
  switch (kind) {
    case StoreKind.KEY_VALUE:
      return "keyValue";
    case StoreKind.WINDOW:
      return "window";
    case StoreKind.UNSPECIFIED:
      throw invalid(`store ${name} has no kind`);
  }
  throw invalid(`store ${name} has kind ${kind}, which this sidecar does not know`);
}

function tumblingOf(name: string, { sizeMs, graceMs }: WireTumblingWindows): TumblingWindows {
  return {
    sizeMs: safeNumber(`size_ms of ${name}`, sizeMs, 1),
    graceMs: safeNumber(`grace_ms of ${name}`, graceMs, 0),
  };
}

function safeNumber(what: string, value: bigint, min: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= min) return number;
  throw invalid(`${what} is ${value}; it must lie between ${min} and 2^53 - 1`);
}

function invalid(what: string): OutriggerError {
  return new OutriggerError(
    "TOPOLOGY_INVALID",
    `${what}: correct the application, or run a sidecar as new as its SDK`,
  );
}
