import type { Program } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import { faultOf } from "./answers.ts";
import type { Hop } from "./batch.ts";
import { type Fault, UNKNOWN_FAULT } from "./failures.ts";
import { faultOfFolds, foldSlotsOf } from "./kept-folds.ts";
import type { RunnerLimits } from "./task-host.ts";
import { faultOfTimers } from "./timer-answers.ts";

export interface FoundFault {
  readonly fault: Fault;
  /** Some row of the batch is the reason, nobody knows which; else the first that is not done. */
  readonly isOfAll: boolean;
}

/** What the server makes of an answer whose columns contradict each other. */
const ANSWER_INVALID = "ANSWER_INVALID";
/** And of a batch that is larger than its worker receives. */
const FRAME_TOO_LARGE = "FRAME_TOO_LARGE";

/** What is wrong with an answer, or what it says went wrong; null where all went well. */
export function faultIn(
  hop: Hop,
  program: Program,
  answer: BatchAnswer,
  limits: RunnerLimits,
  task: string,
): FoundFault | null {
  const wrong =
    faultOf(hop, answer, program.stores, limits) ??
    faultOfFold(hop, answer) ??
    faultOfTimers(hop.stage, program, answer, limits);
  if (wrong !== null) {
    const message = `the application's answer for task ${task} is invalid: ${wrong}`;
    return { fault: { ...UNKNOWN_FAULT, code: "ANSWER_INVALID", message }, isOfAll: true };
  }
  const { failure } = answer;
  if (failure === null) return null;
  const fault: Fault = { code: "HANDLER_FAILED", ...failure };
  if (failure.type === ANSWER_INVALID) {
    return { fault: { ...fault, code: "ANSWER_INVALID", type: "" }, isOfAll: true };
  }
  return { fault, isOfAll: failure.type === FRAME_TOO_LARGE };
}

function faultOfFold(hop: Hop, answer: BatchAnswer): string | null {
  if (answer.failure !== null) return null;
  const slots = foldSlotsOf(hop);
  return slots === null ? null : faultOfFolds(hop, slots, answer);
}
