import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Credit, Hello } from "../gen/outrigger/v1/processor_pb.ts";
import type { WorkerHello } from "../ports/application.ts";
import {
  CHUNKS_SINCE_MINOR,
  CREDIT_BATCHES_DEFAULT,
  CREDIT_BATCHES_MAX,
  CREDIT_BYTES_DEFAULT,
  CREDIT_BYTES_MAX,
  MAX_FRAME_BYTES_DEFAULT,
  MAX_FRAME_BYTES_MIN,
  PROTOCOL_MINORS,
} from "./limits.ts";
import { declaredTopology } from "./topology.ts";

/** What a `Hello` settles. */
export interface Greeting {
  readonly hello: WorkerHello;
  /** The minor version that both sides use. */
  readonly protocolMinor: number;
  /** The largest frame that the worker receives. */
  readonly maxFrameBytes: number;
  /** The largest frame that travels in chunks, either way; 0: none does. */
  readonly maxMessageBytes: number;
}

/**
 * Judges a `Hello`; `messageBytesMax` is the sidecar's own bound of frames in chunks. Throws
 * PROTOCOL_VERSION, PROTOCOL_VIOLATION or TOPOLOGY_INVALID.
 */
export function greet(hello: Hello, messageBytesMax: number): Greeting {
  const protocolMinor = commonMinor(hello.protocolMinor);
  const maxFrameBytes = hello.maxFrameBytes || MAX_FRAME_BYTES_DEFAULT;
  if (maxFrameBytes < MAX_FRAME_BYTES_MIN) {
    throw new OutriggerError(
      "PROTOCOL_VIOLATION",
      `the worker receives frames of ${maxFrameBytes} bytes at most; a batch with its state needs ` +
        `${MAX_FRAME_BYTES_MIN}: raise max_frame_bytes`,
    );
  }
  if (hello.topology === undefined) {
    throw new OutriggerError(
      "TOPOLOGY_INVALID",
      "the worker declares no topology: set Hello.topology to what it serves",
    );
  }
  const { name = "unknown", version = "", runtime = "" } = hello.sdk ?? {};
  return {
    protocolMinor,
    maxFrameBytes,
    maxMessageBytes:
      protocolMinor < CHUNKS_SINCE_MINOR ? 0 : Math.min(hello.maxMessageBytes, messageBytesMax),
    hello: {
      topology: declaredTopology(hello.topology),
      applicationId: hello.applicationId,
      sdk: [name, version, runtime].filter((part) => part !== "").join(" "),
      ...grantedCredit(hello.credit),
    },
  };
}

function commonMinor(worker: number): number {
  const { min, max } = PROTOCOL_MINORS;
  if (worker >= min) return Math.min(worker, max);
  throw new OutriggerError(
    "PROTOCOL_VERSION",
    `the worker speaks outrigger.v1 minor version ${worker}, this sidecar ${min} to ${max}: ` +
      "update the application's SDK, or run an older sidecar",
  );
}

/** What a worker asks for, within bounds; unset takes the default, 0 batches pause it (P-13). */
export function grantedCredit(
  credit: Pick<Credit, "batches" | "bytes"> | undefined,
): Pick<WorkerHello, "creditBatches" | "creditBytes"> {
  const batches = credit?.batches ?? CREDIT_BATCHES_DEFAULT;
  const bytes = credit?.bytes || CREDIT_BYTES_DEFAULT;
  return {
    creditBatches: Math.min(batches, CREDIT_BATCHES_MAX),
    creditBytes: Math.min(bytes, CREDIT_BYTES_MAX),
  };
}
