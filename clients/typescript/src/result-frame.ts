import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BatchResultSchema } from "./gen/outrigger/v1/processor_pb.ts";
import { PREFIX_BYTES, writePrefix } from "./grpc-messages.ts";
import { Outputs } from "./outputs.ts";
import type { WireWriter } from "./wire-writer.ts";

/** What a batch has changed in a store: `Mutations`. */
export interface Mutations {
  store: number;
  slots: number[];
  keys: Uint8Array[];
  /** Of the slots, then of the keys. */
  values: Uint8Array[];
  deletes: number[];
}

/** What a result says besides its outputs. */
export interface ResultFields {
  readonly dispatchId: bigint;
  readonly taskEpoch: number;
  readonly taskId: string;
  readonly done: number;
  readonly mutations: readonly Mutations[];
  /** What is rare, and so left to the generated code; null where there is nothing of it. */
  readonly rest: Pick<MessageInitShape<typeof BatchResultSchema>, "failure" | "timers"> | null;
}

const RESULT_OF_REQUEST = 2;
const OUTPUTS_OF_RESULT = 6;

/** A `ProcessRequest` that holds a `BatchResult`, while its batch runs and until it has been sent. */
export class ResultFrame {
  readonly outputs = new Outputs();
  readonly #released: (frame: ResultFrame) => void;

  constructor(released: (frame: ResultFrame) => void) {
    this.#released = released;
    this.outputs.reset();
  }

  /** The message, gRPC's prefix and the frame: valid until `release`. */
  encode(fields: ResultFields): Uint8Array {
    const to = this.outputs.finish(OUTPUTS_OF_RESULT);
    const { start } = to;
    to.uint64(1, fields.dispatchId);
    to.uint(2, fields.taskEpoch);
    to.string(3, fields.taskId);
    to.uint(4, fields.done);
    for (const mutations of fields.mutations) writeMutations(to, mutations);
    if (fields.rest !== null) {
      to.fields(toBinary(BatchResultSchema, create(BatchResultSchema, fields.rest)));
    }
    to.enclose(start, RESULT_OF_REQUEST);
    const message = to.written(PREFIX_BYTES);
    writePrefix(message);
    return message;
  }

  /** It has been sent, or never will be, and nobody writes to it: another batch may have it. */
  release(): void {
    this.outputs.reset();
    this.#released(this);
  }
}

function writeMutations(to: WireWriter, { store, slots, keys, values, deletes }: Mutations): void {
  const at = to.begin(7);
  to.uint(1, store);
  to.packed(2, slots);
  for (const key of keys) to.delimited(3, key);
  for (const value of values) to.delimited(4, value);
  to.packed(5, deletes);
  to.end(at);
}

/** Frames that are kept to be used again; more than are in flight are left to the collector. */
const KEPT_MAX = 8;

/** The frames of one stream. */
export class ResultFrames {
  readonly #free: ResultFrame[] = [];

  take(): ResultFrame {
    return this.#free.pop() ?? new ResultFrame((frame) => this.#put(frame));
  }

  #put(frame: ResultFrame): void {
    if (this.#free.length < KEPT_MAX && !this.#free.includes(frame)) this.#free.push(frame);
  }
}
