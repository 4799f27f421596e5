import { create, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import {
  ProcessorService,
  type ProcessRequest,
  ProcessResponseSchema,
} from "../../src/gen/outrigger/v1/processor_pb.ts";
import type { SidecarFrame, Status } from "./case.ts";
import { type Bounds, chunksFor, WorkerFrames } from "./chunked.ts";
import { serviceDefinition } from "./service-definition.ts";

type Call = grpc.ServerDuplexStream<Buffer, Buffer>;

/** Frames bigger than any worker takes must be sendable, to see what it does. */
const OPTIONS = { "grpc.max_send_message_length": -1, "grpc.max_receive_message_length": -1 };

/** Things that come, and one who waits for the next. */
class Arrivals<T> {
  readonly #items: T[] = [];
  #arrived: () => void = () => {};

  push(item: T): void {
    this.#items.push(item);
    this.#arrived();
  }

  /** Throws with `what` when nothing comes in time. */
  async next(what: string, timeoutMs: number): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${what} did not come within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** One stream of a worker; the script says what it gets. */
export class ScriptedStream {
  readonly token: string;
  readonly #call: Call;
  /** Frames, and "end" when the worker has ended its side. */
  readonly #received = new Arrivals<Buffer | "end">();
  readonly #frames = new WorkerFrames();

  constructor(call: Call) {
    this.#call = call;
    this.token = String(call.metadata.get("outrigger-token")[0] ?? "");
    call.on("data", (frame: Buffer) => this.#received.push(frame));
    for (const event of ["end", "cancelled", "error"]) {
      call.on(event, () => this.#received.push("end"));
    }
  }

  async next(what: string, timeoutMs: number): Promise<ProcessRequest["frame"] | "end"> {
    for (;;) {
      const received = await this.#received.next(what, timeoutMs);
      if (received === "end") return received;
      const whole = this.#frames.whole(received);
      if (whole !== null) return whole.frame;
    }
  }

  /** What the handshake has settled: larger frames go and come in chunks from now on. */
  agree(bounds: Bounds): void {
    this.#frames.bounds = bounds;
  }

  send(frame: SidecarFrame): void {
    const message = create(ProcessResponseSchema, { frame });
    const bytes = toBinary(ProcessResponseSchema, message);
    for (const each of chunksFor(bytes, this.#frames.bounds)) this.sendBytes(each);
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.#call.destroyed && !this.#call.writableEnded) this.#call.write(Buffer.from(bytes));
  }

  end(how: "drained" | Status): void {
    if (how === "drained") this.#call.end();
    else this.#call.emit("error", { code: grpc.status[how], details: `told to: ${how}` });
  }
}

/** A server at the sidecar's end of the protocol that does nothing by itself. */
export class ScriptedSidecar {
  readonly #address: string;
  readonly #streams = new Arrivals<ScriptedStream>();
  #server = new grpc.Server(OPTIONS);
  #port = 0;

  private constructor(address: string) {
    this.#address = address;
  }

  /** `unix:/path`, or `127.0.0.1:0` for a free port. */
  static async listen(address: string): Promise<ScriptedSidecar> {
    const sidecar = new ScriptedSidecar(address);
    await sidecar.open();
    return sidecar;
  }

  get address(): string {
    return this.#address.replace(/:0$/, `:${this.#port}`);
  }

  async open(): Promise<void> {
    this.#server = new grpc.Server(OPTIONS);
    const definition = serviceDefinition<Buffer, Buffer>(
      ProcessorService,
      { serialize: () => Buffer.alloc(0), deserialize: (bytes) => bytes },
      { serialize: (frame) => frame, deserialize: (frame) => frame },
    );
    const process = (call: Call): void => this.#streams.push(new ScriptedStream(call));
    this.#server.addService(definition, { process });
    this.#port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      this.#server.bindAsync(this.address, credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** Cuts every connection, as a process that dies does. */
  cut(): void {
    this.#server.forceShutdown();
  }

  async nextStream(timeoutMs: number): Promise<ScriptedStream> {
    return await this.#streams.next("a stream of the worker", timeoutMs);
  }

  /** Whether somebody connects within the time. */
  async isConnectedTo(withinMs: number): Promise<boolean> {
    return await this.nextStream(withinMs).then(
      () => true,
      () => false,
    );
  }
}
