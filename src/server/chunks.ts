/**
 * Frames that are larger than their receiver's `max_frame_bytes` travel in chunks (P-56): the bytes of
 * the frame, cut up, one chunk behind the other.
 */

import { decodeRequest, type RequestFrame } from "./frames.ts";
import { CHUNK_BYTES_MIN } from "./limits.ts";
import { uintFieldSize, varintSize, writeDelimited, writeUintField } from "./protobuf-writer.ts";
import { violation } from "./questions.ts";

const RESPONSE_CHUNK = 7;
const CHUNK_DATA = 1;
const CHUNK_LAST = 2;

/** What a chunk's frame takes besides its data, at most: two tags, two lengths, and `last`. */
export const CHUNK_OVERHEAD_BYTES = 16;

/** A frame with the bytes `[from, to)` of another one. */
export function encodeChunk(frame: Buffer, from: number, to: number): Buffer {
  const bytes = to - from;
  const last = to === frame.length ? 1 : 0;
  const size = 1 + varintSize(bytes) + bytes + uintFieldSize(last);
  const chunk = Buffer.allocUnsafe(1 + varintSize(size) + size);
  let at = writeDelimited(chunk, 0, RESPONSE_CHUNK, size);
  at = writeDelimited(chunk, at, CHUNK_DATA, bytes);
  at += frame.copy(chunk, at, from, to);
  writeUintField(chunk, at, CHUNK_LAST, last);
  return chunk;
}

/** One worker's frames, whole again: holds the chunks of one that is still on its way, and no more. */
export class ChunkReader {
  #bytesMax = 0;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** What the handshake settled; 0 takes no chunk. */
  agree(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  /** The frame that came, or that is whole now; null in the midst of one. Throws PROTOCOL_VIOLATION. */
  whole(frame: RequestFrame): RequestFrame | null {
    if (frame.kind !== "message" || frame.frame.case !== "chunk") {
      if (this.#bytes === 0) return frame;
      throw violation(
        `another frame came after ${this.#bytes} bytes of one that is not whole; send the chunks of a ` +
          "frame one behind the other, the last one marked",
      );
    }
    const { data, last } = frame.frame.value;
    this.#take(data, last);
    return last ? this.#finish() : null;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  #take(data: Uint8Array, last: boolean): void {
    if (this.#bytesMax === 0) {
      throw violation("a chunk came, though none were agreed on; see max_message_bytes");
    }
    const bytesMin = last ? 1 : CHUNK_BYTES_MIN;
    if (data.length < bytesMin) {
      throw violation(`a chunk holds ${data.length} bytes; the least is ${bytesMin}`);
    }
    if (this.#bytes + data.length > this.#bytesMax) {
      throw violation(
        `the chunks of a frame hold ${this.#bytes + data.length} bytes or more; ${this.#bytesMax} were ` +
          "agreed on as max_message_bytes",
      );
    }
    this.#pieces.push(data);
    this.#bytes += data.length;
  }

  #finish(): RequestFrame {
    const bytes = Buffer.concat(this.#pieces, this.#bytes);
    this.clear();
    const frame = decodeRequest(bytes);
    if (frame.kind === "malformed") throw frame.error;
    if (frame.kind === "message" && frame.frame.case === "chunk") {
      throw violation("the chunks of a frame are a chunk; cut a frame once");
    }
    return frame;
  }
}
