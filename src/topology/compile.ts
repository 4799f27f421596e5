import { invariant } from "../errors/invariant.ts";
import { stagesOf } from "../model/steps.ts";
import type {
  DeclaredNode,
  DeclaredTopology,
  Program,
  Programs,
  SourceNode,
  StoreSpec,
} from "../model/topology.ts";
import { Faults } from "./faults.ts";
import { type Graph, linkNodes } from "./graph.ts";
import { hookProgram, hooksOf, validateHooks } from "./hooks.ts";
import { changelogTopic, controlTopic, hookTopic, PARKED_STORE } from "./names.ts";
import { validateParking } from "./parking.ts";
import { patternOf } from "./pattern.ts";
import { validateShape } from "./shape.ts";
import { sharesStores, stepsOf } from "./steps.ts";
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
  if (graph !== null) validateShape(graph, faults);
  faults.throwIfAny();
  invariant(graph !== null, "a topology whose links are broken has faults");
  const program = programOf(graph, declared, applicationId, parks);
  const hooks = hooksOf(declared).map(({ name }, index) =>
    hookProgram(name, hookTopic(applicationId, name), index, program),
  );
  return [program, ...hooks];
}

/** The program of one sub-topology. */
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
  const steps = stepsOf(graph.nodes, stores, applicationId);
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
