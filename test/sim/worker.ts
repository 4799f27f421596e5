import { parentPort } from "node:worker_threads";
import { type Plan, planOf } from "./plan.ts";
import { type Outcome, stackOf, World } from "./world.ts";

/** What the runner asks of a worker: a seed, or a plan of its own. */
export type Job =
  | { readonly kind: "seed"; readonly seed: string; readonly tracing: boolean }
  | { readonly kind: "plan"; readonly plan: Plan; readonly tracing: boolean };

let world: World | null = null;

process.on("unhandledRejection", (error) => {
  world?.violate(`unhandled: ${stackOf(error)}`);
});

async function perform(job: Job): Promise<Outcome> {
  world = new World(job.kind === "seed" ? planOf(job.seed) : job.plan, job.tracing);
  try {
    return await world.run();
  } catch (error: unknown) {
    world.violate(`the simulator broke: ${stackOf(error)}`);
    return world.outcome(0);
  }
}

parentPort?.on("message", (job: Job) => {
  void perform(job).then((outcome) => parentPort?.postMessage(outcome));
});
