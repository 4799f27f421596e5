import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AskState, BatchState } from "./batch-state.ts";
import { type BatchScope, Emitter } from "./emitter.ts";
import { causesOf, readyOf } from "./errors.ts";
import { failureOf } from "./failures.ts";
import type { FailureSchema, Stage } from "./gen/outrigger/v1/processor_pb.ts";
import { isPromise } from "./process-context.ts";
import type { ReceivedBatch } from "./received-batch.ts";
import type { Header } from "./record.ts";
import type { ResultFrame } from "./result-frame.ts";
import { SegmentReader } from "./segment-reader.ts";
import { BatchTimers } from "./timers.ts";
import type { TopologyNode } from "./topology.ts";
import { inContextOf, inNoContext, isTracing } from "./tracing.ts";

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
export class BatchControl {
  /** Set to stop before the next record. */
  isStopped = false;
  #isAborted = false;
  /** Made when it is asked for: most handlers never do. */
  #controller: AbortController | null = null;

  /** Aborts when what the batch does has no effect any more. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Stops the batch, and tells the code that listens. */
  abort(): void {
    this.isStopped = true;
    this.#isAborted = true;
    this.#controller?.abort();
  }
}

/** How often a row may begin anew: once for each schema that it is the first of. */
const WAITS_MAX = 16;

/** Runs one batch to its result's bytes; null when it was stopped. Rejects only for a sidecar's fault. */
export function runBatch(
  scope: StageScope,
  batch: ReceivedBatch,
  frame: ResultFrame,
  ask: AskState,
  control: BatchControl,
): Promise<Uint8Array | null> {
  const run = new BatchRun(scope, batch, frame, ask, control);
  const rows = (): Promise<Uint8Array | null> => runRows(run, scope, batch, control);
  return (run.isTracing ? inNoContext(rows) : rows()).finally(() => run.close());
}

async function runRows(
  run: BatchRun,
  scope: StageScope,
  batch: ReceivedBatch,
  control: BatchControl,
): Promise<Uint8Array | null> {
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
  outputs: BatchScope["outputs"];
  readonly isTracing = isTracing();
  row = 0;
  rowTimestamp = 0;
  rowHeaders: readonly Header[] = [];
  readonly #batch: ReceivedBatch;
  readonly #frame: ResultFrame;
  readonly #control: BatchControl;
  readonly #stage: Stage;
  readonly #bytesMax: number;
  /** By store, as the batch carries them. */
  readonly #states: BatchState[] = [];
  readonly #stores: string[] = [];
  readonly #timers: BatchTimers[] = [];
  readonly #entries: readonly Emitter[];
  /** By error; null while nothing has failed. A row of which something has is never done. */
  #failedAt: Map<unknown, string> | null = null;
  #outputsBefore = 0;
  #outputBytesBefore = 0;
  #positionBefore = 0;

  constructor(
    scope: StageScope,
    batch: ReceivedBatch,
    frame: ResultFrame,
    ask: AskState,
    control: BatchControl,
  ) {
    this.nodes = scope.nodes;
    this.#control = control;
    this.outputs = frame.outputs;
    this.#frame = frame;
    this.#batch = batch;
    this.#stage = scope.stage;
    this.#bytesMax = scope.resultBytesMax;
    this.#positionBefore = frame.outputs.position;
    for (const columns of batch.states) {
      const name = scope.stage.stores[columns.store];
      if (name === undefined) throw new Error(`the sidecar's batch has no store ${columns.store}`);
      this.#stores.push(name);
      this.#states.push(new BatchState(columns, batch.segments, ask));
    }
    this.#entries = scope.stage.entries.map((name) => new Emitter(name, this));
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  state(store: string): BatchState {
    const found = this.#states[this.#stores.indexOf(store)];
    if (found !== undefined) return found;
    throw new Error(`the sidecar's batch carries no state of the store "${store}"`);
  }

  timers(node: string): BatchTimers {
    const found = this.#timers.find((timers) => timers.node === node);
    if (found !== undefined) return found;
    const made = new BatchTimers(node);
    this.#timers.push(made);
    return made;
  }

  sinkIndex(name: string): number {
    return this.#stage.sinks.indexOf(name);
  }

  /** A promise only where a handler waits: most do not, and then nothing here does. */
  process(reader: SegmentReader, index: number): Promise<void> | null {
    this.rowTimestamp = reader.timestamp(index);
    this.rowHeaders = reader.headers(index);
    if (!this.isTracing) return this.#enter(0, reader, index) ?? null;
    return inContextOf(this.rowHeaders, () => this.#enter(0, reader, index)) ?? null;
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
    return aggregates !== null && this.state(aggregates).slotCount(this.row) === 0;
  }

  /** The row is done: what it did stays. Throws where the result would not fit a frame. */
  keep(): void {
    const { outputs } = this.#frame;
    let { bytes } = outputs;
    for (const state of this.#states) bytes += state.bytes;
    for (const timers of this.#timers) bytes += timers.bytes;
    if (bytes > this.#bytesMax) {
      throw new RangeError(
        `the results of ${this.row + 1} records take ${bytes} bytes, the sidecar takes ` +
          `${this.#bytesMax}: write less for each record, or raise server.max.message.bytes`,
      );
    }
    for (const state of this.#states) state.keep();
    for (const timers of this.#timers) timers.keep();
    this.#outputsBefore = outputs.count;
    this.#outputBytesBefore = outputs.bytes;
    this.#positionBefore = outputs.position;
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
  fail(error: unknown): Uint8Array {
    const failure = failureOf(error, this.#nodeOf(error));
    this.#undo();
    return this.#result(failure);
  }

  #undo(): void {
    const { outputs } = this.#frame;
    outputs.truncate(this.#outputsBefore, this.#outputBytesBefore, this.#positionBefore);
    for (const state of this.#states) state.rollback();
    for (const timers of this.#timers) timers.rollback();
    this.#failedAt = null;
  }

  result(): Uint8Array {
    return this.#result();
  }

  /** Whatever still runs of the batch has no effect: the frame will be another's. */
  close(): void {
    this.outputs = null;
  }

  #result(failure?: MessageInitShape<typeof FailureSchema>): Uint8Array {
    const { dispatchId, taskEpoch, taskId } = this.#batch;
    const mutations = this.#states.flatMap((state) => state.mutations() ?? []);
    const timers = this.#timers.flatMap((each) => each.finish() ?? []);
    const failed = failure === undefined ? {} : { failure };
    const rest = failure === undefined && timers.length === 0 ? null : { timers, ...failed };
    return this.#frame.encode({ dispatchId, taskEpoch, taskId, done: this.row, mutations, rest });
  }
}
