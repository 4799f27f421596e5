import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Programs } from "../model/topology.ts";
import type { WorkerHello } from "../ports/application.ts";
import { compile } from "../topology/compile.ts";
import { requireParking } from "../topology/parking.ts";
import { topologyHash } from "../topology/topology-hash.ts";

/** The topology that this sidecar runs: the first worker's; the others' must equal it. */
export interface Declared {
  readonly programs: Programs;
  readonly hash: string;
}

export function declareTopology(
  hello: WorkerHello,
  applicationId: string,
  known: Declared | null,
  parks = false,
): Declared {
  if (hello.applicationId !== "" && hello.applicationId !== applicationId) {
    throw new OutriggerError(
      "TOPOLOGY_MISMATCH",
      `the application is built for application.id ${hello.applicationId}, the sidecar runs ` +
        `${applicationId}: make them equal, or leave the application's empty`,
    );
  }
  const hash = topologyHash(hello.topology);
  if (known !== null) {
    if (known.hash === hash) {
      // Policies are no part of the hash: what they ask for is looked at all the same.
      requireParking(hello.topology, parks);
      return known;
    }
    throw new OutriggerError(
      "TOPOLOGY_MISMATCH",
      `the worker declares topology ${hash}, but this sidecar runs ${known.hash}: restart the ` +
        "sidecar to run another topology, or connect workers of one version",
    );
  }
  return { programs: compile(hello.topology, { applicationId, parks }), hash };
}
