import { APPLICATIONS } from "./applications.ts";
import { BROKERS } from "./brokers.ts";
import { CLUSTER } from "./cluster.ts";
import { CRASHES } from "./crashes.ts";
import { DISKS } from "./disks.ts";
import type { Fault, Faults } from "./fault.ts";
import { GROUPS } from "./groups.ts";
import { HOSTILITY } from "./hostility.ts";
import { PAUSES } from "./pauses.ts";
import { RECORDS } from "./records.ts";
import { REGROUPS } from "./regroups.ts";

export const FAULTS: Faults = {
  ...CRASHES,
  ...PAUSES,
  ...APPLICATIONS,
  ...RECORDS,
  ...HOSTILITY,
  ...BROKERS,
  ...GROUPS,
  ...DISKS,
  ...REGROUPS,
};

/**
 * By name, or by the beginning of names with a `*`: `kill-*`; those of several brokers only where there
 * are several. Throws for a name that none has.
 */
export function faultsNamed(text: string | undefined, brokers = 1): [string, Fault][] {
  const all = Object.entries(brokers === 1 ? FAULTS : { ...FAULTS, ...CLUSTER });
  if (text === undefined) return all;
  return text.split(",").flatMap((wanted) => {
    const found = all.filter(([name]) =>
      wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted,
    );
    if (found.length > 0) return found;
    throw new Error(`no fault is named ${wanted}; npm run chaos -- --list names them`);
  });
}
