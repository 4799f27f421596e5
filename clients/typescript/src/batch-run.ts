import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AskState, BatchState } from "./batch-state.ts";
import { type BatchScope, Emitter } from "./emitter.ts";
import { causesOf, readyOf } from "./errors.ts";
import { failureOf } from "./failures.ts";
import {
  type Batch,
  type BatchResult,
  BatchResultSchema,
  type FailureSchema,
  type Stage,
} from "./gen/outrigger/v1/processor_pb.ts";
import type { Segment } from "./gen/outrigger/v1/records_pb.ts";
import { Outputs } from "./outputs.ts";
import { isPromise } from "./process-context.ts";
import type { Header } from "./record.ts";
import { SegmentReader } from "./segment-reader.ts";
import { BatchTimers } from "./timers.ts";
import type { TopologyNode } from "./topology.ts";
import { inContextOf, isTracing } from "./tracing.ts";

/** What does not change from batch to batch. */
export interface StageScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly stage: Stage;
  readonly sources: readonly string[];
  /** The node whose timers the rows of a source are. */
  readonly timerSources: ReadonlyMap<number, string>;
  readonly applicationId: string;
  /** The largest result that the sidecar takes. */
  readonly resultBytesMax: number;
}

/** How a batch under way is stopped. */
export interface BatchControl {
  /** Set to stop before the next record. */
  isStopped: boolean;
  /** Aborts when what the batch does has no effect any more. */
  readonly signal: AbortSignal;
}

/** How often a row may begin anew: once for each schema that it is the first of. */
const WAITS_MAX = 16;

/** Runs one batch to its result; null when it was stopped. Rejects only for a sidecar's fault. */
export async function runBatch(
  scope: StageScope,
  batch: Batch,
  ask: AskState,
  control: BatchControl,
): Promise<BatchResult | null> {
  const run = new BatchRun(scope, batch, ask, control.signal);
  for (const segment of batch.segments) {
    const reader = new SegmentReader(scope, segment);
    let waits = 0;
    for (let index = 0; index < reader.count; ) {
      if (control.isStopped) return null;
      try {
        const pending = run.process(reader, index);
        if (pending !== null) await pending;
        run.keep();
        index += 1;
        waits = 0;
      } catch (error: unknown) {
        if (control.isStopped) return null;
        const fault = waits++ < WAITS_MAX ? await run.notReady(error) : error;
        if (fault !== null) return control.isStopped ? null : run.fail(fault);
      }
    }
  }
  return control.isStopped ? null : run.result();
}

class BatchRun implements BatchScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly receivers: BatchScope["receivers"] = new Map();
  readonly outputs = new Outputs();
  readonly signal: AbortSignal;
  readonly isTracing = isTracing();
  row = 0;
  rowTimestamp = 0;
  rowHeaders: readonly Header[] = [];
  readonly #batch: Batch;
  readonly #stage: Stage;
  readonly #bytesMax: number;
  readonly #states = new Map<string, BatchState>();
  readonly #timers = new Map<string, BatchTimers>();
  readonly #entries: readonly Emitter[];
  /** By error; null while nothing has failed. A row of which something has is never done. */
  #failedAt: Map<unknown, string> | null = null;
  #outputsBefore = 0;
  #outputBytesBefore = 0;

  constructor(scope: StageScope, batch: Batch, ask: AskState, signal: AbortSignal) {
    this.nodes = scope.nodes;
    this.signal = signal;
    this.#batch = batch;
    this.#stage = scope.stage;
    this.#bytesMax = scope.resultBytesMax;
    const keys = batch.states.length === 0 ? [] : batch.segments.flatMap(keysOf);
    for (const columns of batch.states) {
      const name = scope.stage.stores[columns.store];
      if (name === undefined) throw new Error(`the sidecar's batch has no store ${columns.store}`);
      const state = new BatchState(columns, keys.length, (row) => keys[row] ?? null, ask);
      this.#states.set(name, state);
    }
    this.#entries = scope.stage.entries.map((name) => new Emitter(name, this));
  }

  state(store: string): BatchState {
    const found = this.#states.get(store);
    if (found !== undefined) return found;
    throw new Error(`the sidecar's batch carries no state of the store "${store}"`);
  }

  timers(node: string): BatchTimers {
    const found = this.#timers.get(node) ?? new BatchTimers(node);
    this.#timers.set(node, found);
    return found;
  }

  sinkIndex(name: string): number {
    return this.#stage.sinks.indexOf(name);
  }

  /** A promise only where a handler waits: most do not, and then nothing here does. */
  process(reader: SegmentReader, index: number): Promise<void> | null {
    this.rowTimestamp = reader.timestamp(index);
    this.rowHeaders = reader.headers(index);
    const enter = (): void | Promise<void> => this.#enter(0, reader, index);
    return (this.isTracing ? inContextOf(this.rowHeaders, enter) : enter()) ?? null;
  }

  #enter(first: number, reader: SegmentReader, index: number): void | Promise<void> {
    for (let at = first; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined || this.#isDropped(entry.node)) continue;
      // What was derived from a timer further up comes from its source, too, and is a record here.
      const isFired = reader.timersOf === entry.node.name;
      const pending = isFired ? entry.fire(reader, index) : entry.enter(reader, index);
      if (isPromise(pending)) return pending.then(() => this.#enter(at + 1, reader, index));
    }
  }

  /** Late, or without a key: the sidecar has said so, and nothing of the record is even read. */
  #isDropped({ aggregates }: TopologyNode): boolean {
    return aggregates !== null && this.state(aggregates).slotsOf(this.row).length === 0;
  }

  /** The row is done: what it did stays. Throws where the result would not fit a frame. */
  keep(): void {
    let bytes = this.outputs.bytes;
    for (const state of this.#states.values()) bytes += state.bytes;
    for (const timers of this.#timers.values()) bytes += timers.bytes;
    if (bytes > this.#bytesMax) {
      throw new RangeError(
        `the results of ${this.row + 1} records take ${bytes} bytes, the sidecar takes ` +
          `${this.#bytesMax}: write less for each record, or raise server.max.message.bytes`,
      );
    }
    for (const state of this.#states.values()) state.keep();
    for (const timers of this.#timers.values()) timers.keep();
    this.#outputsBefore = this.outputs.count;
    this.#outputBytesBefore = this.outputs.bytes;
    this.row += 1;
  }

  /** Waits for what the row lacked, so that it may begin anew: null; or says what is wrong. */
  async notReady(error: unknown): Promise<unknown> {
    const ready = readyOf(error);
    if (ready === null) return error;
    const node = this.#nodeOf(error);
    this.#undo();
    try {
      await ready;
      return null;
    } catch (reason: unknown) {
      this.failed(reason, node);
      return reason;
    }
  }

  failed(error: unknown, node: string): void {
    this.#failedAt ??= new Map();
    if (!this.#failedAt.has(error)) this.#failedAt.set(error, node);
  }

  /** The innermost: that of the first cause. What no code threw, a result's size, is the entry's. */
  #nodeOf(error: unknown): string {
    let found = this.#entries.length === 1 ? (this.#entries[0]?.node.name ?? "") : "";
    for (const cause of causesOf(error)) found = this.#failedAt?.get(cause) ?? found;
    return found;
  }

  /** The row failed: what it did never was. */
  fail(error: unknown): BatchResult {
    const failure = failureOf(error, this.#nodeOf(error));
    this.#undo();
    return this.#result(failure);
  }

  #undo(): void {
    this.outputs.truncate(this.#outputsBefore, this.#outputBytesBefore);
    for (const state of this.#states.values()) state.rollback();
    for (const timers of this.#timers.values()) timers.rollback();
    this.#failedAt = null;
  }

  result(): BatchResult {
    return this.#result();
  }

  #result(failure?: MessageInitShape<typeof FailureSchema>): BatchResult {
    const { dispatchId, taskEpoch, taskId } = this.#batch;
    const mutations = [...this.#states.values()].flatMap((state) => state.mutations() ?? []);
    const outputs = this.outputs.finish();
    const timers = [...this.#timers.values()].flatMap((each) => each.finish() ?? []);
    const result = { dispatchId, taskEpoch, taskId, done: this.row, outputs, mutations, timers };
    return create(BatchResultSchema, failure === undefined ? result : { ...result, failure });
  }
}

function keysOf(segment: Segment): (Uint8Array | null)[] {
  const nulls = new Set(segment.nullKeys);
  return segment.keys.map((key, index) => (nulls.has(index) ? null : key));
}
