import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { Chunks, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, type SentFrame } from "./chunks.ts";
import { OutriggerClientError } from "./errors.ts";
import type { Topology } from "./gen/outrigger/v1/topology_pb.ts";
import { decodeFrame, type ReceivedFrame } from "./received-batch.ts";

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
const SDK_VERSION = "0.1.0";
/** How long a sidecar may take to end a stream that we have half-closed. */
const END_TIMEOUT_MS = 2_000;

/**
 * HTTP/2's window, the same as the sidecar's and never more: two Node peers with larger ones can
 * each wait for the other to read. The default stays where the socket's buffer is small.
 */
const WINDOW_BYTES = 128 * 1024;
const WINDOW_BYTES_DEFAULT = 65_535;
const SEND_BUFFER_BYTES_MIN = 212_992;

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_FRAME_BYTES,
  "grpc.max_send_message_length": -1,
  "grpc.enable_retries": 0,
  // A channel of its own for each try: a shared one would stand still in a back-off of its own,
  // which grows to minutes while a sidecar is away.
  "grpc.use_local_subchannel_pool": 1,
};

export function connect({ address, token, received }: ConnectOptions): Connection {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    ...CHANNEL_OPTIONS,
    "grpc-node.flow_control_window": windowBytes(),
  });
  const metadata = new grpc.Metadata();
  if (token !== undefined && token !== "") metadata.set("outrigger-token", token);
  const stream = client.makeBidiStreamRequest(
    METHOD,
    (bytes: Buffer) => bytes,
    decodeFrame,
    metadata,
  );
  const chunks = new Chunks();
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<Ended>((resolve) => {
    const over = (end: Ended): void => {
      clearTimeout(timer);
      client.close();
      resolve(end);
    };
    stream.on("data", (frame: ReceivedFrame) => {
      try {
        const whole = chunks.incoming(frame);
        if (whole !== null) received(whole);
      } catch (error: unknown) {
        over(broken(error));
        stream.cancel();
      }
    });
    stream.on("error", (error) => over(endOf(error)));
    stream.on("end", () => over({ reason: "the sidecar closed the stream", fatal: null }));
  });
  return {
    send: (frame) => {
      if (stream.destroyed || stream.writableEnded) return;
      const pieces = chunks.outgoing(frame);
      const sent = frame.case === "result" ? frame.sent : undefined;
      for (const [index, bytes] of pieces.entries()) {
        stream.write(bytes, index === pieces.length - 1 ? sent : undefined);
      }
    },
    end: () => {
      stream.end();
      timer ??= setTimeout(() => stream.cancel(), END_TIMEOUT_MS);
    },
    cancel: () => stream.cancel(),
    ended,
  };
}

/** The sidecar cannot be understood: for good. */
function broken(error: unknown): Ended {
  const reason = error instanceof Error ? error.message : String(error);
  return { reason, fatal: new OutriggerClientError("PROTOCOL_VIOLATION", reason) };
}

function endOf(error: Error): Ended {
  const { code, details } = error as Partial<grpc.ServiceError>;
  const reason = details ?? error.message;
  if (code === grpc.status.UNAUTHENTICATED) {
    return { reason, fatal: new OutriggerClientError("UNAUTHENTICATED", reason) };
  }
  if (code === grpc.status.UNIMPLEMENTED) {
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

function windowBytes(): number {
  if (process.platform !== "linux") return WINDOW_BYTES;
  try {
    const sendBuffer = Number(readFileSync("/proc/sys/net/core/wmem_default", "utf8"));
    return sendBuffer < SEND_BUFFER_BYTES_MIN ? WINDOW_BYTES_DEFAULT : WINDOW_BYTES;
  } catch {
    return WINDOW_BYTES_DEFAULT;
  }
}
