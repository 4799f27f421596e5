import type { MessageInitShape } from "@bufbuild/protobuf";
import { declaredEmit, type EmitStrategy } from "./emit.ts";
import { type Fold, foldRecord } from "./folds.ts";
import { type AggregateSchema, NumberType } from "./gen/outrigger/v1/topology_pb.ts";
import { type AggregateOptions, type NumberName, policyIn, type StoreOptions } from "./options.ts";
import { double, int32, int64, nullable, type Serde } from "./serdes.ts";
import { Aggregator, StoreKind } from "./topology.ts";
import { serdesOf, type Upstream } from "./upstream.ts";
import { sessionWindowed, windowed } from "./windowed.ts";
import { lengthMs, type Windows } from "./windows.ts";

type Aggregate = Omit<MessageInitShape<typeof AggregateSchema>, "$typeName" | "$unknown">;

/** What is grouped, how it is cut into windows, and the name of the topic that it may have to go through. */
export interface Grouping {
  readonly upstream: Upstream;
  readonly windows: Windows | null;
  readonly repartition: string | undefined;
  /** When results are forwarded; left out: each update. */
  readonly emit?: EmitStrategy;
}

/** The code of an aggregate that runs here. */
export type Folding<A> = Pick<Fold<A>, "next" | "merge">;

const NUMBERS = {
  int64: { number: NumberType.INT64, serde: int64 },
  float64: { number: NumberType.FLOAT64, serde: double },
  int32: { number: NumberType.INT32, serde: int32 },
} as const;

/** Declares an aggregate that runs here; `what` names its store where the options do not. */
export function addFold<A>(
  grouping: Grouping,
  what: string,
  { next, merge }: Folding<A>,
  options: AggregateOptions<A>,
): Upstream {
  const { upstream, windows } = grouping;
  const store = addStore(grouping, options.store, what);
  const fold: Fold<A> = { store, windows, serde: options.value, next, merge };
  const aggregate = {
    store,
    aggregator: Aggregator.APPLICATION,
    ...policyIn(options.failurePolicy),
  };
  const node = upstream.builder.add({
    name: options.name,
    kind: { case: "aggregate", value: { ...aggregate, ...declared(grouping) } },
    parents: upstream.nodes,
    input: serdesOf(upstream),
    aggregates: store,
    code: (record, emitter) => foldRecord(record, emitter, fold),
  });
  return resultOf(grouping, node, options.value as unknown as Serde<unknown>);
}

/** Declares a count, which the sidecar runs. */
export function addCount(grouping: Grouping, options: StoreOptions): Upstream {
  return addBuiltIn(grouping, "count", options, { aggregator: Aggregator.COUNT }, int64);
}

const READING = { sum: Aggregator.SUM, min: Aggregator.MIN, max: Aggregator.MAX } as const;

/** Declares an aggregate of numbers, which the sidecar runs. */
export function addNumbers(
  grouping: Grouping,
  what: keyof typeof READING,
  options: StoreOptions & { readonly number: NumberName },
): Upstream {
  const { number, serde } = NUMBERS[options.number];
  return addBuiltIn(grouping, what, options, { aggregator: READING[what], number }, serde);
}

function addBuiltIn(
  grouping: Grouping,
  what: string,
  options: StoreOptions,
  aggregate: Aggregate,
  value: Serde<bigint> | Serde<number>,
): Upstream {
  const { upstream } = grouping;
  const store = addStore(grouping, options.store, what);
  const node = upstream.builder.add({
    name: options.name,
    kind: { case: "aggregate", value: { store, ...aggregate, ...declared(grouping) } },
    parents: upstream.nodes,
    input: serdesOf(upstream),
  });
  return resultOf(grouping, node, value as unknown as Serde<unknown>);
}

function addStore(
  { upstream, windows }: Grouping,
  given: string | undefined,
  what: string,
): string {
  const store = upstream.builder.storeName(given, what);
  upstream.builder.addStore(store, kindOf(windows));
  return store;
}

function kindOf(windows: Windows | null): StoreKind {
  if (windows === null) return StoreKind.KEY_VALUE;
  return windows.kind === "session" ? StoreKind.SESSION : StoreKind.WINDOW;
}

/** What every aggregate of the grouping says. */
function declared({ windows, repartition, emit }: Grouping): Aggregate {
  const named = {
    ...(repartition === undefined ? {} : { repartition }),
    ...(emit === undefined ? {} : { emit: declaredEmit(emit) }),
  };
  return windows === null ? named : { ...named, ...declaredWindows(windows) };
}

function declaredWindows(windows: Windows): Aggregate {
  const graceMs = BigInt(windows.graceMs);
  switch (windows.kind) {
    case "tumbling":
      return { tumbling: { sizeMs: BigInt(windows.sizeMs), graceMs } };
    case "hopping": {
      const { sizeMs, advanceMs } = windows;
      return { hopping: { sizeMs: BigInt(sizeMs), advanceMs: BigInt(advanceMs), graceMs } };
    }
    case "sliding":
      return { sliding: { timeDifferenceMs: BigInt(windows.timeDifferenceMs), graceMs } };
    case "session":
      return { session: { gapMs: BigInt(windows.gapMs), graceMs } };
  }
}

function resultOf({ upstream, windows }: Grouping, node: string, value: Serde<unknown>): Upstream {
  const { builder } = upstream;
  const { key } = serdesOf(upstream);
  const nodes = [node];
  if (windows === null) return { builder, nodes, serdes: { key, value } };
  // A session that another one swallows is forwarded as null.
  const isSession = windows.kind === "session";
  const result = isSession ? sessionWindowed(key) : windowed(key, lengthMs(windows));
  const serdes = { key: result as Serde<unknown>, value: isSession ? nullable(value) : value };
  return { builder, nodes, serdes: serdes as Upstream["serdes"] };
}
