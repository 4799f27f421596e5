import type { BatchScope, Emitter } from "./emitter.ts";
import type { Hook } from "./hooks.ts";
import { openStore } from "./open-store.ts";
import type { ForwardedRecord, StreamRecord } from "./record.ts";
import type {
  KeyValueStore,
  KeyValueStoreDefinition,
  TimestampedKeyValueStore,
  TimestampedKeyValueStoreDefinition,
} from "./stores.ts";
import { type BatchTimers, clockNumber, type Timers } from "./timers.ts";

/** What a handler of `process` may do besides computing. */
export interface ProcessorContext<K, V> {
  /**
   * Sends a record on; it is written in the transaction of its input's offset. Where handlers further
   * down wait, the record is not done before they are.
   */
  forward(record: ForwardedRecord<K, V>): void;
  /**
   * Asks for a hook, which `app.afterCommit` has declared: it runs once the record has committed, at least
   * once. It gets the record's key, time and headers, and `payload` as its value. A record that fails has
   * asked for nothing.
   */
  afterCommit<P>(hook: Hook<P> | string, payload: P): void;
  /** A store that was given to `process`. */
  store<SK, SV>(
    definition: TimestampedKeyValueStoreDefinition<SK, SV>,
  ): TimestampedKeyValueStore<SK, SV>;
  store<SK, SV>(definition: KeyValueStoreDefinition<SK, SV>): KeyValueStore<SK, SV>;
  /** Of the record's key; only where the node was given `onTimer`. */
  readonly timers: Timers;
  /** Aborts when the batch is taken away: what is computed from then on has no effect. */
  readonly signal: AbortSignal;
}

/** What is sent on under the key that the record has: `{ ...record, value }` does. */
export interface ForwardedValue<V> extends Omit<ForwardedRecord<unknown, V>, "key"> {
  /** The record's own, where it is not left out: another one fails the record. */
  readonly key?: unknown;
}

/** What a handler of `processValues` may do besides computing. */
export interface FixedKeyProcessorContext<V>
  extends Omit<ProcessorContext<unknown, V>, "forward" | "afterCommit"> {
  /** Sends a value on, under the key of its record. */
  forward(record: ForwardedValue<V>): void;
}

/** One record's context; of no use once its record is done. */
export class ProcessContext implements ProcessorContext<unknown, unknown> {
  readonly #emitter: Emitter;
  readonly #record: StreamRecord;
  readonly #scope: BatchScope;
  readonly #isKeyFixed: boolean;
  /** What was forwarded and still waits: what is forwarded next goes behind it. */
  #tail: Promise<void> | null = null;
  /** What a forward has thrown: the record fails, whatever its handler makes of it. */
  #failure: { readonly error: unknown } | null = null;
  #isOpen = true;

  constructor(emitter: Emitter, record: StreamRecord, scope: BatchScope, isKeyFixed: boolean) {
    this.#emitter = emitter;
    this.#record = record;
    this.#scope = scope;
    this.#isKeyFixed = isKeyFixed;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  forward(next: ForwardedRecord<unknown, unknown>): void {
    this.#mustBeOpen("forward");
    const pending = this.#send(this.#isKeyFixed ? this.#underItsKey(next) : next);
    if (!isPromise(pending)) return;
    this.#tail = pending;
    // Looked at by `finish`; until then a failure must not count as one that nobody handles.
    pending.catch(() => {});
  }

  afterCommit<P>(hook: Hook<P> | string, payload: P): void {
    this.#mustBeOpen("afterCommit");
    try {
      const name = typeof hook === "string" ? hook : hook.name;
      this.#emitter.request(name, this.#record, payload);
    } catch (error: unknown) {
      this.#failure ??= { error };
      throw error;
    }
  }

  get timers(): Timers {
    const of = (
      name: string,
      change: (timers: BatchTimers, key: Uint8Array | null) => void,
    ): void => {
      this.#mustBeOpen(`timer "${name}"`);
      const { input } = this.#emitter.node;
      change(this.#emitter.timers(), input.key.serialize(this.#record.key));
    };
    return {
      set: (name, time, { clock } = {}) =>
        of(name, (timers, key) => timers.set(key, name, clockNumber(clock), time)),
      delete: (name, { clock } = {}) =>
        of(name, (timers, key) => timers.delete(key, name, clockNumber(clock))),
    };
  }

  /** What was given without a key, or with the record's own. */
  #underItsKey(next: ForwardedRecord<unknown, unknown>): ForwardedRecord<unknown, unknown> {
    const { key } = this.#record;
    if (Object.is(next.key, key)) return next;
    if (next.key === undefined) return { ...next, key };
    const error = new TypeError(
      `"${this.#emitter.node.name}" forwards another key, and processValues keeps it: ` +
        "leave the key out, or declare a process",
    );
    this.#failure ??= { error };
    throw error;
  }

  #send(next: ForwardedRecord<unknown, unknown>): void | Promise<void> {
    if (this.#tail !== null) {
      return this.#tail.then(() => this.#emitter.forward(this.#record, next));
    }
    try {
      return this.#emitter.forward(this.#record, next);
    } catch (error: unknown) {
      this.#failure ??= { error };
      throw error;
    }
  }

  store<K, V>(
    definition: KeyValueStoreDefinition<K, V>,
  ): KeyValueStore<K, V> & TimestampedKeyValueStore<K, V> {
    const { name } = definition;
    if (!this.#emitter.node.stores.includes(name)) {
      throw new Error(`the store "${name}" was not given to this processor: name it in \`stores\``);
    }
    const { timestamp } = this.#record;
    const mustBeOpen = (what: string): void => this.#mustBeOpen(what);
    return openStore(definition, this.#scope.state(name), { timestamp, mustBeOpen });
  }

  /** The handler has returned: waits for what it forwarded. */
  finish(): void | Promise<void> {
    return this.#failure === null ? this.#close() : this.fail(this.#failure.error);
  }

  #close(): void | Promise<void> {
    if (this.#tail !== null) return this.#drain(this.#tail);
    this.#isOpen = false;
  }

  async #drain(first: Promise<void>): Promise<void> {
    try {
      for (let tail: Promise<void> | null = first; tail !== null; ) {
        await tail;
        tail = this.#tail === tail ? null : this.#tail;
      }
    } finally {
      this.#isOpen = false;
    }
  }

  /** The handler has thrown: nothing of the record may run on when its effects are taken back. */
  fail(error: unknown): Promise<void> {
    this.#emitter.failed(error);
    const thrown = (): never => {
      throw error;
    };
    return Promise.resolve(this.#close()).then(thrown, thrown);
  }

  #mustBeOpen(what: string): void {
    if (this.#isOpen) return;
    throw new Error(`${what} came after the record was done: await what the handler starts`);
  }
}

export function isPromise(value: unknown): value is Promise<void> {
  return value instanceof Promise;
}
