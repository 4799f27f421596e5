import { invariant } from "../errors/invariant.ts";
import { stagesOf } from "../model/steps.ts";
import type {
  DeclaredNode,
  DeclaredTopology,
  Program,
  Programs,
  SourceNode,
} from "../model/topology.ts";

import { Faults } from "./faults.ts";
import { framed } from "./frames.ts";
import { linkNodes } from "./graph.ts";
import { hookProgram, hooksOf, validateHooks } from "./hooks.ts";
import { changelogTopic, controlTopic, hookTopic, PARKED_STORE } from "./names.ts";
import { validateParking } from "./parking.ts";
import { patternOf } from "./pattern.ts";
import { roleOf, validateShape } from "./shape.ts";
import { storeOf } from "./state-of-nodes.ts";
import { sharesStores, stepsOf } from "./steps.ts";
import { type Subtopology, subtopologiesOf } from "./subtopologies.ts";
import { timerNodesOf, timerStoreOf, validateTimers } from "./timers.ts";
import { validateParts } from "./validate.ts";

/**
 * Compiles a declared topology to programs, one for each sub-topology, and behind them one for each
 * hook.
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
  validateTimers(declared, applicationId, faults);
  const parts = graph === null ? [] : subtopologiesOf(declared, graph, applicationId, faults);
  for (const part of parts) validateShape(part.graph, faults);
  if (parks) validateOneParking(parts, faults);
  faults.throwIfAny();
  const [first, ...others] = parts.map((part, subtopology): Program => {
    const program = programOf(part, applicationId, parks);
    const { reads } = part;
    return { ...program, subtopology, ...(reads.length === 0 ? {} : { repartitions: reads }) };
  });
  invariant(first !== undefined, "a topology without faults has a sub-topology");
  const hooks = hooksOf(declared).map(({ name }, index) =>
    hookProgram(name, hookTopic(applicationId, name), parts.length + index),
  );
  return framed([first, ...others, ...hooks]);
}

/** Parked records are one store, whose changelog has a partition for each task of one sub-topology. */
function validateOneParking(parts: readonly Subtopology[], faults: Faults): void {
  const running = parts.filter(({ graph }) => graph.nodes.some((node) => roleOf(node) === "stage"));
  if (running.length < 2) return;
  const said = running.map(({ declared: { nodes } }) => nodes.map(({ name }) => name).join(", "));
  const text = `records can be parked in one sub-topology, and code runs in ${running.length}`;
  faults.add("topology", `${text} (${said.join(" | ")}): set parked.enable: false`);
}

/** The program of one sub-topology. */
function programOf(
  { graph, declared, keyedTopics }: Subtopology,
  applicationId: string,
  parks: boolean,
): Program {
  const stores = declared.stores.map((store) => storeOf(store, graph.nodes, applicationId));
  const timers = timerNodesOf(declared.nodes, applicationId, stores.length);
  const naming = { applicationId, keyedTopics, timers: timers.map(({ node }) => node) };
  const steps = stepsOf(graph.nodes, stores, naming);
  stores.push(...timers.map((node) => timerStoreOf(node, applicationId)));
  // Without code of the application there is nothing that a record could fail in.
  const canPark = parks && stagesOf({ steps }).length > 0;
  if (canPark) {
    const changelog = changelogTopic(applicationId, PARKED_STORE);
    stores.push({ name: PARKED_STORE, kind: "keyValue", changelogTopic: changelog });
  }
  const pattern = patternOf(declared.nodes);
  const sourceNodes = graph.nodes.flatMap(({ declared: node }) => sourceNodeOf(node));
  return {
    subtopology: 0,
    frame: { source: 0, stage: 0 },
    sources: sourceNodes.flatMap(({ topics }) => topics),
    sourceNodes,
    ...(pattern === undefined ? {} : { pattern }),
    steps,
    ...(timers.length === 0 ? {} : { timers }),
    oneByOne: sharesStores(steps, sourceNodes.length),
    stores,
    parking: canPark
      ? { store: stores.length - 1, controlTopic: controlTopic(applicationId) }
      : null,
    hook: null,
  };
}

function sourceNodeOf(node: DeclaredNode): SourceNode[] {
  if (node.kind !== "source") return [];
  const { topics, pattern } = node;
  return [pattern === undefined ? { topics } : { topics, pattern }];
}
