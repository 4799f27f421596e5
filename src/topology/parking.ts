import type { DeclaredTopology } from "../model/topology.ts";
import { Faults, nodeAt, storeAt } from "./faults.ts";
import { changelogTopic, controlTopic, PARKED_STORE } from "./names.ts";

/**
 * Holds a topology to what parking can do rightly. A record that waited is late for its windows, so
 * with windows the result would not be as if it had never failed.
 */
export function validateParking(
  declared: DeclaredTopology,
  applicationId: string,
  parks: boolean,
  faults: Faults,
): void {
  if (!parks) {
    validatePolicies(declared, faults);
    return;
  }
  const own = [changelogTopic(applicationId, PARKED_STORE), controlTopic(applicationId)];
  for (const { name } of declared.stores) {
    if (name !== PARKED_STORE) continue;
    const text = `parked records are kept in a store of the name "${PARKED_STORE}"`;
    faults.add(storeAt(name), `${text}: rename this one, or set parked.enable: false`);
  }
  for (const node of declared.nodes) {
    const topics = node.kind === "source" ? node.topics : node.kind === "sink" ? [node.topic] : [];
    for (const topic of topics) {
      if (!own.includes(topic)) continue;
      const text = `"${topic}" is an internal topic of this application`;
      faults.add(nodeAt(node.name), `${text}: only the sidecar may use it`);
    }
    if (node.kind === "aggregate" && node.windows !== null) {
      const text = "a record that is parked and released later would be too late for its windows";
      const remedy = "aggregate in an application that does not park, or set parked.enable: false";
      faults.add(nodeAt(node.name), `${text}: ${remedy}`);
    }
  }
}

/** Throws TOPOLOGY_INVALID where a policy asks for parking, and it is off. */
export function requireParking(declared: DeclaredTopology, parks: boolean): void {
  const faults = new Faults();
  if (!parks) validatePolicies(declared, faults);
  faults.throwIfAny();
}

function validatePolicies({ nodes }: DeclaredTopology, faults: Faults): void {
  for (const node of nodes) {
    const isCode = node.kind === "function" || node.kind === "aggregate";
    if (!isCode || node.failurePolicy?.exhausted !== "park") continue;
    const text = "its failure policy parks records, and parking is off";
    faults.add(nodeAt(node.name), `${text}: set parked.enable: true`);
  }
}
