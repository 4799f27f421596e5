import {
  type App,
  BufferConfig,
  createApp,
  EmitStrategy,
  keyValueStore,
  nullable,
  type ProcessedRecord,
  type ProcessorContext,
  type Serde,
  Suppressed,
  timestampedKeyValueStore,
  utf8,
} from "@outrigger/client";
import { FUNCTIONS, type Key, named, typeAfter, type Value } from "./functions.ts";
import { call, isSessionKey, serdeOf, TEXT_KEY, windowedKey, windowsOf } from "./sdk.ts";
import type {
  BranchSpec,
  FoldSpec,
  GroupSpec,
  NodeSpec,
  NumberSpec,
  ProcessSpec,
  RememberSpec,
  StatelessSpec,
  ValueType,
} from "./topology.ts";

/** What stands at a node's name: a stream, or records that were grouped or windowed. */
interface At {
  readonly what: object;
  readonly key: Serde<Key>;
  readonly type: ValueType;
}

const SILENT = { info: () => {}, warn: () => {} };

type Row = ProcessedRecord<Key, Value>;

/** Builds a topology with the SDK's streams, as a user writes them. */
export function applicationOf(nodes: readonly NodeSpec[], applicationId = "test"): App {
  const app = createApp({ applicationId, logger: SILENT });
  const at = new Map<string, At>();
  for (const node of nodes) add(app, node, at);
  return app;
}

function add(app: App, node: NodeSpec, at: Map<string, At>): void {
  switch (node.op) {
    case "source": {
      const type = node.value ?? "text";
      const stream = app.stream(node.topics, { key: TEXT_KEY, value: serdeOf(type) });
      at.set(node.id, { what: stream, key: TEXT_KEY, type });
      return;
    }
    case "merge": {
      const [first, ...others] = node.from.map((id) => found(at, id));
      if (first === undefined) throw new Error(`${node.id} merges nothing`);
      let { what } = first;
      for (const other of others) what = call(what, "merge", other.what);
      at.set(node.id, { ...first, what });
      return;
    }
    case "branch":
      branch(node, found(at, node.from), at);
      return;
    case "to": {
      const { what, key, type } = found(at, node.from);
      call(what, "to", node.topic, { key, value: serdeOf(type) });
      return;
    }
    case "toChosen": {
      const { what, key, type } = found(at, node.from);
      const [first, second] = node.topics;
      const predicate = named(FUNCTIONS.predicates, node.fn);
      const choose = (row: Row): string => (predicate(row.key, row.value) ? first : second);
      call(what, "to", choose, { topics: node.topics, key, value: serdeOf(type) });
      return;
    }
    default:
      at.set(node.id, after(node, found(at, node.from)));
  }
}

type Outer = "source" | "merge" | "branch" | "to" | "toChosen";
type Inner = Exclude<NodeSpec, { readonly op: Outer }>;

function after(node: Inner, from: At): At {
  const { what, key, type } = from;
  switch (node.op) {
    case "process":
      return { ...from, what: process(node, from) };
    case "remember":
      return { what: remember(node, from), key, type: "text" };
    case "repartition": {
      const { name, partitions } = node;
      const serdes = { key, value: serdeOf(type) };
      const options = partitions === undefined ? { name } : { name, partitions };
      return { ...from, what: call(what, "repartition", { ...options, ...serdes }) };
    }
    case "groupByKey":
    case "groupBy":
      return grouped(node, from);
    case "windowedBy": {
      const windowed = call(what, "windowedBy", windowsOf(node.windows));
      const isFinal = node.emit === "onWindowClose";
      const next = isFinal
        ? call(windowed, "emitStrategy", EmitStrategy.onWindowClose())
        : windowed;
      return { ...from, what: next, key: windowedKey(node.windows) };
    }
    case "count":
      return suppressed(node, {
        ...from,
        what: call(what, "count", { store: node.store }),
        type: "int64",
      });
    case "sum":
    case "min":
    case "max": {
      const options = { store: node.store, number: type };
      return suppressed(node, { ...from, what: call(what, node.op, options) });
    }
    case "aggregate":
    case "reduce":
      return suppressed(node, fold(node, from));
    default:
      return stateless(node, from);
  }
}

function stateless({ op, fn }: StatelessSpec, from: At): At {
  const next = call(from.what, op, codeOf(op, fn));
  const keepsKey = op !== "map" && op !== "selectKey" && op !== "flatMap";
  const keepsType = !["map", "mapValues", "flatMap", "flatMapValues"].includes(op);
  return {
    what: next,
    key: keepsKey ? from.key : TEXT_KEY,
    type: keepsType ? from.type : typeAfter(fn, from.type),
  };
}

function codeOf(op: StatelessSpec["op"], fn: string): unknown {
  switch (op) {
    case "mapValues":
      return named(FUNCTIONS.mapValues, fn);
    case "flatMapValues": {
      const map = named(FUNCTIONS.flatMapValues, fn);
      return (value: Value) => map(value);
    }
    case "map":
    case "selectKey":
    case "flatMap": {
      const map = named<(key: Key, value: Value) => unknown>(FUNCTIONS[op], fn);
      return ({ key, value }: Row) => map(key, value);
    }
    case "filter":
    case "filterNot": {
      const predicate = named(FUNCTIONS.predicates, fn);
      return ({ key, value }: Row) => predicate(key, value);
    }
    case "peek":
      return () => {};
    case "processValues": {
      const handler = named(FUNCTIONS.processValues, fn);
      return (row: Row, ctx: Parameters<typeof handler>[1]) => handler(row, ctx, null);
    }
  }
}

function process(node: ProcessSpec, { what }: At): object {
  const handler = named(FUNCTIONS.process, node.fn);
  type Context = Parameters<typeof handler>[1];
  if (node.store === undefined) {
    return call(what, "process", (row: Row, ctx: Context) => handler(row, ctx, null));
  }
  const value = utf8 as unknown as Serde<Value>;
  const store = keyValueStore<string, Value>(node.store, { key: utf8, value });
  const run = (row: Row, ctx: Context) => handler(row, ctx, ctx.store(store));
  return call(what, "process", run, { stores: [store] });
}

function remember(node: RememberSpec, { what }: At): object {
  const store = timestampedKeyValueStore<string, string>(node.store, { key: utf8, value: utf8 });
  const run = async (row: Row, ctx: ProcessorContext<Key, Value>): Promise<void> => {
    if (row.key === null) return;
    const key = String(row.key);
    const opened = ctx.store(store);
    const before = await opened.get(key);
    if (row.value === null) opened.delete(key);
    else opened.put(key, String(row.value));
    let said = before === undefined ? "none " : `${before.value}@${before.timestamp} `;
    const [first] = key;
    if (first !== undefined) {
      for await (const [name, entry] of opened.prefix(first)) {
        said += `${name}:${entry.value}@${entry.timestamp} `;
      }
    }
    ctx.forward({ key: row.key, value: said });
  };
  return call(what, "process", run, { stores: [store] });
}

function grouped({ op, fn = "", name }: GroupSpec, { what, key, type }: At): At {
  const isRekeyed = op === "groupBy";
  const serdes = { key: isRekeyed ? TEXT_KEY : key, value: serdeOf(type) };
  const options = name === undefined ? serdes : { ...serdes, name };
  const code = isRekeyed ? [codeOf("selectKey", fn)] : [];
  return { what: call(what, op, ...code, options), key: serdes.key, type };
}

function fold({ op, fn, store }: FoldSpec, { what, key, type }: At): At {
  if (op === "reduce") {
    const options = { store, value: serdeOf(type) };
    return { what: call(what, op, named(FUNCTIONS.reduce, fn), options), key, type };
  }
  const merger = (_: Key, left: Value, right: Value): Value => `${left}${right}`;
  const mergers = isSessionKey(key) ? [merger] : [];
  const options = { store, value: nullable(utf8) };
  const code = [() => "", named(FUNCTIONS.aggregate, fn), ...mergers];
  return { what: call(what, op, ...code, options), key, type: "text" };
}

function suppressed({ suppress }: NumberSpec | FoldSpec, from: At): At {
  if (suppress === undefined) return from;
  const { waitMs, maxRecords } = suppress;
  const buffer =
    maxRecords === undefined
      ? BufferConfig.unbounded()
      : BufferConfig.emitEarlyWhenFull({ maxRecords });
  const until =
    waitMs === undefined
      ? Suppressed.untilWindowCloses()
      : Suppressed.untilTimeLimit(waitMs, buffer);
  return { ...from, what: call(from.what, "suppress", until) };
}

function branch(node: BranchSpec, from: At, at: Map<string, At>): void {
  let split = call(from.what, "split", node.id);
  for (const [index, fn] of node.fns.entries()) {
    const predicate = named(FUNCTIONS.predicates, fn);
    split = call(split, "branch", ({ key, value }: Row) => predicate(key, value), `b${index}`);
  }
  const branches = node.default
    ? call(split, "defaultBranch", "rest")
    : call(split, "noDefaultBranch");
  const names = node.fns.map((_, index) => [`${index}`, `b${index}`]);
  if (node.default) names.push(["default", "rest"]);
  for (const [short = "", name = ""] of names) {
    const what: unknown = Reflect.get(branches, name);
    if (typeof what !== "object" || what === null) throw new Error(`there is no branch ${name}`);
    at.set(`${node.id}.${short}`, { ...from, what });
  }
}

function found(at: ReadonlyMap<string, At>, id: string): At {
  const there = at.get(id);
  if (there === undefined) throw new Error(`nothing is named ${id}`);
  return there;
}
