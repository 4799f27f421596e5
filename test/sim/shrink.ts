import { GOOD_MANNERS, type Plan } from "./plan.ts";

const RUNS_MAX = 80;

/**
 * Looks for a smaller world that is broken too: fewer faults first, then fewer records, members and
 * bad manners. Takes what fails, whatever it fails with.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  let runs = 0;
  const tries = async (smaller: Plan): Promise<boolean> => {
    runs += 1;
    if (runs > RUNS_MAX || !(await fails(smaller))) return false;
    smallest = smaller;
    return true;
  };
  for (let at = 0; at < smallest.faults.length; ) {
    const faults = smallest.faults.filter((_, index) => index !== at);
    if (!(await tries({ ...smallest, faults }))) at += 1;
  }
  while (smallest.records > 10) {
    const records = Math.floor(smallest.records / 2);
    if (!(await tries({ ...smallest, records }))) break;
  }
  await tries({ ...smallest, manners: GOOD_MANNERS });
  await tries({ ...smallest, transactionalInput: false });
  if (smallest.sidecars > 1) await tries({ ...smallest, sidecars: smallest.sidecars - 1 });
  if (smallest.partitions > 1) await tries({ ...smallest, partitions: 1 });
  return smallest;
}
