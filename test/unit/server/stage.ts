import assert from "node:assert/strict";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type HelloSchema,
  ProcessRequestSchema,
  type ProcessResponse,
  ProcessResponseSchema,
} from "../../../src/gen/outrigger/v1/processor_pb.ts";
import { BufferPool } from "../../../src/model/buffer-pool.ts";
import type { ApplicationListener, WorkerHello } from "../../../src/ports/application.ts";
import { decodeRequest } from "../../../src/server/frames.ts";
import { WorkerSession } from "../../../src/server/session.ts";
import { columnsOf } from "./columns.ts";

export type RequestInit = NonNullable<MessageInitShape<typeof ProcessRequestSchema>["frame"]>;
type HelloInit = Omit<MessageInitShape<typeof HelloSchema>, "$typeName" | "$unknown">;

export const HELLO: RequestInit = { case: "hello", value: helloOf({}) };
export const QUESTION = { taskId: "0_0", taskEpoch: 1, dispatchId: 2n, keys: [Buffer.from("k")] };

export function helloOf(over: HelloInit): HelloInit {
  return { protocolMinor: 1, topology: {}, ...over };
}

export function encoded(frame: RequestInit): Buffer {
  return Buffer.from(toBinary(ProcessRequestSchema, create(ProcessRequestSchema, { frame })));
}

/** The stage's sidecar's own bound of frames in chunks. */
export const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/** A session between a scripted worker and a listener that writes down what it is told. */
export class Stage {
  readonly told: string[] = [];
  readonly sent: ProcessResponse["frame"][] = [];
  /** Frames whose bytes are used again once they are done. */
  readonly written: { readonly frame: Buffer; readonly done: () => void }[] = [];
  /** All frames, as bytes. */
  readonly frames: Buffer[] = [];
  /** What failures the kernel was told of say. */
  readonly failures: string[] = [];
  readonly hellos: WorkerHello[] = [];
  isEnded = false;
  takes = true;
  onConnected: () => void = () => {};
  readonly session = new WorkerSession({
    id: 4,
    sink: {
      write: (frame, written) => {
        if (written !== undefined) this.written.push({ frame, done: written });
        this.frames.push(frame);
        this.sent.push(fromBinary(ProcessResponseSchema, frame).frame);
        return this.takes;
      },
      end: () => {
        this.isEnded = true;
      },
    },
    buffers: new BufferPool(1_000_000),
    listener: this.#listener(),
    log: {
      debug: (line) => this.told.push(`debug ${line}`),
      info: (line) => this.told.push(`info ${line}`),
      warn: (line) => this.told.push(`warn ${line}`),
      error: (line) => this.told.push(`error ${line}`),
    },
    maxMessageBytes: MESSAGE_BYTES_MAX,
    closed: (reason, wasKnown) => this.told.push(`closed known=${wasKnown} ${reason}`),
  });

  #listener(): ApplicationListener {
    return {
      connected: (_, hello) => {
        this.hellos.push(hello);
        this.told.push("connected");
        this.onConnected();
      },
      disconnected: () => assert.fail("the server tells of this, later"),
      answered: (_, { dispatchId, failure }) => {
        this.told.push(`answered ${dispatchId} ${failure?.type ?? "done"}`);
        if (failure !== null) this.failures.push(failure.message);
      },
      handedBack: (_, { taskName, taskEpoch, dispatchId }) => {
        this.told.push(`handedBack ${taskName} ${taskEpoch} ${dispatchId}`);
      },
      asked: (_, { requestId, store, keys, range }) => {
        if (keys !== null)
          this.told.push(`asked ${requestId} ${store} ${keys.count} ${keys.bytes}`);
        if (range !== null) this.told.push(`asked ${requestId} ${store} ${JSON.stringify(range)}`);
      },
      credited: (_, batches, bytes) => this.told.push(`credited ${batches} ${bytes}`),
    };
  }

  /** The stream writes what it was given, and what it is given for that. */
  writeAll(): void {
    for (let next = this.written.shift(); next !== undefined; next = this.written.shift())
      next.done();
  }

  receive(frame: RequestInit): void {
    this.receiveBytes(encoded(frame));
  }

  receiveBytes(bytes: Buffer): void {
    this.session.received(decodeRequest(bytes));
  }

  serve(over: HelloInit = {}): this {
    this.receive({ case: "hello", value: helloOf(over) });
    const announced = { sidecarVersion: "1", applicationId: "app", maxFrameBytes: 9 };
    this.session.welcome({ ...announced, sources: ["in"], stages: [] });
    return this;
  }

  /** Code and text of the reject that ended the stream. */
  get rejection(): string {
    const last = this.sent.at(-1);
    assert.ok(last?.case === "reject" && this.isEnded, "the stream was not rejected");
    return `${last.value.code}: ${last.value.message}`;
  }
}

export function batchOf(valueBytes: number) {
  const value = Buffer.alloc(valueBytes);
  const columns = columnsOf([{ key: null, value, offset: 1, timestamp: 0, headers: [] }]);
  const rows = [{ source: 0, partition: 0, columns, from: 0, to: 1 }];
  const name = { taskName: "0_0", taskEpoch: 1, dispatchId: 8 };
  return { ...name, stage: 0, firstSource: 0, rows, states: [], processingTimeoutMs: 1 };
}
