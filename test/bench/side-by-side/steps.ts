import { WARM_UP_RATIO } from "./latency.ts";
import { PROBES } from "./restore.ts";
import type { System } from "./systems.ts";
import { recordsOf, type Workload } from "./workloads.ts";

/** How much is asked for. */
export interface Amounts {
  /** Records of a backlog. */
  readonly records: number;
  /** Entries of a store that is restored. */
  readonly entries: number;
  /** Of a steady input, its warm-up aside. */
  readonly seconds: number;
}

export interface Step {
  readonly round: number;
  readonly workload: Workload;
  readonly system: System;
  readonly records: number;
}

/** In each round every system meets each workload, beginning with another one than the round before. */
export function stepsOf(
  workloads: readonly Workload[],
  systems: readonly System[],
  rounds: number,
  amounts: Amounts,
): Step[] {
  return Array.from({ length: rounds }, (_, index) => {
    const first = index % systems.length;
    const turned = [...systems.slice(first), ...systems.slice(0, first)];
    return workloads.flatMap((workload) => {
      const own = turned.filter(({ name }) => takesPart(workload, name));
      return own.map((system) => {
        return { round: index + 1, workload, system, records: inputOf(workload, system, amounts) };
      });
    });
  }).flat();
}

export function takesPart({ systems, kind }: Workload, name: string): boolean {
  if (systems !== null) return systems.includes(name);
  return kind === "drain";
}

function inputOf(workload: Workload, { name }: System, amounts: Amounts): number {
  switch (workload.kind) {
    case "drain":
      return recordsOf(workload, name, amounts.records);
    case "restore":
      return amounts.entries + PROBES;
    case "latency":
      // One that goes ahead, to see that the system is up.
      return 1 + Math.round(workload.perSecond * amounts.seconds * (1 + WARM_UP_RATIO));
  }
}
