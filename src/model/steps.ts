import { matching } from "./source-pattern.ts";
import type { Program, Stage, TopicExit } from "./topology.ts";

/** The stages of user code, by their index in the program; none for what never leaves the sidecar. */
export function stagesOf({ steps }: Pick<Program, "steps">): Stage[] {
  return steps.flatMap((step) => (step.kind === "stage" ? [step.stage] : []));
}

/** Whether user code has state, or timers: then the next batch needs what the last one changed. */
export function isStateful(program: Pick<Program, "steps" | "timers">): boolean {
  if (program.timers !== undefined) return true;
  return stagesOf(program).some(({ stores }) => stores.length > 0);
}

/** Every topic that the program's steps write, hooks among them; changelogs are not. */
export function topicExitsOf({ steps }: Pick<Program, "steps">): TopicExit[] {
  return steps.flatMap((step) => {
    if (step.kind === "operator" || step.kind === "suppress") return [];
    if (step.kind === "sink") return [step.exit];
    return step.stage.exits.filter((exit) => exit.kind === "topic");
  });
}

/**
 * By index into `sources`: the source node that reads the topic. One that matches several patterns
 * belongs to the first.
 */
export function sourceNodesOf({
  sources,
  sourceNodes,
}: Pick<Program, "sources" | "sourceNodes">): number[] {
  return sources.map((topic) => {
    const named = sourceNodes.findIndex(({ topics }) => topics.includes(topic));
    if (named >= 0) return named;
    const matched = sourceNodes.findIndex(
      ({ pattern }) => pattern !== undefined && matching(pattern, [topic]).length > 0,
    );
    // What the brokers hold to match, and we do not: of the pattern that there is.
    return matched >= 0 ? matched : sourceNodes.findIndex(({ pattern }) => pattern !== undefined);
  });
}
