import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import {
  type ProcessRequest,
  ProcessRequestSchema,
  type ProcessResponse,
  ProcessResponseSchema,
} from "./gen/outrigger/v1/processor_pb.ts";
import type { Topology } from "./gen/outrigger/v1/topology_pb.ts";

/** One stream to a sidecar. */
export interface Connection {
  send(frame: ProcessRequest): void;
  /** Half-closes after what was sent, then ends. */
  end(): void;
  /** Resolves with the reason when the stream has ended. */
  readonly ended: Promise<string>;
}

export interface ConnectOptions {
  /** `unix:/path` or `host:port`. */
  readonly address: string;
  /** Sent as `outrigger-token` over TCP. */
  readonly token: string | undefined;
  readonly received: (frame: ProcessResponse) => void;
}

const METHOD = "/outrigger.v1.ProcessorService/Process";
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const PROTOCOL_MINOR = 1;
const SDK_VERSION = "0.1.0";
/** Two Node peers with larger windows can deadlock; both sides keep to this. */
const WINDOW_BYTES = 128 * 1024;

export function connect(options: ConnectOptions): Connection {
  const client = new grpc.Client(options.address, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_FRAME_BYTES + 64 * 1024,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": WINDOW_BYTES,
    "grpc.enable_retries": 0,
  });
  const metadata = new grpc.Metadata();
  if (options.token !== undefined) metadata.set("outrigger-token", options.token);
  const stream = client.makeBidiStreamRequest(
    METHOD,
    (frame: ProcessRequest) => asBuffer(toBinary(ProcessRequestSchema, frame)),
    (bytes: Buffer) => fromBinary(ProcessResponseSchema, bytes),
    metadata,
  );
  stream.on("data", (frame: ProcessResponse) => options.received(frame));
  const ended = new Promise<string>((resolve) => {
    stream.on("error", (error: Error) => resolve(error.message));
    stream.on("end", () => resolve("the sidecar closed the stream"));
  });
  ended.then(
    () => client.close(),
    () => client.close(),
  );
  return {
    send: (frame) => {
      if (!stream.destroyed && !stream.writableEnded) stream.write(frame);
    },
    end: () => stream.end(),
    ended,
  };
}

/** The first frame of every stream. */
export function helloFrame(topology: Topology, applicationId: string): ProcessRequest {
  return create(ProcessRequestSchema, {
    frame: {
      case: "hello",
      value: {
        protocolMinor: PROTOCOL_MINOR,
        sdk: {
          name: "@outrigger/client",
          version: SDK_VERSION,
          runtime: `node ${process.version}`,
        },
        topology,
        maxFrameBytes: MAX_FRAME_BYTES,
        applicationId,
      },
    },
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
