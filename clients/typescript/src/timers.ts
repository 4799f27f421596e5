import type { Duration } from "./durations.ts";
import { TimerClock as WireClock } from "./gen/outrigger/v1/topology_pb.ts";
import type { ProcessOptions } from "./options.ts";
import type { FixedKeyProcessorContext, ProcessorContext } from "./process-context.ts";
import type { StreamRecord } from "./record.ts";

/**
 * What a timer goes by: the task's stream time, which its records move, or the sidecar's wall clock.
 */
export type TimerClock = "streamTime" | "wallClock";

export interface TimerOptions {
  /** Default: `streamTime`. Timers of two clocks are two timers, whatever their names are. */
  readonly clock?: TimerClock;
}

/** The timers of the current record's key at this node: durable, and part of what the record does. */
export interface Timers {
  /**
   * Has `onTimer` called once, when the clock has reached `time`, in ms since the epoch; one that is past
   * fires soon. A timer of this name that is set already is moved. Throws where the record has no key, where
   * the name has more than 255 bytes, or where `time` is no whole number from 0 on.
   */
  set(name: string, time: number, options?: TimerOptions): void;
  /** Cancels it, also where it is due and not handled yet; nothing where none is set. */
  delete(name: string, options?: TimerOptions): void;
}

/** A timer that fires. */
export interface FiredTimer<K> {
  readonly key: K;
  readonly name: string;
  /** When it was to fire, in ms since the epoch; what is forwarded has this time unless it says another. */
  readonly time: number;
  readonly clock: TimerClock;
  /** Where the record stands that tells of it, in a topic of the sidecar's. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** The same on every attempt, as a record's. */
  readonly idempotencyKey: string;
}

/** What the clock calls, in each task, each time that it has moved on by an interval. */
export interface Punctuator<K, V> {
  /** Unique within its node, and stable: its schedule is kept under it. */
  readonly name: string;
  readonly interval: Duration;
  /** Default: `streamTime`. */
  readonly clock?: TimerClock;
  /**
   * Called with the clock's time, in ms since the epoch. By stream time first with the task's first record,
   * by the wall clock an interval after the start; what was missed is one call. It has no key, so no timers.
   */
  readonly onPunctuate: (
    timestamp: number,
    ctx: Omit<ProcessorContext<K, V>, "timers">,
  ) => void | Promise<void>;
}

/** Timers of `process`; `processValues` takes `onTimer` alone. */
export interface TimedOptions<K, K2, V2> extends ProcessOptions {
  /** Called when a timer fires that `ctx.timers` has set; one that throws is as a record that fails. */
  readonly onTimer?: (timer: FiredTimer<K>, ctx: ProcessorContext<K2, V2>) => void | Promise<void>;
  readonly punctuators?: readonly Punctuator<K2, V2>[];
}

/** Timers of `processValues`: their handler keeps the key, as the node does. */
export interface FixedKeyTimedOptions<K, V2> extends ProcessOptions {
  readonly onTimer?: (
    timer: FiredTimer<K>,
    ctx: FixedKeyProcessorContext<V2>,
  ) => void | Promise<void>;
}

/** As the protocol counts them. */
export const CLOCKS: readonly TimerClock[] = ["streamTime", "wallClock"];
const NAME_BYTES_MAX = 255;

export function clockNumber(clock: TimerClock = "streamTime"): WireClock {
  if (clock === "streamTime") return WireClock.STREAM_TIME;
  if (clock === "wallClock") return WireClock.WALL_CLOCK_TIME;
  throw new TypeError(`"${String(clock)}" is no clock: write "streamTime" or "wallClock"`);
}

/** What a source of timers tells: `clock | 0, or 1 for a punctuation | name`. */
export interface Firing {
  readonly clock: TimerClock;
  readonly isPunctuation: boolean;
  readonly name: string;
}

export function firingOf(value: Uint8Array | null): Firing {
  const clock = CLOCKS[(value?.[0] ?? 0) - 1];
  if (value === null || clock === undefined || value.length < 2) {
    throw new Error("the sidecar's batch has a timer that cannot be read: use an SDK as new as it");
  }
  return {
    clock,
    isPunctuation: value[1] === 1,
    name: new TextDecoder("utf-8", { ignoreBOM: true }).decode(value.subarray(2)),
  };
}

/** A record that tells of a timer, as its handler sees it. */
export function firedTimer(record: StreamRecord, { clock, name }: Firing): FiredTimer<unknown> {
  const { key, timestamp: time } = record;
  return {
    ...{ key, name, time, clock },
    get topic() {
      return record.topic;
    },
    get partition() {
      return record.partition;
    },
    get offset() {
      return record.offset;
    },
    get idempotencyKey() {
      return record.idempotencyKey;
    },
  };
}

/** One that is set, or with a time of null is cancelled. */
interface Change {
  readonly key: Uint8Array;
  readonly name: string;
  readonly clock: WireClock;
  readonly time: number | null;
}

/** Bytes of a change besides its key and name, at most. */
const OVERHEAD_BYTES = 24;

/** What a batch has changed in the timers of one node: of each timer the last. */
export class BatchTimers {
  readonly node: string;
  readonly #changes = new Map<string, Change>();
  #undo: (() => void)[] = [];
  bytes = 0;
  #bytesBefore = 0;

  constructor(node: string) {
    this.node = node;
  }

  set(key: Uint8Array | null, name: string, clock: WireClock, time: number): void {
    if (!Number.isSafeInteger(time) || time < 0) {
      throw new RangeError(
        `a timer cannot be set to ${time}: give ms since the epoch, a whole number`,
      );
    }
    this.#change(key, name, clock, time);
  }

  delete(key: Uint8Array | null, name: string, clock: WireClock): void {
    this.#change(key, name, clock, null);
  }

  #change(key: Uint8Array | null, name: string, clock: WireClock, time: number | null): void {
    if (key === null) {
      throw new TypeError(
        `"${this.node}" sets a timer, and the record has no key: timers are of a key`,
      );
    }
    const bytes = Buffer.byteLength(name);
    if (bytes > NAME_BYTES_MAX) {
      throw new RangeError(`a timer's name has ${bytes} bytes: it may have ${NAME_BYTES_MAX}`);
    }
    const id = `${clock} ${name.length} ${name} ${Buffer.from(key).toString("latin1")}`;
    const before = this.#changes.get(id);
    this.#undo.push(() => {
      if (before === undefined) this.#changes.delete(id);
      else this.#changes.set(id, before);
    });
    this.#changes.set(id, { key, name, clock, time });
    if (before === undefined) this.bytes += key.length + bytes + OVERHEAD_BYTES;
  }

  keep(): void {
    if (this.#undo.length > 0) this.#undo = [];
    this.#bytesBefore = this.bytes;
  }

  rollback(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.bytes = this.#bytesBefore;
  }

  /** null when nothing. */
  finish(): {
    node: string;
    keys: Uint8Array[];
    names: string[];
    clocks: WireClock[];
    times: bigint[];
    deletes: number[];
  } | null {
    if (this.#changes.size === 0) return null;
    const changes = [...this.#changes.values()];
    return {
      node: this.node,
      keys: changes.map(({ key }) => key),
      names: changes.map(({ name }) => name),
      clocks: changes.map(({ clock }) => clock),
      times: changes.map(({ time }) => BigInt(time ?? 0)),
      deletes: changes.flatMap(({ time }, index) => (time === null ? [index] : [])),
    };
  }
}
