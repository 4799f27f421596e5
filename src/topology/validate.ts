import type {
  DeclaredNode,
  DeclaredTopology,
  Operation,
  StoreKind,
  Windows,
} from "../model/topology.ts";
import { type Faults, nodeAt, storeAt } from "./faults.ts";
import { hooksOf } from "./hooks.ts";
import { changelogTopic, hookTopic, nameFault, topicFault } from "./names.ts";
import { patternFault } from "./pattern.ts";

/** Checks what each node and store says by itself; how nodes hang together is not looked at. */
export function validateParts(
  declared: DeclaredTopology,
  applicationId: string,
  faults: Faults,
): void {
  validateStores(declared, applicationId, faults);
  validateTopics(declared, applicationId, faults);
  const users = new Map<string, DeclaredNode[]>();
  for (const node of declared.nodes) {
    validateNode(node, faults);
    for (const store of storesOf(node)) users.set(store, [...(users.get(store) ?? []), node]);
  }
  validateUse(declared, users, faults);
}

/** The names of the stores that a node uses. */
export function storesOf(node: DeclaredNode): readonly string[] {
  switch (node.kind) {
    case "function":
      return node.stores;
    case "aggregate":
    case "suppress":
      return [node.store];
    case "source":
    case "sink":
    case "hook":
    case "repartition":
      return [];
  }
}

function validateStores(declared: DeclaredTopology, applicationId: string, faults: Faults): void {
  const seen = new Set<string>();
  for (const { name, isTimestamped, ttlMs } of declared.stores) {
    const bad = nameFault(name) ?? topicFault(changelogTopic(applicationId, name));
    if (bad !== null) faults.add(storeAt(name), bad);
    if (seen.has(name)) {
      faults.add(storeAt(name), "another store has the same name: rename one of them");
    }
    seen.add(name);
    if (ttlMs !== undefined && isTimestamped !== true) {
      const text = `it has a ttl of ${ttlMs} ms, and its values no timestamps`;
      faults.add(storeAt(name), `${text}: declare it as a timestamped key-value store`);
    }
  }
}

function validateTopics(declared: DeclaredTopology, applicationId: string, faults: Faults): void {
  const own = new Set(declared.stores.map(({ name }) => changelogTopic(applicationId, name)));
  const hooks = new Set(hooksOf(declared).map(({ name }) => hookTopic(applicationId, name)));
  const read = new Set<string>();
  for (const node of declared.nodes) {
    const topics = node.kind === "source" ? node.topics : node.kind === "sink" ? [node.topic] : [];
    for (const topic of topics) {
      const bad = topicFault(topic);
      if (bad !== null) faults.add(nodeAt(node.name), bad);
      if (hooks.has(topic)) {
        const text = `"${topic}" keeps the requests of a hook of this application`;
        faults.add(nodeAt(node.name), `${text}: only the sidecar may use it`);
      }
      if (own.has(topic)) {
        const text = `"${topic}" is a changelog of this application: only the sidecar may use it`;
        faults.add(nodeAt(node.name), text);
      }
      if (node.kind !== "source") continue;
      if (read.has(topic)) {
        faults.add(nodeAt(node.name), `"${topic}" is read twice: let one source feed both`);
      }
      read.add(topic);
    }
  }
}

const HAS_STORES: ReadonlySet<Operation> = new Set(["process", "processValues"]);

function validateNode(node: DeclaredNode, faults: Faults): void {
  const at = nodeAt(node.name);
  switch (node.kind) {
    case "source":
      validateSource(at, node, faults);
      return;
    case "function":
      if (!HAS_STORES.has(node.operation) && node.stores.length > 0) {
        faults.add(at, `a ${node.operation} has no stores: declare it as process`);
      }
      if (new Set(node.stores).size < node.stores.length) {
        faults.add(at, "it names a store twice: once is enough");
      }
      return;
    case "aggregate":
      validateAggregate(at, node, faults);
      return;
    case "suppress":
      validateBuffer(at, node, faults);
      return;
    case "sink":
    case "hook":
      return;
    case "repartition":
      if (!Number.isSafeInteger(node.partitions) || node.partitions < 0) {
        const text = `it has ${node.partitions} partitions`;
        faults.add(at, `${text}: name a whole number, or 0 for as many as its sources`);
      }
      return;
  }
}

function validateSource(
  at: string,
  { topics, pattern }: Pick<DeclaredNode & { kind: "source" }, "topics" | "pattern">,
  faults: Faults,
): void {
  if (pattern === undefined) {
    if (topics.length === 0) faults.add(at, "it reads no topic: name at least one");
    return;
  }
  if (topics.length > 0) {
    faults.add(at, "it has topics and a pattern: declare a source for each");
  }
  const bad = patternFault(pattern);
  if (bad !== null) faults.add(at, bad);
}

function validateAggregate(
  at: string,
  { aggregator, number, windows }: DeclaredNode & { kind: "aggregate" },
  faults: Faults,
): void {
  const reads = aggregator === "sum" || aggregator === "min" || aggregator === "max";
  if (reads && number === undefined) {
    faults.add(at, `${aggregator} reads numbers: say which, as int64, float64 or int32`);
  }
  if (windows !== null) validateWindows(at, windows, faults);
}

function validateBuffer(
  at: string,
  { until, buffer }: DeclaredNode & { kind: "suppress" },
  faults: Faults,
): void {
  const whole = (what: string, value: number, min: number): void => {
    if (Number.isSafeInteger(value) && value >= min) return;
    faults.add(at, `${what} is ${value}: it must be a whole number from ${min} on`);
  };
  const { maxRecords, maxBytes, whenFull } = buffer;
  if (maxRecords !== undefined) whole("the most records of its buffer", maxRecords, 1);
  if (maxBytes !== undefined) whole("the most bytes of its buffer", maxBytes, 1);
  if (until.kind === "timeLimit") whole("the time to wait, in ms,", until.waitMs, 0);
  if (until.kind === "windowCloses" && whenFull === "emitEarly") {
    const text = "a buffer that emits early would forward windows that are not closed";
    faults.add(at, `${text}: let it shut down when it is full, or suppress until a time limit`);
  }
}

/** Each of them is an entry of the store and an output, of one record and in one commit. */
const WINDOWS_PER_RECORD_MAX = 10_000;

function validateWindows(at: string, windows: Windows, faults: Faults): void {
  const { graceMs } = windows;
  const whole = (what: string, value: number, min: number): void => {
    if (Number.isSafeInteger(value) && value >= min) return;
    const bound = min === 0 ? "0 or more" : "above 0";
    faults.add(at, `the ${what} is ${value} ms: it must be a whole number ${bound}`);
  };
  switch (windows.kind) {
    case "time":
      whole("window size", windows.sizeMs, 1);
      if (windows.advanceMs !== windows.sizeMs) whole("window advance", windows.advanceMs, 1);
      if (windows.advanceMs > windows.sizeMs) {
        const text = `the window advance is ${windows.advanceMs} ms, the size ${windows.sizeMs} ms`;
        faults.add(at, `${text}: records between two windows would be in none; advance by less`);
      }
      if (windows.sizeMs / windows.advanceMs > WINDOWS_PER_RECORD_MAX) {
        const text = `a record would be in ${Math.ceil(windows.sizeMs / windows.advanceMs)} windows`;
        faults.add(at, `${text}: at most ${WINDOWS_PER_RECORD_MAX} are allowed; advance by more`);
      }
      break;
    case "sliding":
      whole("time difference", windows.differenceMs, 0);
      break;
    case "session":
      whole("inactivity gap", windows.gapMs, 1);
      break;
  }
  if (!Number.isSafeInteger(graceMs) || graceMs < 0) {
    faults.add(at, `the grace is ${graceMs} ms: it must be a whole number, 0 or more`);
  }
}

function validateUse(
  declared: DeclaredTopology,
  users: ReadonlyMap<string, readonly DeclaredNode[]>,
  faults: Faults,
): void {
  const kinds = new Map(
    declared.stores.map(({ name, kind, isTimestamped }) => {
      return [name, isTimestamped === true ? "timestampedKeyValue" : kind];
    }),
  );
  for (const name of kinds.keys()) {
    if (!users.has(name)) faults.add(storeAt(name), "no node uses it: connect it, or remove it");
  }
  for (const [name, nodes] of users) {
    const kind = kinds.get(name);
    for (const node of nodes) {
      if (kind === undefined) {
        faults.add(nodeAt(node.name), `its store "${name}" is not declared: declare it`);
      } else if (kind !== kindNeeded(node) && !takesTimestamps(node, kind)) {
        const text = `its store "${name}" is ${kind}, it needs ${kindNeeded(node)}`;
        faults.add(nodeAt(node.name), `${text}: declare the store so, or use another`);
      }
    }
    const aggregate = nodes.find((node) => node.kind === "aggregate");
    if (aggregate !== undefined && nodes.length > 1) {
      const others = nodes.filter((node) => node !== aggregate).map((node) => `"${node.name}"`);
      const text = `an aggregation's store is its own, but ${others.join(", ")} uses it too`;
      faults.add(nodeAt(aggregate.name), `store "${name}": ${text}; give each a store`);
    }
  }
}

/** Kafka Streams' own layout of aggregates that are not windowed is plain here (docs/differences.md). */
function takesTimestamps({ kind }: DeclaredNode, store: string): boolean {
  return kind === "function" && store === "timestampedKeyValue";
}

function kindNeeded(node: DeclaredNode): StoreKind {
  if (node.kind === "suppress") return "buffer";
  if (node.kind !== "aggregate" || node.windows === null) return "keyValue";
  return node.windows.kind === "session" ? "session" : "window";
}
