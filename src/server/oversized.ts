import type { BatchAnswer, BatchName } from "../ports/application.ts";
import { NO_FAILURE } from "./decode-result.ts";

/** The failure type of a batch that is larger than its worker receives. */
export const FRAME_TOO_LARGE = "FRAME_TOO_LARGE";

/** Stands in for the answer to a batch that could not be sent: row 0 failed of its size. */
export function oversizedAnswer(
  { taskName, taskEpoch, dispatchId }: BatchName,
  bytes: number,
  maxFrameBytes: number,
): BatchAnswer {
  const message =
    `batch ${dispatchId} of task ${taskName} takes ${bytes} bytes with its state; the worker ` +
    `receives ${maxFrameBytes}: raise the SDK's max frame size`;
  return {
    taskName,
    taskEpoch,
    dispatchId,
    done: 0,
    failure: { ...NO_FAILURE, type: FRAME_TOO_LARGE, message },
    outputs: {
      count: 0,
      bytes: Buffer.alloc(0),
      inputs: new Int32Array(0),
      sinks: null,
      positions: new Int32Array(0),
      timestamps: null,
      headers: null,
    },
    mutations: [],
  };
}
