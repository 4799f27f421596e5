import type { DeclaredNode, DeclaredTopology, Program } from "../model/topology.ts";
import { type Faults, nodeAt } from "./faults.ts";
import { hookTopic, topicFault } from "./names.ts";

/** The hooks, in the order in which they were declared. */
export function hooksOf({ nodes }: DeclaredTopology): DeclaredNode[] {
  return nodes.filter(({ kind }) => kind === "hook");
}

/**
 * A sub-topology of its own, so that a hook that is slow, fails or stops keeps no record of the topology
 * waiting. It has no state: that its number depends on the hooks before it costs nothing. It parks
 * nothing either, because parked records are state.
 */
export function hookProgram(node: string, topic: string, subtopology: number): Program {
  return {
    subtopology,
    frame: { source: 0, stage: 0 },
    sources: [topic],
    sourceNodes: [{ topics: [topic] }],
    steps: [
      {
        kind: "stage",
        feeds: [{ from: "source", source: 0 }],
        stage: { index: 0, entries: [node], stores: [], exits: [] },
      },
    ],
    oneByOne: false,
    stores: [],
    parking: null,
    hook: node,
  };
}

/** What is asked of a hook by itself, and of who feeds it. */
export function validateHooks(
  declared: DeclaredTopology,
  applicationId: string,
  faults: Faults,
): void {
  const nodes = new Map(declared.nodes.map((node) => [node.name, node]));
  for (const node of hooksOf(declared)) {
    const at = nodeAt(node.name);
    const bad = topicFault(hookTopic(applicationId, node.name));
    if (bad !== null) faults.add(at, `the topic of its requests: ${bad}; rename the hook`);
    if (node.kind === "hook" && node.failurePolicy?.exhausted === "park") {
      faults.add(at, "its failure policy parks, and a hook cannot: take deadLetter");
    }
    for (const parent of node.parents) {
      const asking = nodes.get(parent);
      const canAsk = asking?.kind === "function" && asking.operation === "process";
      if (asking === undefined || canAsk) continue;
      faults.add(at, `"${parent}" cannot ask for it: only a process can, name one as parent`);
    }
  }
}
