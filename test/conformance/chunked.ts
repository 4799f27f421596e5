import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ProcessRequest,
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "../../src/gen/outrigger/v1/processor_pb.ts";

/** What a handshake has settled of one stream. */
export interface Bounds {
  /** The largest frame that the worker receives, and the sidecar. */
  readonly toWorker: number;
  readonly toSidecar: number;
  /** The largest frame in chunks; 0: none. */
  readonly message: number;
}

const CHUNK_BYTES_MIN = 64 * 1024;
/** Many to a frame, and none of them as large as it may be. */
const CHUNK_BYTES = 300_000;

/** What goes to a worker for a frame: itself, or its chunks where those were agreed on. */
export function chunksFor(frame: Uint8Array, { toWorker, message }: Bounds): Uint8Array[] {
  if (frame.length <= toWorker || message === 0) return [frame];
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < frame.length; at += CHUNK_BYTES) {
    const last = at + CHUNK_BYTES >= frame.length;
    const value = { data: frame.subarray(at, at + CHUNK_BYTES), last };
    const chunk = create(ProcessResponseSchema, { frame: { case: "chunk", value } });
    chunks.push(toBinary(ProcessResponseSchema, chunk));
  }
  return chunks;
}

/** A worker's frames, whole; every rule of P-56 and P-57 is asserted. */
export class WorkerFrames {
  bounds: Bounds = { toWorker: 4 * 2 ** 20, toSidecar: 4 * 2 ** 20, message: 0 };
  #pieces: Uint8Array[] = [];

  /** Null in the midst of one. */
  whole(bytes: Uint8Array): ProcessRequest | null {
    const { toSidecar, message } = this.bounds;
    assert.ok(bytes.length <= toSidecar, `a frame of ${bytes.length} bytes, above ${toSidecar}`);
    const request = fromBinary(ProcessRequestSchema, bytes);
    if (request.frame.case !== "chunk") {
      assert.equal(this.#pieces.length, 0, `a ${request.frame.case} is between chunks`);
      return request;
    }
    const { data, last } = request.frame.value;
    assert.ok(data.length >= (last ? 1 : CHUNK_BYTES_MIN), `a chunk of ${data.length} bytes`);
    this.#pieces.push(data);
    const sum = this.#pieces.reduce((all, { length }) => all + length, 0);
    assert.ok(sum <= message, `chunks of ${sum} bytes; ${message} were agreed on`);
    if (!last) return null;
    const whole = fromBinary(ProcessRequestSchema, Buffer.concat(this.#pieces));
    this.#pieces = [];
    assert.ok(sum > toSidecar, "a frame that fits came in chunks");
    assert.notEqual(whole.frame.case, "chunk", "a chunk of a chunk");
    return whole;
  }
}
