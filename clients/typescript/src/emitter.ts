import type { BatchState } from "./batch-state.ts";
import type { Outputs } from "./outputs.ts";
import { isPromise, ProcessContext } from "./process-context.ts";
import type { ForwardedRecord, Header, StreamRecord } from "./record.ts";
import type { SegmentReader } from "./segment-reader.ts";
import type { Serde } from "./serdes.ts";
import type { Serdes, TopologyNode } from "./topology.ts";
import { withContext } from "./tracing.ts";

/** What the batch being processed offers to a node's code. */
export interface BatchScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly outputs: Outputs;
  readonly signal: AbortSignal;
  /** Whether outputs carry the trace context that is current when they are sent. */
  readonly isTracing: boolean;
  /** By store name. */
  state(store: string): BatchState;
  /** Whether rows that reach the node leave the stage: the sidecar takes them. */
  isSink(name: string): boolean;
  /** By the name of the node that takes the rows. */
  sinkIndex(name: string): number;
  /** Remembers the node that an error came from: the first to say so is the innermost. */
  failed(error: unknown, node: string): void;
  /** The row being processed, and what its record came with. */
  readonly row: number;
  readonly rowTimestamp: number;
  readonly rowHeaders: readonly Header[];
}

/** One node of the stage within one batch: runs its code, and its children after it. */
export class Emitter {
  readonly node: TopologyNode;
  readonly #scope: BatchScope;
  readonly #children: readonly Emitter[];
  /** How rows are written that leave the stage here; null where the node runs. */
  readonly #exit: Serdes | null;
  readonly #sinkIndex: number;

  constructor(name: string, scope: BatchScope) {
    const node = scope.nodes.get(name);
    const isExit = scope.isSink(name);
    if (node === undefined || (node.code === null && !isExit)) {
      throw new Error(`the sidecar's stage has a node "${name}", which does not run here`);
    }
    this.node = node;
    this.#scope = scope;
    this.#exit = isExit ? (node.sink ?? node.input) : null;
    this.#children = isExit ? [] : node.children.map((child) => new Emitter(child, scope));
    this.#sinkIndex = isExit ? scope.sinkIndex(name) : 0;
  }

  /** Reads a row, as a stage's entry does, and runs it. */
  enter(reader: SegmentReader, index: number): void | Promise<void> {
    try {
      return this.run(reader.record(index, this.node.input));
    } catch (error: unknown) {
      throw this.failed(error);
    }
  }

  /** Hands a record to this node; a promise only where its code waits. */
  run(record: StreamRecord): void | Promise<void> {
    const { code } = this.node;
    try {
      return code === null || this.#exit !== null ? this.#write(record) : code(record, this);
    } catch (error: unknown) {
      throw this.failed(error);
    }
  }

  /** Says where an error came from, and returns it. Whose code fails later says so itself. */
  failed(error: unknown): unknown {
    this.#scope.failed(error, this.node.name);
    return error;
  }

  /** Hands a record to the children, depth first, in the order in which they were declared. */
  forward(from: StreamRecord, next: ForwardedRecord<unknown, unknown>): void | Promise<void> {
    return this.#forwardTo(0, from.followedBy(next));
  }

  #forwardTo(first: number, record: StreamRecord): void | Promise<void> {
    for (let index = first; index < this.#children.length; index++) {
      const pending = this.#children[index]?.run(record);
      if (isPromise(pending)) return pending.then(() => this.#forwardTo(index + 1, record));
    }
  }

  /** Asks a hook: an output of the record that is being processed, and undone with it. */
  request(hook: string, record: StreamRecord, payload: unknown): void {
    const serdes = this.#scope.nodes.get(hook)?.hook ?? null;
    if (serdes === null) {
      throw new Error(`there is no hook "${hook}": declare it with app.afterCommit`);
    }
    const asked = record.followedBy({ key: record.key, value: payload });
    write(this.#scope, this.#scope.sinkIndex(hook), serdes, asked);
  }

  /** Aborts when the batch is taken away. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  context(record: StreamRecord): ProcessContext {
    return new ProcessContext(this, record, this.#scope);
  }

  /** Folds a record into each of its slots, and forwards each new value. */
  fold<A>(record: StreamRecord, fold: Fold<A>): void | Promise<void> {
    // As Kafka Streams: without windows a null value is no news. (Null keys have no slot.)
    if (fold.windowSizeMs === null && record.value === null) return;
    const slots = this.#scope.state(fold.store).slotsOf(this.#scope.row);
    return this.#foldInto(slots, 0, record, fold);
  }

  #foldInto<A>(
    slots: readonly number[],
    first: number,
    record: StreamRecord,
    fold: Fold<A>,
  ): void | Promise<void> {
    const state = this.#scope.state(fold.store);
    for (let index = first; index < slots.length; index++) {
      const slot = slots[index] ?? 0;
      const before = state.getSlot(slot);
      const value = fold.next(record, before === null ? undefined : fold.serde.deserialize(before));
      state.putSlot(slot, fold.serde.serialize(value));
      const start = fold.windowSizeMs === null ? 0 : state.windowStart(slot);
      const window = { start, end: start + (fold.windowSizeMs ?? 0) };
      const key = fold.windowSizeMs === null ? record.key : { key: record.key, window };
      const pending = this.forward(record, { key, value });
      if (isPromise(pending)) {
        return pending.then(() => this.#foldRest(slots, index + 1, record, fold));
      }
    }
  }

  #foldRest<A>(
    slots: readonly number[],
    first: number,
    record: StreamRecord,
    fold: Fold<A>,
  ): void | Promise<void> {
    try {
      return this.#foldInto(slots, first, record, fold);
    } catch (error: unknown) {
      throw this.failed(error);
    }
  }

  #write(record: StreamRecord): void {
    if (this.#exit !== null) write(this.#scope, this.#sinkIndex, this.#exit, record);
  }
}

/** Adds a record to what the batch sends to a sink, or asks of a hook. */
function write(scope: BatchScope, sink: number, serdes: Serdes, record: StreamRecord): void {
  const { row, rowTimestamp, rowHeaders, outputs } = scope;
  const { timestamp } = record;
  const headers = scope.isTracing ? withContext(record.headers) : record.headers;
  if (!Number.isSafeInteger(timestamp)) {
    throw new TypeError(`the timestamp ${timestamp} is no whole number of ms`);
  }
  const key = serdes.key.serialize(record.key);
  const value = serdes.value.serialize(record.value);
  const own = headers === rowHeaders ? null : headers;
  outputs.add({ row, sink, key, value, timestamp, headers: own }, rowTimestamp);
}

/** How an aggregate folds. */
export interface Fold<A> {
  readonly store: string;
  readonly windowSizeMs: number | null;
  readonly serde: Serde<A>;
  readonly next: (record: StreamRecord, before: A | undefined) => A;
}
