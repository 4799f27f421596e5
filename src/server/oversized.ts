import type { BatchAnswer, BatchName } from "../ports/application.ts";
import { NO_FAILURE } from "./decode-result.ts";
import type { Greeting } from "./handshake.ts";

type Bounds = Pick<Greeting, "maxFrameBytes" | "maxMessageBytes">;

/** The largest frame that goes to a worker, in chunks where it is larger than one that goes whole. */
export function bytesMaxOf({ maxFrameBytes, maxMessageBytes }: Bounds): number {
  return Math.max(maxFrameBytes, maxMessageBytes);
}

/** The end of a sentence on a frame that is larger than that: both sizes, and the remedy. */
export function excessOf(bytes: number, bounds: Bounds): string {
  const { maxFrameBytes, maxMessageBytes } = bounds;
  const remedy =
    maxMessageBytes > maxFrameBytes
      ? "raise server.max.message.bytes, or the SDK's max message size"
      : "use an SDK that takes frames in chunks, or raise its max frame size";
  return `${bytes} bytes; the worker receives ${bytesMaxOf(bounds)}: ${remedy}`;
}

/** The failure type of a batch that is larger than its worker receives. */
export const FRAME_TOO_LARGE = "FRAME_TOO_LARGE";

/** Stands in for the answer to a batch that could not be sent: row 0 failed of its size. */
export function oversizedAnswer(
  { taskName, taskEpoch, dispatchId }: BatchName,
  excess: string,
): BatchAnswer {
  const message = `batch ${dispatchId} of task ${taskName} takes with its state ${excess}`;
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
