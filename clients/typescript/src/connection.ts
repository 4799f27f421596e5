import { Chunks, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, type SentFrame } from "./chunks.ts";
import { OutriggerClientError } from "./errors.ts";
import type { Topology } from "./gen/outrigger/v1/topology_pb.ts";
import { Channel } from "./grpc-channel.ts";
import { OK, type Status, UNAUTHENTICATED, UNIMPLEMENTED } from "./grpc-status.ts";
import { decodeFrame, type ReceivedFrame } from "./received-batch.ts";
import { SDK_VERSION } from "./version.ts";

/** How a stream ended. */
export interface Ended {
  readonly reason: string;
  /** Set where connecting again would end the same way. */
  readonly fatal: OutriggerClientError | null;
}

/** One stream to a sidecar. */
export interface Connection {
  /** Throws where the frame is larger than what the sidecar takes. */
  send(frame: SentFrame): void;
  /** Half-closes after what was sent; the sidecar then ends the stream, or we do. */
  end(): void;
  /** Ends at once. */
  cancel(): void;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<Ended>;
}

export interface ConnectOptions {
  /** `unix:/path` or `host:port`. */
  readonly address: string;
  /** Sent as `outrigger-token`. */
  readonly token: string | undefined;
  readonly received: (frame: ReceivedFrame) => void;
}

const METHOD = "/outrigger.v1.ProcessorService/Process";
const PROTOCOL_MINOR = 6;
/** How long a sidecar may take to end a stream that we have half-closed. */
const END_TIMEOUT_MS = 2_000;

/** Throws an Error where the address is none. */
export function connect({ address, token, received }: ConnectOptions): Connection {
  const chunks = new Chunks();
  const channel = new Channel(address);
  let fault: Ended | null = null;
  const call = channel.call({
    path: METHOD,
    token,
    messageBytesMax: MAX_FRAME_BYTES,
    received: (message) => {
      const frame = decodeFrame(message);
      try {
        const whole = chunks.incoming(frame);
        if (whole !== null) received(whole);
      } catch (error: unknown) {
        fault = broken(error);
        call.cancel(fault.reason);
      }
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const ended = call.ended.then((status) => {
    clearTimeout(timer);
    channel.close();
    return fault ?? endOf(status);
  });
  return {
    send: (frame) => {
      if (!call.isOpen) return;
      const messages = chunks.outgoing(frame);
      const sent = frame.case === "result" ? frame.sent : undefined;
      for (const [index, message] of messages.entries()) {
        call.write(message, index === messages.length - 1 ? sent : undefined);
      }
    },
    end: () => {
      call.end();
      const late = `the sidecar did not end the stream within ${END_TIMEOUT_MS} ms`;
      timer ??= setTimeout(() => call.cancel(late), END_TIMEOUT_MS);
    },
    cancel: () => call.cancel("the application ended the stream"),
    ended,
  };
}

/** The sidecar cannot be understood: for good. */
function broken(error: unknown): Ended {
  const reason = error instanceof Error ? error.message : String(error);
  return { reason, fatal: new OutriggerClientError("PROTOCOL_VIOLATION", reason) };
}

function endOf({ code, details }: Status): Ended {
  if (code === OK) return { reason: "the sidecar closed the stream", fatal: null };
  const reason = details === "" ? `the sidecar ended the stream with status ${code}` : details;
  if (code === UNAUTHENTICATED) {
    return { reason, fatal: new OutriggerClientError("UNAUTHENTICATED", reason) };
  }
  if (code === UNIMPLEMENTED) {
    const text = `what answers at this address is no sidecar of this protocol (${reason})`;
    return { reason, fatal: new OutriggerClientError("PROTOCOL_VERSION", text) };
  }
  return { reason, fatal: null };
}

/** The first frame of every stream. */
export function helloFrame(topology: Topology, applicationId: string): SentFrame {
  const runtime = `node ${process.versions.node}`;
  const value = {
    protocolMinor: PROTOCOL_MINOR,
    sdk: { name: "@outrigger/client", version: SDK_VERSION, runtime },
    topology,
    maxFrameBytes: MAX_FRAME_BYTES,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    applicationId,
  };
  return { case: "hello", value };
}
