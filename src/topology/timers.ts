import { TIMER_NAME_BYTES_MAX, type TimerNode } from "../model/timers.ts";
import type { DeclaredNode, DeclaredTopology, StoreSpec } from "../model/topology.ts";
import { type Faults, nodeAt, storeAt } from "./faults.ts";
import { changelogTopic, timersSource, timersStore, timersTopic, topicFault } from "./names.ts";

/** Whether the node's code is called by a clock. */
export function isTimed(node: DeclaredNode): node is DeclaredNode & { kind: "function" } {
  if (node.kind !== "function") return false;
  return node.timers === true || (node.punctuators ?? []).length > 0;
}

/** What has fired reaches the node as records do: through a source that is a further parent. */
export function withTimerSource(node: DeclaredNode, applicationId: string): DeclaredNode[] {
  if (!isTimed(node)) return [node];
  const name = timersSource(node.name);
  const topics = [timersTopic(applicationId, node.name)];
  return [
    { name, parents: [], kind: "source", topics },
    { ...node, parents: [...node.parents, name] },
  ];
}

/** The timed nodes of one sub-topology; `before` is how many stores it has without theirs. */
export function timerNodesOf(
  nodes: readonly DeclaredNode[],
  applicationId: string,
  before: number,
): TimerNode[] {
  return nodes.filter(isTimed).map((node, index) => ({
    node: node.name,
    topic: timersTopic(applicationId, node.name),
    store: before + index,
    hasTimers: node.timers === true,
    punctuators: node.punctuators ?? [],
  }));
}

/** Where a timed node keeps what waits. */
export function timerStoreOf({ node }: TimerNode, applicationId: string): StoreSpec {
  const name = timersStore(node);
  const topic = changelogTopic(applicationId, name);
  return { name, kind: "keyValue", isOfTimers: true, changelogTopic: topic };
}

export function validateTimers(
  declared: DeclaredTopology,
  applicationId: string,
  faults: Faults,
): void {
  for (const node of declared.nodes) {
    if (isTimed(node)) validateTimed(node, declared, applicationId, faults);
  }
}

function validateTimed(
  node: DeclaredNode & { kind: "function" },
  { nodes, stores }: DeclaredTopology,
  applicationId: string,
  faults: Faults,
): void {
  const at = nodeAt(node.name);
  const topic = timersTopic(applicationId, node.name);
  const [store, source] = [timersStore(node.name), timersSource(node.name)];
  const bad = topicFault(topic) ?? topicFault(changelogTopic(applicationId, store));
  if (bad !== null) faults.add(at, `the topics of its timers: ${bad}; rename it`);
  const { operation, punctuators = [] } = node;
  if (operation !== "process" && operation !== "processValues") {
    faults.add(at, `a ${operation} has no timers: declare it as process`);
  } else if (operation === "processValues" && punctuators.length > 0) {
    faults.add(at, "a punctuation has no key that processValues could keep: declare it as process");
  }
  if (stores.some(({ name }) => name === store)) {
    faults.add(storeAt(store), `the timers of "${node.name}" are kept under this name: rename one`);
  }
  for (const other of nodes) {
    if (other.name === source) {
      faults.add(
        nodeAt(source),
        `the timers of "${node.name}" come from a source of this name: rename one`,
      );
    }
    const topics =
      other.kind === "source" ? other.topics : other.kind === "sink" ? [other.topic] : [];
    if (!topics.includes(topic)) continue;
    const text = `"${topic}" keeps the timers of "${node.name}" in this application`;
    faults.add(nodeAt(other.name), `${text}: only the sidecar may use it`);
  }
  validatePunctuators(at, punctuators, faults);
}

function validatePunctuators(
  at: string,
  punctuators: NonNullable<(DeclaredNode & { kind: "function" })["punctuators"]>,
  faults: Faults,
): void {
  const seen = new Set<string>();
  for (const { name, intervalMs } of punctuators) {
    if (name === "" || Buffer.byteLength(name) > TIMER_NAME_BYTES_MAX) {
      const text = `a punctuator's name has ${Buffer.byteLength(name)} bytes`;
      faults.add(at, `${text}: give it 1 to ${TIMER_NAME_BYTES_MAX}`);
    }
    if (seen.has(name)) {
      faults.add(at, `two punctuators are named "${name}": rename one of them`);
    }
    seen.add(name);
    if (Number.isSafeInteger(intervalMs) && intervalMs > 0) continue;
    const text = `the interval of punctuator "${name}" is ${intervalMs} ms`;
    faults.add(at, `${text}: it must be a whole number above 0`);
  }
}
