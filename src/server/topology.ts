import {
  type Aggregate,
  Aggregator,
  type Node,
  Operation,
  type Store,
  StoreKind,
  type Topology,
  TimerClock as WireClock,
  NumberType as WireNumberType,
  type Punctuator as WirePunctuator,
} from "../gen/outrigger/v1/topology_pb.ts";
import { CLOCKS, type Punctuator } from "../model/timers.ts";
import type {
  DeclaredStore,
  DeclaredTopology,
  NodeKind,
  NumberType,
  Windows,
} from "../model/topology.ts";
import { policyOf } from "./failure-policy.ts";
import { invalid, safeNumber } from "./invalid.ts";
import { bufferOf, emitOf, suppressOf } from "./suppress.ts";

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
    stores: [...topology.stores.map(storeOf), ...topology.nodes.flatMap(bufferOf)],
  };
}

function storeOf({ name, kind, ttlMs }: Store): DeclaredStore {
  const isTimestamped = kind === StoreKind.TIMESTAMPED_KEY_VALUE;
  const ttl = ttlMs === 0n ? {} : { ttlMs: safeNumber(`ttl_ms of ${name}`, ttlMs, 1) };
  return { name, kind: storeKind(name, kind), ...(isTimestamped ? { isTimestamped } : {}), ...ttl };
}

function kindOf({ name, kind }: Node): NodeKind {
  switch (kind.case) {
    case "source": {
      const { topics, pattern } = kind.value;
      return { kind: "source", topics, ...(pattern === "" ? {} : { pattern }) };
    }
    case "function": {
      const { operation, stores, failurePolicy, timers, punctuators } = kind.value;
      return {
        kind: "function",
        operation: operationOf(name, operation),
        stores,
        ...policyOf(name, failurePolicy),
        ...(timers ? { timers } : {}),
        ...(punctuators.length === 0
          ? {}
          : { punctuators: punctuators.map((each) => punctuatorOf(name, each)) }),
      };
    }
    case "aggregate": {
      const { store, aggregator, number, repartition, emit, failurePolicy } = kind.value;
      return {
        kind: "aggregate",
        store,
        aggregator: aggregatorOf(name, aggregator),
        windows: windowsOf(name, kind.value),
        ...(number === WireNumberType.UNSPECIFIED ? {} : { number: numberOf(name, number) }),
        ...(repartition === "" ? {} : { repartition }),
        ...emitOf(name, emit),
        ...policyOf(name, failurePolicy),
      };
    }
    case "sink":
      return { kind: "sink", topic: kind.value.topic };
    case "hook":
      return { kind: "hook", ...policyOf(name, kind.value.failurePolicy) };
    case "suppress":
      return suppressOf(name, kind.value);
    case "repartition":
      return { kind: "repartition", partitions: kind.value.partitions };
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
    case Operation.SELECT_KEY:
      return "selectKey";
    case Operation.FLAT_MAP:
      return "flatMap";
    case Operation.FLAT_MAP_VALUES:
      return "flatMapValues";
    case Operation.PEEK:
      return "peek";
    case Operation.BRANCH:
      return "branch";
    case Operation.PROCESS_VALUES:
      return "processValues";
    case Operation.UNSPECIFIED:
      throw invalid(`function ${name} has no operation`);
  }
  throw invalid(`function ${name} has operation ${operation}, which this sidecar does not know`);
}

function punctuatorOf(node: string, { name, clock, intervalMs }: WirePunctuator): Punctuator {
  const what = `punctuator ${name} of ${node}`;
  if (clock === WireClock.UNSPECIFIED) throw invalid(`${what} has no clock`);
  const known = CLOCKS[clock - 1];
  if (known === undefined) {
    throw invalid(`${what} has clock ${clock}, which this sidecar does not know`);
  }
  return { name, clock: known, intervalMs: safeNumber(`interval_ms of ${what}`, intervalMs, 1) };
}

function aggregatorOf(name: string, aggregator: Aggregator) {
  switch (aggregator) {
    case Aggregator.APPLICATION:
      return "application";
    case Aggregator.COUNT:
      return "count";
    case Aggregator.SUM:
      return "sum";
    case Aggregator.MIN:
      return "min";
    case Aggregator.MAX:
      return "max";
    case Aggregator.UNSPECIFIED:
      throw invalid(`aggregate ${name} has no aggregator`);
  }
  throw invalid(`aggregate ${name} has aggregator ${aggregator}, which this sidecar does not know`);
}

function storeKind(name: string, kind: StoreKind): DeclaredStore["kind"] {
  switch (kind) {
    case StoreKind.KEY_VALUE:
    case StoreKind.TIMESTAMPED_KEY_VALUE:
      return "keyValue";
    case StoreKind.WINDOW:
      return "window";
    case StoreKind.SESSION:
      return "session";
    case StoreKind.UNSPECIFIED:
      throw invalid(`store ${name} has no kind`);
  }
  throw invalid(`store ${name} has kind ${kind}, which this sidecar does not know`);
}

function numberOf(name: string, number: WireNumberType): NumberType {
  switch (number) {
    case WireNumberType.INT64:
      return "int64";
    case WireNumberType.FLOAT64:
      return "float64";
    case WireNumberType.INT32:
      return "int32";
  }
  throw invalid(`aggregate ${name} has number ${number}, which this sidecar does not know`);
}

function windowsOf(name: string, aggregate: Aggregate): Windows | null {
  const { tumbling, hopping, sliding, session } = aggregate;
  const given = [tumbling, hopping, sliding, session].filter((windows) => windows !== undefined);
  if (given.length > 1) throw invalid(`aggregate ${name} has windows of ${given.length} kinds`);
  const ms = (what: string, value: bigint, min: number): number =>
    safeNumber(`${what} of ${name}`, value, min);
  const [{ graceMs: grace } = { graceMs: 0n }] = given;
  const graceMs = ms("grace_ms", grace, 0);
  if (tumbling !== undefined) {
    const sizeMs = ms("size_ms", tumbling.sizeMs, 1);
    return { kind: "time", sizeMs, advanceMs: sizeMs, graceMs };
  }
  if (hopping !== undefined) {
    const sizeMs = ms("size_ms", hopping.sizeMs, 1);
    return { kind: "time", sizeMs, advanceMs: ms("advance_ms", hopping.advanceMs, 1), graceMs };
  }
  if (sliding !== undefined) {
    const differenceMs = ms("time_difference_ms", sliding.timeDifferenceMs, 0);
    return { kind: "sliding", differenceMs, graceMs };
  }
  if (session === undefined) return null;
  return { kind: "session", gapMs: ms("gap_ms", session.gapMs, 1), graceMs };
}
