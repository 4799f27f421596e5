import { type Faults, nodeAt } from "./faults.ts";
import type { Graph } from "./graph.ts";
import { topicFault } from "./names.ts";
import type { Cut } from "./subtopologies.ts";

/** The topics between sub-topologies: each is one node's, and nobody else's. */
export function validateRepartitions({ nodes }: Graph, cuts: readonly Cut[], faults: Faults): void {
  const owners = new Map<string, string>();
  for (const { topic, node, name } of cuts) {
    const at = nodeAt(node);
    const bad = topicFault(topic);
    if (bad !== null) faults.add(at, `the topic of its repartition: ${bad}; rename it`);
    const owner = owners.get(topic);
    if (owner !== undefined) {
      const text = `its repartition has the name "${name}", as that of "${owner}"`;
      faults.add(at, `${text}: give each a name of its own`);
    }
    owners.set(topic, node);
  }
  for (const { declared, children } of nodes) {
    if (declared.kind === "repartition" && children.length === 0) {
      faults.add(nodeAt(declared.name), "nothing reads it: connect it, or remove it");
    }
    const topics =
      declared.kind === "source"
        ? declared.topics
        : declared.kind === "sink"
          ? [declared.topic]
          : [];
    for (const topic of topics) {
      const owner = owners.get(topic);
      if (owner === undefined) continue;
      const text = `"${topic}" is the repartition topic of "${owner}" in this application`;
      faults.add(nodeAt(declared.name), `${text}: only the sidecar may use it`);
    }
  }
}
