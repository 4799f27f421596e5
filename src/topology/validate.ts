import type { DeclaredNode, DeclaredTopology, TumblingWindows } from "../model/topology.ts";
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
      return [node.store];
    case "source":
    case "sink":
    case "hook":
      return [];
  }
}

function validateStores(declared: DeclaredTopology, applicationId: string, faults: Faults): void {
  const seen = new Set<string>();
  for (const { name } of declared.stores) {
    const bad = nameFault(name) ?? topicFault(changelogTopic(applicationId, name));
    if (bad !== null) faults.add(storeAt(name), bad);
    if (seen.has(name)) {
      faults.add(storeAt(name), "another store has the same name: rename one of them");
    }
    seen.add(name);
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

function validateNode(node: DeclaredNode, faults: Faults): void {
  const at = nodeAt(node.name);
  switch (node.kind) {
    case "source":
      validateSource(at, node, faults);
      return;
    case "function":
      if (node.operation !== "process" && node.stores.length > 0) {
        faults.add(at, `a ${node.operation} has no stores: declare it as process`);
      }
      if (new Set(node.stores).size < node.stores.length) {
        faults.add(at, "it names a store twice: once is enough");
      }
      return;
    case "aggregate":
      if (node.tumbling !== null) validateWindows(at, node.tumbling, faults);
      return;
    case "sink":
    case "hook":
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

function validateWindows(at: string, { sizeMs, graceMs }: TumblingWindows, faults: Faults): void {
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) {
    faults.add(at, `the window size is ${sizeMs} ms: it must be a whole number above 0`);
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
  const kinds = new Map(declared.stores.map(({ name, kind }) => [name, kind]));
  for (const name of kinds.keys()) {
    if (!users.has(name)) faults.add(storeAt(name), "no node uses it: connect it, or remove it");
  }
  for (const [name, nodes] of users) {
    const kind = kinds.get(name);
    for (const node of nodes) {
      if (kind === undefined) {
        faults.add(nodeAt(node.name), `its store "${name}" is not declared: declare it`);
      } else if (kind !== kindNeeded(node)) {
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

function kindNeeded(node: DeclaredNode): "keyValue" | "window" {
  return node.kind === "aggregate" && node.tumbling !== null ? "window" : "keyValue";
}
