import type { BatchState } from "./batch-state.ts";
import type { Outputs } from "./outputs.ts";
import { isPromise, ProcessContext } from "./process-context.ts";
import type { ForwardedRecord, Header, StreamRecord } from "./record.ts";
import type { SegmentReader } from "./segment-reader.ts";
import type { Serde } from "./serdes.ts";
import type { BatchTimers } from "./timers.ts";
import type { Serdes, TopologyNode } from "./topology.ts";
import { withContext } from "./tracing.ts";

/** What the batch being processed offers to a node's code. */
export interface BatchScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  /** What was made of the nodes so far, each once: a node may have several parents. */
  readonly receivers: Map<string, Receiver>;
  /** null once the batch is done. */
  readonly outputs: Outputs | null;
  readonly signal: AbortSignal;
  /** Whether outputs carry the trace context that is current when they are sent. */
  readonly isTracing: boolean;
  /** By store name. */
  state(store: string): BatchState;
  /** By node; an Error where it is not declared with timers. */
  timers(node: string): BatchTimers;
  /** Where outputs to a node go; -1 where the stage does not name it among its sinks. */
  sinkIndex(name: string): number;
  /** Remembers the node that an error came from: the first to say so is the innermost. */
  failed(error: unknown, node: string): void;
  /** The row being processed, and what its record came with. */
  readonly row: number;
  readonly rowTimestamp: number;
  readonly rowHeaders: readonly Header[];
}

/** Takes records: a node that runs here, or one whose rows the sidecar takes. */
interface Receiver {
  /** A promise only where code waits. */
  run(record: StreamRecord): void | Promise<void>;
  /** The same of what a record became: another key and value, whose bytes a serde may have made already. */
  next(
    from: StreamRecord,
    key: unknown,
    value: unknown,
    serde?: Serde<unknown>,
    bytes?: Uint8Array | null,
  ): void | Promise<void>;
}

/** What the stage names among its sinks is written, whatever it is; everything else runs here. */
function receiverOf(name: string, scope: BatchScope): Receiver {
  const known = scope.receivers.get(name);
  if (known !== undefined) return known;
  const index = scope.sinkIndex(name);
  const made = index < 0 ? new Emitter(name, scope) : new Exit(name, index, scope);
  scope.receivers.set(name, made);
  return made;
}

/** A node whose rows leave the stage. */
class Exit implements Receiver {
  readonly #name: string;
  readonly #index: number;
  readonly #serdes: Serdes;
  readonly #scope: BatchScope;

  constructor(name: string, index: number, scope: BatchScope) {
    const node = scope.nodes.get(name);
    if (node === undefined) throw new Error(`the sidecar's stage has an unknown sink "${name}"`);
    this.#name = name;
    this.#index = index;
    this.#serdes = node.input;
    this.#scope = scope;
  }

  run(record: StreamRecord): void {
    this.next(record, record.key, record.value);
  }

  /** Without a record of its own: nobody will look at it. */
  next(
    from: StreamRecord,
    key: unknown,
    value: unknown,
    serde?: Serde<unknown>,
    bytes?: Uint8Array | null,
  ): void {
    try {
      const keyBytes = this.#serdes.key.serialize(key);
      const isWritten = bytes !== undefined && serde === this.#serdes.value;
      const valueBytes = isWritten ? bytes : this.#serdes.value.serialize(value);
      write(this.#scope, this.#index, from, keyBytes, valueBytes);
    } catch (error: unknown) {
      this.#scope.failed(error, this.#name);
      throw error;
    }
  }
}

/** One node of the stage within one batch: runs its code, and its children after it. */
export class Emitter implements Receiver {
  readonly node: TopologyNode;
  readonly #code: NonNullable<TopologyNode["code"]>;
  readonly #scope: BatchScope;
  readonly #children: readonly Receiver[];
  /** The child, where it is the only one. */
  readonly #only: Receiver | null;

  constructor(name: string, scope: BatchScope) {
    const node = scope.nodes.get(name);
    if (node === undefined || node.code === null) {
      throw new Error(
        `the sidecar's stage has a node "${name}", which does not run here, and is none of its sinks`,
      );
    }
    this.node = node;
    this.#code = node.code;
    this.#scope = scope;
    this.#children = node.children.map((child) => receiverOf(child, scope));
    this.#only = this.#children.length === 1 ? (this.#children[0] ?? null) : null;
  }

  /** Reads a row, as a stage's entry does, and runs it. */
  enter(reader: SegmentReader, index: number): void | Promise<void> {
    try {
      const { rowTimestamp, rowHeaders } = this.#scope;
      return this.run(reader.record(index, this.node.input, rowTimestamp, rowHeaders));
    } catch (error: unknown) {
      throw this.failed(error);
    }
  }

  /** The same of a row that tells of a timer or a punctuation. */
  fire(reader: SegmentReader, index: number): void | Promise<void> {
    try {
      const { timed, input } = this.node;
      const { record, firing } = reader.fired(index, input.key);
      return timed?.run(record, firing, this);
    } catch (error: unknown) {
      throw this.failed(error);
    }
  }

  /** Hands a record to this node; a promise only where its code waits. */
  run(record: StreamRecord): void | Promise<void> {
    try {
      return this.#code(record, this);
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
    const { key, value, timestamp, headers } = next;
    if (timestamp === undefined && headers === undefined) return this.become(from, key, value);
    return this.pass(from.followedBy(next));
  }

  /** What a parent forwards to this node. */
  next(from: StreamRecord, key: unknown, value: unknown): void | Promise<void> {
    return this.run(from.with(key, value));
  }

  /**
   * Hands the children another key and value, with the rest of the record. Where `serde` has made `bytes` of
   * the value, and is that of the topic, they go there as they are.
   */
  become(
    from: StreamRecord,
    key: unknown,
    value: unknown,
    serde?: Serde<unknown>,
    bytes?: Uint8Array | null,
  ): void | Promise<void> {
    if (this.#only !== null) return this.#only.next(from, key, value, serde, bytes);
    return this.pass(from.with(key, value));
  }

  /** Hands them the record as it came. */
  pass(record: StreamRecord): void | Promise<void> {
    return this.#only === null ? this.#passFrom(0, record) : this.#only.run(record);
  }

  #passFrom(first: number, record: StreamRecord): void | Promise<void> {
    for (let index = first; index < this.#children.length; index++) {
      const pending = this.#children[index]?.run(record);
      if (isPromise(pending)) return pending.then(() => this.#passFrom(index + 1, record));
    }
  }

  /** To one of the children. */
  passTo(child: number, record: StreamRecord): void | Promise<void> {
    return this.#children[child]?.run(record);
  }

  /** Several records for one, each with all that follows it before the next. */
  forwardEach(
    from: StreamRecord,
    all: readonly ForwardedRecord<unknown, unknown>[],
    first = 0,
  ): void | Promise<void> {
    for (let index = first; index < all.length; index++) {
      const next = all[index];
      const pending = next === undefined ? undefined : this.forward(from, next);
      if (isPromise(pending)) return pending.then(() => this.forwardEach(from, all, index + 1));
    }
  }

  /** Goes on with this node's code when a child that waited is done. */
  resume(pending: Promise<void>, rest: () => void | Promise<void>): Promise<void> {
    return pending.then(() => {
      try {
        return rest();
      } catch (error: unknown) {
        throw this.failed(error);
      }
    });
  }

  /** Asks a hook: an output of the record that is being processed, and undone with it. */
  request(hook: string, record: StreamRecord, payload: unknown): void {
    const node = this.#scope.nodes.get(hook);
    if (node === undefined || !node.isHook) {
      throw new Error(`there is no hook "${hook}": declare it with app.afterCommit`);
    }
    const index = this.#scope.sinkIndex(hook);
    if (index < 0) throw new Error(`the sidecar's stage has no sink "${hook}"`);
    const { key, value } = node.input;
    write(this.#scope, index, record, key.serialize(record.key), value.serialize(payload));
  }

  /** Aborts when the batch is taken away. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** The row being processed. */
  get row(): number {
    return this.#scope.row;
  }

  state(store: string): BatchState {
    return this.#scope.state(store);
  }

  /** Throws where the node was given no `onTimer`. */
  timers(): BatchTimers {
    const { timed, name } = this.node;
    if (timed?.hasTimers !== true) {
      throw new Error(`"${name}" sets a timer, and nothing takes it: give the node \`onTimer\``);
    }
    return this.#scope.timers(name);
  }

  context(record: StreamRecord, isKeyFixed: boolean): ProcessContext {
    return new ProcessContext(this, record, this.#scope, isKeyFixed);
  }
}

/** Adds what a record became to what the batch sends to a sink, or asks of a hook. */
function write(
  scope: BatchScope,
  sink: number,
  { timestamp, headers: given }: StreamRecord,
  key: Uint8Array | null,
  value: Uint8Array | null,
): void {
  const { row, rowTimestamp, rowHeaders, outputs } = scope;
  if (outputs === null) throw new Error("a record came after its batch was done");
  const headers = scope.isTracing ? withContext(given) : given;
  if (!Number.isSafeInteger(timestamp)) {
    throw new TypeError(`the timestamp ${timestamp} is no whole number of ms`);
  }
  const isInherited = headers === rowHeaders || headers.length + rowHeaders.length === 0;
  const own = isInherited ? null : headers;
  outputs.add(row, sink, key, value, timestamp, rowTimestamp, own);
}
