import { create } from "@bufbuild/protobuf";
import { type AskState, BatchState } from "./batch-state.ts";
import { type BatchScope, Emitter } from "./emitter.ts";
import type { Stage } from "./gen/outrigger/v1/processor_pb.ts";
import {
  type Batch,
  type BatchResult,
  BatchResultSchema,
} from "./gen/outrigger/v1/processor_pb.ts";
import type { Segment } from "./gen/outrigger/v1/records_pb.ts";
import { Outputs } from "./outputs.ts";
import type { Header, ProcessedRecord } from "./record.ts";
import type { TopologyNode } from "./topology.ts";

/** What does not change from batch to batch. */
export interface StageScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly stage: Stage;
  readonly sources: readonly string[];
  readonly applicationId: string;
}

const NO_HEADERS: readonly Header[] = [];
const STACK_BYTES_MAX = 4_096;

/** Runs one batch to its result; null when it was taken away. Never rejects. */
export async function runBatch(
  scope: StageScope,
  batch: Batch,
  ask: AskState,
  signal: AbortSignal,
): Promise<BatchResult | null> {
  const run = new BatchRun(scope, batch, ask, signal);
  let done = 0;
  for (const segment of batch.segments) {
    const reader = new SegmentReader(scope, segment);
    for (let index = 0; index < segment.keys.length; index++) {
      if (signal.aborted) return null;
      try {
        const pending = run.process(reader, index, done);
        if (pending !== null) await pending;
        if (signal.aborted) return null;
        run.keep();
      } catch (error: unknown) {
        run.rollback();
        return run.result(done, error);
      }
      done += 1;
    }
  }
  return run.result(done, null);
}

class BatchRun implements BatchScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly outputs: Outputs;
  readonly signal: AbortSignal;
  row = 0;
  readonly #batch: Batch;
  readonly #stage: Stage;
  readonly #states = new Map<string, BatchState>();
  #outputsBefore = 0;

  constructor(scope: StageScope, batch: Batch, ask: AskState, signal: AbortSignal) {
    this.nodes = scope.nodes;
    this.signal = signal;
    this.#batch = batch;
    this.#stage = scope.stage;
    this.outputs = new Outputs(new Map(scope.stage.sinks.map((name, index) => [name, index])));
    const keys = batch.segments.flatMap(keysOf);
    for (const columns of batch.states) {
      const name = scope.stage.stores[columns.store];
      if (name === undefined) continue;
      const state = new BatchState(columns, keys.length, (row) => keys[row] ?? null, ask);
      this.#states.set(name, state);
    }
  }

  state(store: string): BatchState {
    const found = this.#states.get(store);
    if (found !== undefined) return found;
    throw new Error(`the store "${store}" was not given to this processor: name it in \`stores\``);
  }

  /** A promise only where a handler waits: most do not, and then nothing here does. */
  process(reader: SegmentReader, index: number, row: number): Promise<void> | null {
    this.row = row;
    this.#outputsBefore = this.outputs.count;
    let pending: Promise<void> | null = null;
    for (const name of this.#stage.entries) {
      const node = this.nodes.get(name);
      if (node?.code == null)
        throw new Error(`the sidecar names a node "${name}" that has no code`);
      const { code } = node;
      const run = (): void | Promise<void> =>
        code(reader.record(index, node), new Emitter(node, this));
      if (pending !== null) pending = pending.then(run);
      else pending = run() ?? null;
    }
    return pending;
  }

  keep(): void {
    for (const state of this.#states.values()) state.keep();
  }

  rollback(): void {
    this.outputs.truncate(this.#outputsBefore);
    for (const state of this.#states.values()) state.rollback();
  }

  result(done: number, error: unknown): BatchResult {
    const { dispatchId, taskEpoch, taskId } = this.#batch;
    const mutations = [...this.#states.values()].flatMap((state) => state.mutations() ?? []);
    const outputs = this.outputs.finish();
    const result = { dispatchId, taskEpoch, taskId, done, outputs, mutations };
    return create(
      BatchResultSchema,
      error === null ? result : { ...result, failure: failureOf(error) },
    );
  }
}

/** Makes records of a segment's rows. */
class SegmentReader {
  readonly #segment: Segment;
  readonly #topic: string;
  readonly #prefix: string;
  readonly #nullKeys: ReadonlySet<number>;
  readonly #nullValues: ReadonlySet<number>;
  readonly #headers: ReadonlyMap<number, readonly Header[]>;
  readonly #baseTimestamp: number;

  constructor({ sources, applicationId }: StageScope, segment: Segment) {
    this.#segment = segment;
    this.#topic = sources[segment.source] ?? "";
    this.#prefix = `${applicationId}/${this.#topic}-${segment.partition}@`;
    this.#nullKeys = new Set(segment.nullKeys);
    this.#nullValues = new Set(segment.nullValues);
    this.#headers = new Map(
      segment.headers.map(({ row, headers }) => [
        row,
        headers.map(({ key, value }) => ({ key, value: value ?? null })),
      ]),
    );
    this.#baseTimestamp = Number(segment.baseTimestamp);
  }

  record(index: number, node: TopologyNode): ProcessedRecord<unknown, unknown> {
    const segment = this.#segment;
    const delta = segment.offsetDeltas.length === 0 ? index : (segment.offsetDeltas[index] ?? 0);
    const offset = segment.baseOffset + BigInt(delta);
    const where = `${this.#prefix}${offset}`;
    const key = this.#nullKeys.has(index) ? null : (segment.keys[index] ?? null);
    const value = this.#nullValues.has(index) ? null : (segment.values[index] ?? null);
    return {
      key: read("key", where, () => node.input.key.deserialize(key)),
      value: read("value", where, () => node.input.value.deserialize(value)),
      timestamp: this.#baseTimestamp + (segment.timestampDeltas[index] ?? 0),
      headers: this.#headers.get(index) ?? NO_HEADERS,
      topic: this.#topic,
      partition: segment.partition,
      offset,
      idempotencyKey: where,
    };
  }
}

function read<T>(what: string, where: string, deserialize: () => T): T {
  try {
    return deserialize();
  } catch (error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`the ${what} of ${where} cannot be read: ${reason}`, { cause: error });
  }
}

function keysOf(segment: Segment): (Uint8Array | null)[] {
  const nulls = new Set(segment.nullKeys);
  return segment.keys.map((key, index) => (nulls.has(index) ? null : key));
}

function failureOf(error: unknown): { type: string; message: string; stack: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: "" };
  const { name, message, stack = "" } = error;
  return { type: name, message, stack: stack.slice(0, STACK_BYTES_MAX) };
}
