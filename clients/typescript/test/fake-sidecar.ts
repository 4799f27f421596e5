import assert from "node:assert/strict";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { SentFrame } from "../src/chunks.ts";
import type { OutriggerClientError } from "../src/errors.ts";
import {
  type BatchResult,
  type BatchSchema,
  type ProcessRequest,
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "../src/gen/outrigger/v1/processor_pb.ts";
import type { SegmentSchema } from "../src/gen/outrigger/v1/records_pb.ts";
import { PREFIX_BYTES } from "../src/grpc-messages.ts";
import { decodeFrame } from "../src/received-batch.ts";
import { bytes, type Serde } from "../src/serdes.ts";
import { Session } from "../src/session.ts";
import { KStream } from "../src/streams.ts";
import { type Serdes, TopologyBuilder } from "../src/topology.ts";

type Frame = ProcessRequest["frame"];
type Stage = { entries: string[]; stores?: string[]; sinks?: string[] };

export const text = (value: string): Uint8Array => Buffer.from(value);
export const plainText = (value: Uint8Array | undefined): string =>
  Buffer.from(value ?? []).toString();

/** A topology with one source, named `in`. */
export function source<K, V>(
  builder: TopologyBuilder,
  key: Serde<K>,
  value: Serde<V>,
): KStream<K, V> {
  const input = { key, value } as unknown as Serdes;
  const kind = { case: "source" as const, value: { topics: ["topic"] } };
  const node = builder.add({ name: "in", kind, parents: [], input });
  return new KStream({ builder, nodes: [node], serdes: input });
}

/** Plays the sidecar's end of a session: sends frames, keeps what comes back. */
export class FakeSidecar {
  readonly frames: Frame[] = [];
  readonly builder = new TopologyBuilder({ key: bytes, value: bytes } as unknown as Serdes);
  rejection: OutriggerClientError | null = null;
  isIdle = false;
  #arrived: () => void = () => {};
  readonly session = new Session(this.builder.nodes, {
    send: (frame) => this.#keep(() => this.frames.push(asReceived(frame))),
    welcomed: () => {},
    rejected: (error) =>
      this.#keep(() => {
        this.rejection = error;
      }),
    idle: () =>
      this.#keep(() => {
        this.isIdle = true;
      }),
  });

  #keep(change: () => void): void {
    change();
    this.#arrived();
  }

  source(): KStream<Uint8Array | null, Uint8Array | null> {
    return source(this.builder, bytes, bytes);
  }

  welcome(stage: Stage, maxFrameBytes = 0): void {
    this.welcomeTo({ sources: ["topic"], stages: [stage], maxFrameBytes });
  }

  /** The same, to more than one stage. */
  welcomeTo(to: { sources: string[]; stages: Stage[]; maxFrameBytes?: number }): void {
    const { sources, stages, maxFrameBytes = 0 } = to;
    const value = { protocolMinor: 1, applicationId: "app", maxFrameBytes, sources, stages };
    this.#send({ case: "welcome", value });
  }

  batch(batch: MessageInitShape<typeof BatchSchema>): void {
    this.#send({ case: "batch", value: { taskId: "0_0", taskEpoch: 1, ...batch } });
  }

  revoke(taskEpoch: number, taskId = "0_0"): void {
    this.#send({ case: "revoked", value: { taskId, taskEpoch } });
  }

  reject(code: string, message: string): void {
    this.#send({ case: "reject", value: { code, message } });
  }

  answerState(requestId: number, value: Uint8Array | null, error = ""): void {
    const values = value === null ? [new Uint8Array()] : [value];
    const absent = value === null ? [0] : [];
    this.#send({ case: "stateResponse", value: { requestId, values, absent, error } });
  }

  #send(frame: NonNullable<MessageInitShape<typeof ProcessResponseSchema>["frame"]>): void {
    const message = create(ProcessResponseSchema, { frame });
    this.session.received(decodeFrame(Buffer.from(toBinary(ProcessResponseSchema, message))));
  }

  /** Waits until something of the session is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  async result(index = 0): Promise<BatchResult> {
    const results = () => this.frames.flatMap((f) => (f.case === "result" ? [f.value] : []));
    await this.until(() => results().length > index || this.rejection !== null);
    return results()[index] ?? assert.fail(`no result: ${this.rejection?.message}`);
  }

  async question(index = 0) {
    const asked = () => this.frames.flatMap((f) => (f.case === "stateRequest" ? [f.value] : []));
    await this.until(() => asked().length > index);
    return asked()[index] ?? assert.fail("no question");
  }

  get handedBack(): bigint[] {
    return this.frames.flatMap((f) => (f.case === "handBack" ? [f.value.dispatchId] : []));
  }
}

/** As the generated code reads it; a result's frame is used again at once. */
function asReceived(frame: SentFrame): Frame {
  if (frame.case !== "result") return create(ProcessRequestSchema, { frame }).frame;
  const { frame: read } = fromBinary(
    ProcessRequestSchema,
    Buffer.from(frame.message.subarray(PREFIX_BYTES)),
  );
  frame.sent();
  return read;
}

/** A segment of text records, one for each pair. */
export function segment(
  pairs: readonly (readonly [string | null, string | null])[],
  over: Omit<MessageInitShape<typeof SegmentSchema>, "$typeName" | "$unknown"> = {},
) {
  const nulls = (column: 0 | 1) =>
    pairs.flatMap((pair, row) => (pair[column] === null ? [row] : []));
  return {
    baseOffset: 10n,
    baseTimestamp: 1_000n,
    keys: pairs.map(([key]) => text(key ?? "")),
    values: pairs.map(([, value]) => text(value ?? "")),
    nullKeys: nulls(0),
    nullValues: nulls(1),
    ...over,
  };
}

/** The outputs of a result as `row: key=value`. */
export function outputsOf({ outputs }: BatchResult): string[] {
  if (outputs === undefined) return [];
  const { inputs, keys, values, nullKeys, nullValues } = outputs;
  return inputs.map((row, index) => {
    const key = nullKeys.includes(index) ? "null" : plainText(keys[index]);
    const value = nullValues.includes(index) ? "null" : plainText(values[index]);
    return `${row}: ${key}=${value}`;
  });
}
