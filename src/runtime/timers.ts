import { KeyTable } from "../model/key-table.ts";
import {
  clockNumber,
  clockOfKey,
  encodeTimer,
  encodeTimerKey,
  type Punctuator,
  type TimerClock,
  type TimerNode,
  waitsUntil,
} from "../model/timers.ts";
import type { Program } from "../model/topology.ts";
import { valuesOf } from "../model/value-columns.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import { type Batch, idleBatch } from "./batch.ts";
import { firingsOf } from "./fired-rows.ts";
import { NOTHING_TAKEN } from "./input-queue.ts";

/** Timers of one node and clock that fire in one batch; the next look follows at once. */
const FIRED_MAX = 1_000;
/** A wall clock that was set is noticed within that. */
const LOOK_AFTER_MS_MAX = 60_000;

/** What one clock has waiting at one node. */
interface Watch {
  readonly node: TimerNode;
  readonly clock: TimerClock;
  readonly punctuators: readonly Punctuator[];
  /** Nothing is due before; -Infinity until it was looked for. */
  nextMs: number;
  /** Whether every punctuator has an entry. */
  isScheduled: boolean;
}

/**
 * Fires what is due at the nodes of a task: as a batch of its own without records, so that it has a place in
 * the order, and the cut that takes it marks the timers as fired in one with the records that tell of
 * it. Those are read back as input, and handled like any other.
 */
export class Timers {
  readonly #watches: readonly Watch[];
  readonly #clock: Pick<Clock, "wallMs" | "after">;
  readonly #wake: () => void;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | null = null;

  /** `wake` is called when a timer of the wall clock is due. */
  constructor(
    { timers = [] }: Pick<Program, "timers">,
    clock: Pick<Clock, "wallMs" | "after">,
    wake: () => void,
  ) {
    this.#watches = timers.flatMap((node) => watchesOf(node));
    this.#clock = clock;
    this.#wake = wake;
  }

  /** In memory alone: nothing is read where nothing is due. */
  isDue(streamTimeMs: number): boolean {
    for (const watch of this.#watches) {
      if (watch.nextMs <= this.#nowOf(watch, streamTimeMs)) return true;
    }
    return false;
  }

  /** Changes of a batch are final: what they set may be due earlier than what was. */
  staged({ changes }: Batch): void {
    if (this.#watches.length === 0) return;
    for (const each of changes) {
      for (const watch of this.#watches) {
        if (watch.node.store === each.store) lower(watch, each.keys, each.values);
      }
    }
    this.#arm();
  }

  /** What is due, as a batch; null where nothing is. Sees what is staged. */
  async find(state: TaskState, streamTimeMs: number): Promise<Batch | null> {
    const changes: StoreChanges[] = [];
    const emissions: Batch["emissions"] = [];
    let bytes = 0;
    for (const watch of this.#watches) {
      const nowMs = this.#nowOf(watch, streamTimeMs);
      if (watch.nextMs > nowMs) continue;
      const { store } = watch.node;
      const scheduled = await this.#schedule(watch, state, nowMs);
      if (scheduled !== null) changes.push(scheduled);
      const number = clockNumber(watch.clock);
      const { keys, times, nextMs } = await state.dueTimers(store, number, nowMs, FIRED_MAX);
      // Stream time is not known yet: punctuators are scheduled when it is.
      watch.nextMs = watch.isScheduled ? nextMs : Math.min(nextMs, 0);
      if (scheduled !== null) lower(watch, scheduled.keys, scheduled.values);
      if (keys.length === 0) continue;
      const fired = firingsOf(watch.node, keys, times, nowMs);
      changes.push(fired.changes);
      emissions.push(fired.emission);
      bytes += fired.bytes;
    }
    this.#arm();
    if (changes.length === 0) return null;
    const batch = idleBatch(NOTHING_TAKEN, streamTimeMs, {});
    return { ...batch, changes, emissions, answerBytes: bytes };
  }

  /** What was found is not wanted now: it is looked for again. */
  again(): void {
    for (const watch of this.#watches) {
      watch.nextMs = Number.NEGATIVE_INFINITY;
      watch.isScheduled = watch.punctuators.length === 0;
    }
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  #nowOf({ clock }: Watch, streamTimeMs: number): number {
    return clock === "streamTime" ? streamTimeMs : this.#clock.wallMs();
  }

  /**
   * Entries for punctuators that have none, or wait for longer than their interval says now. By stream time
   * they are aligned to the epoch, so that the first comes with the first record; by the wall clock the first
   * comes an interval from now: as Kafka Streams.
   */
  async #schedule(watch: Watch, state: TaskState, nowMs: number): Promise<StoreChanges | null> {
    if (watch.isScheduled || nowMs < 0) return null;
    watch.isScheduled = true;
    const table = new KeyTable();
    const names = watch.punctuators.map((each) => entryOf(each));
    for (const name of names) table.add(name, 0, name.length);
    const found = valuesOf(await state.read(watch.node.store, table.keys(), "head"));
    const keys: Buffer[] = [];
    const values: Buffer[] = [];
    for (const [index, { intervalMs }] of watch.punctuators.entries()) {
      const value = found[index] ?? null;
      const waits = value === null ? null : waitsUntil(value);
      if (value !== null && (waits === null || waits <= nowMs + intervalMs)) continue;
      const isAligned = value === null && watch.clock === "streamTime";
      const timeMs = isAligned ? 0 : nowMs + intervalMs;
      keys.push(names[index] ?? Buffer.alloc(0));
      values.push(encodeTimer({ timeMs, firedAtMs: null }));
    }
    return keys.length === 0 ? null : { store: watch.node.store, keys, values };
  }

  /** Wakes when the next timer of the wall clock is due; what is due already is fired by the next step. */
  #arm(): void {
    const wallMs = this.#clock.wallMs();
    let atMs = Number.POSITIVE_INFINITY;
    for (const { clock, nextMs } of this.#watches) {
      if (clock === "wallClock" && nextMs > wallMs) atMs = Math.min(atMs, nextMs);
    }
    if (this.#alarm?.atMs === atMs) return;
    this.close();
    if (!Number.isFinite(atMs)) return;
    const cancel = this.#clock.after(Math.min(atMs - wallMs, LOOK_AFTER_MS_MAX), () => {
      this.#alarm = null;
      this.#arm();
      this.#wake();
    });
    this.#alarm = { atMs, cancel };
  }
}

function watchesOf(node: TimerNode): Watch[] {
  const nothing = { nextMs: Number.NEGATIVE_INFINITY };
  return (["streamTime", "wallClock"] as const).map((clock) => {
    const punctuators = node.punctuators.filter((one) => one.clock === clock);
    return { node, clock, punctuators, ...nothing, isScheduled: punctuators.length === 0 };
  });
}

function entryOf({ name, clock }: Punctuator): Buffer {
  return encodeTimerKey({ clock, name: Buffer.from(name), key: null });
}

function lower(watch: Watch, keys: readonly Buffer[], values: readonly (Buffer | null)[]): void {
  const number = clockNumber(watch.clock);
  for (const [index, value] of values.entries()) {
    const waits = value === null ? null : waitsUntil(value);
    if (waits === null || waits >= watch.nextMs) continue;
    if (clockOfKey(keys[index] ?? Buffer.alloc(0)) === number) watch.nextMs = waits;
  }
}
