import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Chunk, ProcessRequestSchema, type Welcome } from "./gen/outrigger/v1/processor_pb.ts";
import { PREFIX_BYTES, prefixed } from "./grpc-messages.ts";
import { decodeFrame, type ReceivedFrame } from "./received-batch.ts";

type RequestFrame = NonNullable<MessageInitShape<typeof ProcessRequestSchema>["frame"]>;

/** A frame for the sidecar; a result comes as the whole message, the frame behind its prefix. */
export type SentFrame =
  | { readonly case: "result"; readonly message: Uint8Array; readonly sent: () => void }
  | Exclude<RequestFrame, { readonly case: "result" } | { readonly case?: undefined }>;

/** The largest frame that this SDK receives, and the largest in chunks where the sidecar agrees. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
export const MAX_MESSAGE_BYTES = 1024 * 1024 * 1024;

/** What the sidecar takes where it does not say. */
const MAX_FRAME_BYTES_DEFAULT = 4 * 1024 * 1024;
/** What a chunk's frame takes besides its data, at most. */
const CHUNK_OVERHEAD_BYTES = 16;

/** The largest frame that a sidecar takes, in chunks where it is larger than one that goes whole. */
export function sendableBytes({ maxFrameBytes, maxMessageBytes }: Welcome): number {
  return Math.max(maxFrameBytes || MAX_FRAME_BYTES_DEFAULT, maxMessageBytes);
}

/**
 * Frames above what the other side receives at once: cut into chunks on their way out, put together on
 * their way in (P-56, P-57). Of those that come in it holds the one that is not whole yet.
 */
export class Chunks {
  #frameBytesMax = MAX_FRAME_BYTES_DEFAULT;
  #bytesMax = MAX_FRAME_BYTES_DEFAULT;
  /** Of a frame that comes in chunks; 0 until the welcome has said so. */
  #messageBytesMax = 0;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** The messages to write for a frame. Throws where the sidecar does not take it. */
  outgoing(frame: SentFrame): Uint8Array[] {
    const bytes = frame.case === "result" ? frame.message.subarray(PREFIX_BYTES) : encoded(frame);
    if (bytes.length <= this.#frameBytesMax) {
      return [frame.case === "result" ? frame.message : prefixed(bytes)];
    }
    if (bytes.length > this.#bytesMax) {
      throw new RangeError(
        `a ${frame.case} takes ${bytes.length} bytes, the sidecar takes ${this.#bytesMax}: write ` +
          "less for each record, or raise server.max.message.bytes",
      );
    }
    const chunks: Uint8Array[] = [];
    const step = this.#frameBytesMax - CHUNK_OVERHEAD_BYTES;
    for (let at = 0; at < bytes.length; at += step) {
      const value = { data: bytes.subarray(at, at + step), last: at + step >= bytes.length };
      chunks.push(prefixed(encoded({ case: "chunk", value })));
    }
    return chunks;
  }

  /** The frame that came, or that is whole now; null in the midst of one. Throws where P-57 is broken. */
  incoming(frame: ReceivedFrame): ReceivedFrame | null {
    if (frame.case === "chunk") return this.#take(frame.value);
    if (this.#bytes > 0 && frame.case !== "reject") {
      throw new Error(`the sidecar sent another frame after ${this.#bytes} bytes of one in chunks`);
    }
    if (frame.case === "welcome") this.#agree(frame.value);
    return frame;
  }

  #agree(welcome: Welcome): void {
    this.#frameBytesMax = welcome.maxFrameBytes || MAX_FRAME_BYTES_DEFAULT;
    this.#bytesMax = sendableBytes(welcome);
    this.#messageBytesMax = welcome.maxMessageBytes;
  }

  #take({ data, last }: Chunk): ReceivedFrame | null {
    this.#bytes += data.length;
    if (data.length === 0 || this.#bytes > this.#messageBytesMax) {
      const agreed = `${this.#messageBytesMax} were agreed on`;
      throw new Error(
        `the sidecar sent ${data.length} bytes as a chunk, ${this.#bytes} in all; ${agreed}`,
      );
    }
    this.#pieces.push(data);
    if (!last) return null;
    const bytes = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    const whole = decodeFrame(bytes);
    if (whole.case === "chunk") throw new Error("the sidecar sent chunks of a chunk");
    return whole;
  }
}

function encoded(frame: RequestFrame): Uint8Array {
  return toBinary(ProcessRequestSchema, create(ProcessRequestSchema, { frame }));
}
