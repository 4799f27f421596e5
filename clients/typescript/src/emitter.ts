import type { BatchState } from "./batch-state.ts";
import type { Outputs } from "./outputs.ts";
import type { ForwardedRecord, ProcessedRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import type { KeyValueStore, KeyValueStoreDefinition } from "./stores.ts";
import type { TopologyNode } from "./topology.ts";
import type { Windowed } from "./windows.ts";

/** What a handler of `process` may do besides computing. */
export interface ProcessorContext<K, V> {
  /** Sends a record on; it is written in the transaction of its input's offset. */
  forward(record: ForwardedRecord<K, V>): void | Promise<void>;
  /** A store that was given to `process`. */
  store<SK, SV>(definition: KeyValueStoreDefinition<SK, SV>): KeyValueStore<SK, SV>;
  /** Aborts when the batch is taken away: what is computed from then on has no effect. */
  readonly signal: AbortSignal;
}

type AnyRecord = ProcessedRecord<unknown, unknown>;

/** What the batch being processed offers to a node's code. */
export interface BatchScope {
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  readonly outputs: Outputs;
  readonly signal: AbortSignal;
  /** By store name. */
  state(store: string): BatchState;
  readonly row: number;
}

/** Runs the children of one node for one batch. */
export class Emitter {
  readonly #node: TopologyNode;
  readonly #scope: BatchScope;

  constructor(node: TopologyNode, scope: BatchScope) {
    this.#node = node;
    this.#scope = scope;
  }

  /** Hands a record to the children, depth first, in the order in which they were declared. */
  forward(from: AnyRecord, next: ForwardedRecord<unknown, unknown>): void | Promise<void> {
    const { timestamp = from.timestamp, headers = from.headers } = next;
    const record = { ...from, key: next.key, value: next.value, timestamp, headers };
    let pending: Promise<void> | null = null;
    for (const name of this.#node.children) {
      const run = (): void | Promise<void> => this.#child(name, record, from, next);
      if (pending !== null) pending = pending.then(run);
      else pending = run() ?? null;
    }
    return pending ?? undefined;
  }

  context(record: AnyRecord): ProcessorContext<unknown, unknown> {
    return {
      forward: (next) => this.forward(record, next),
      store: (definition) => openStore(this.#scope.state(definition.name), definition),
      signal: this.#scope.signal,
    };
  }

  /** Folds a record into each of its slots, and forwards each new value. */
  fold<A>(
    record: AnyRecord,
    store: string,
    windowSizeMs: number | null,
    serde: Serde<A>,
    next: (before: A | undefined) => A,
  ): void | Promise<void> {
    const state = this.#scope.state(store);
    let pending: Promise<void> | null = null;
    for (const slot of state.slotsOf(this.#scope.row)) {
      const run = (): void | Promise<void> => {
        const before = state.getSlot(slot);
        const value = next(before === null ? undefined : serde.deserialize(before));
        state.putSlot(slot, serde.serialize(value));
        const key =
          windowSizeMs === null ? record.key : windowedKey(record, state, slot, windowSizeMs);
        return this.forward(record, { key, value });
      };
      if (pending !== null) pending = pending.then(run);
      else pending = run() ?? null;
    }
    return pending ?? undefined;
  }

  #child(
    name: string,
    record: AnyRecord,
    from: AnyRecord,
    next: ForwardedRecord<unknown, unknown>,
  ): void | Promise<void> {
    const child = this.#scope.nodes.get(name);
    if (child === undefined) return;
    if (child.sink !== null) {
      this.#scope.outputs.add(child, record, {
        row: this.#scope.row,
        // An output that sets none takes its input's, and they need not travel back.
        ownTimestamp: next.timestamp !== undefined || record.timestamp !== from.timestamp,
        ownHeaders: next.headers !== undefined,
      });
      return;
    }
    return child.code?.(record, new Emitter(child, this.#scope));
  }
}

function windowedKey(
  record: AnyRecord,
  state: BatchState,
  slot: number,
  sizeMs: number,
): Windowed<unknown> {
  const start = state.windowStart(slot);
  return { key: record.key, window: { start, end: start + sizeMs } };
}

function openStore<K, V>(
  state: BatchState,
  { name, key, value }: KeyValueStoreDefinition<K, V>,
): KeyValueStore<K, V> {
  const keyBytes = (given: K): Uint8Array => {
    const bytes = key.serialize(given);
    if (bytes === null) throw new TypeError(`the store "${name}" has no null keys`);
    return bytes;
  };
  return {
    get: async (given) => {
      const found = await state.getKey(keyBytes(given));
      return found === null ? undefined : value.deserialize(found);
    },
    put: (given, next) => state.putKey(keyBytes(given), value.serialize(next)),
    delete: (given) => state.putKey(keyBytes(given), null),
  };
}
