import http2 from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { type Batch, ProcessResponseSchema } from "../../../src/gen/outrigger/v1/processor_pb.ts";
import { MessageReader, prefixOf } from "../../../src/server/message-reader.ts";
import { encoded, type RequestInit } from "./stage.ts";

const HEADERS = {
  ":method": "POST",
  ":path": "/outrigger.v1.ProcessorService/Process",
  "content-type": "application/grpc+proto",
  te: "trailers",
};

/** How the sidecar ended a stream, as gRPC says it. */
export interface Status {
  readonly code: number;
  readonly details: string;
}

/** A worker at the level of HTTP/2: it can send what no library of gRPC would. */
export class BareWorker {
  readonly batches: Batch[] = [];
  /** What the stream's trailers say; the code is NaN where it ends without any. */
  readonly status: Promise<Status>;
  readonly session: http2.ClientHttp2Session;
  readonly #stream: http2.ClientHttp2Stream;
  readonly #answers: boolean;

  /** `port` is of loopback. One that answers sends each record on as it is. */
  constructor(port: number, token: string, answers: boolean) {
    this.#answers = answers;
    this.session = http2.connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => {});
    this.#stream = this.session.request({ ...HEADERS, "outrigger-token": token });
    this.#stream.on("error", () => {});
    const reader = new MessageReader(Number.POSITIVE_INFINITY);
    this.#stream.on("data", (piece: Buffer) => {
      for (const message of reader.read(piece)) this.#took(message);
    });
    this.status = new Promise((resolve) => {
      const said = (trailers: http2.IncomingHttpHeaders): void => {
        const details = decodeURI(String(trailers["grpc-message"] ?? ""));
        resolve({ code: Number(trailers["grpc-status"]), details });
      };
      this.#stream.on("trailers", said);
      this.#stream.on("close", () => said({}));
    });
    this.send({ case: "hello", value: { protocolMinor: 1, topology: {}, credit: { batches: 4 } } });
  }

  send(frame: RequestInit): void {
    const message = encoded(frame);
    this.bytes(Buffer.concat([prefixOf(message.length), message]));
  }

  bytes(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  /** Sends no more, and still reads. */
  halfClose(): void {
    this.#stream.end();
  }

  close(): void {
    this.session.destroy();
  }

  #took(message: Buffer): void {
    const { frame } = fromBinary(ProcessResponseSchema, message);
    if (frame.case !== "batch") return;
    this.batches.push(frame.value);
    if (this.#answers) this.send({ case: "result", value: copyOf(frame.value) });
  }
}

function copyOf({ taskId, taskEpoch, dispatchId, segments }: Batch) {
  const keys = segments.flatMap((segment) => segment.keys);
  const values = segments.flatMap((segment) => segment.values);
  const outputs = { inputs: keys.map((_, row) => row), keys, values };
  return { taskId, taskEpoch, dispatchId, done: keys.length, outputs };
}
