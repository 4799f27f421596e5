import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import {
  type Batch,
  type BatchResultSchema,
  type ProcessRequestSchema,
  ProcessRequestSchema as REQUEST,
  ProcessResponseSchema as RESPONSE,
} from "../../src/gen/outrigger/v1/processor_pb.ts";
import { Operation, StoreKind } from "../../src/gen/outrigger/v1/topology_pb.ts";

/** A worker without an SDK, on a stream of bytes: it can say what no SDK would. */

export type Frame = NonNullable<MessageInitShape<typeof ProcessRequestSchema>["frame"]>;
export type Result = Omit<MessageInitShape<typeof BatchResultSchema>, "$typeName" | "$unknown">;

const METHOD = "/outrigger.v1.ProcessorService/Process";
const asIs = (bytes: Buffer): Buffer => bytes;

/** The topology of `apps/counter.ts`, as its SDK names the nodes. */
export function counterTopology(input: string, output: string) {
  const process = { operation: Operation.PROCESS, stores: ["counts"] };
  return {
    nodes: [
      { name: "source-01", kind: { case: "source" as const, value: { topics: [input] } } },
      {
        name: "function-02",
        parents: ["source-01"],
        kind: { case: "function" as const, value: process },
      },
      {
        name: "sink-03",
        parents: ["function-02"],
        kind: { case: "sink" as const, value: { topic: output } },
      },
    ],
    stores: [{ name: "counts", kind: StoreKind.KEY_VALUE }],
  };
}

export function encoded(frame: Frame): Buffer {
  return Buffer.from(toBinary(REQUEST, create(REQUEST, { frame })));
}

export class HostileWorker {
  readonly batches: Batch[] = [];
  /** What the sidecar's reject said, or how the stream ended. */
  readonly ended: Promise<string>;
  isOver = false;
  readonly #client: grpc.Client;
  readonly #stream: grpc.ClientDuplexStream<Buffer, Buffer>;

  /** `took` is called for every batch. */
  constructor(address: string, took: (batch: Batch, worker: HostileWorker) => void) {
    const options = { "grpc.use_local_subchannel_pool": 1, "grpc.max_send_message_length": -1 };
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
    this.#stream = this.#client.makeBidiStreamRequest(METHOD, asIs, asIs, new grpc.Metadata());
    let rejected: string | null = null;
    this.#stream.on("data", (bytes: Buffer) => {
      const { frame } = fromBinary(RESPONSE, bytes);
      if (frame.case === "reject") rejected = `${frame.value.code}: ${frame.value.message}`;
      if (frame.case !== "batch") return;
      this.batches.push(frame.value);
      took(frame.value, this);
    });
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        this.isOver = true;
        resolve(rejected ?? how);
        this.#client.close();
      };
      this.#stream.on("error", (error) => over(error.message));
      this.#stream.on("end", () => over("ended"));
    });
  }

  hello(topology: ReturnType<typeof counterTopology>, batches = 4): void {
    this.send({ case: "hello", value: { protocolMinor: 1, topology, credit: { batches } } });
  }

  /** As one that takes frames in chunks, as large as the sidecar's own bound. */
  helloWithChunks(topology: ReturnType<typeof counterTopology>): void {
    const value = { protocolMinor: 4, topology, credit: { batches: 4 }, maxMessageBytes: 2 ** 30 };
    this.send({ case: "hello", value });
  }

  send(frame: Frame): void {
    this.raw(encoded(frame));
  }

  raw(bytes: Buffer): void {
    if (!this.isOver) this.#stream.write(bytes);
  }

  /** An answer to a batch that says what is given, and that all of it is done where nothing is. */
  answer(batch: Batch, given: Partial<Result>): void {
    const { dispatchId, taskEpoch, taskId } = batch;
    this.send({
      case: "result",
      value: { dispatchId, taskEpoch, taskId, done: rowsOf(batch), ...given },
    });
  }

  /** Reads nothing from now on. */
  stopReading(): void {
    this.#stream.pause();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

export function rowsOf({ segments }: Batch): number {
  return segments.reduce((sum, { keys }) => sum + keys.length, 0);
}
