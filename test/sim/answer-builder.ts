import type { MutationColumns, OutputColumns, TimerColumns } from "../../src/model/rows.ts";
import { clockNumber, type TimerClock } from "../../src/model/timers.ts";
import { valueAt } from "../../src/model/value-columns.ts";
import type { BatchAnswer, DispatchedBatch } from "../../src/ports/application.ts";
import { TIMED_NODE } from "./topologies.ts";

/** A timer that an answer changes; null cancels. */
interface TimerChange {
  readonly key: string;
  readonly clock: TimerClock;
  readonly name: string;
  readonly timeMs: number | null;
}

/** What code makes of a batch, in the columns that an answer has. */
export class AnswerBuilder {
  readonly #batch: DispatchedBatch;
  /** New values by slot; null deletes. */
  readonly #values = new Map<number, string | null>();
  /** By key, clock and name: of what is changed twice the last counts. */
  readonly #timers = new Map<string, TimerChange>();
  readonly #slots: Int32Array;
  readonly #texts: Buffer[] = [];
  readonly #inputs: number[] = [];
  readonly #sinks: number[] = [];
  readonly #positions: number[] = [];
  #length = 0;

  constructor(batch: DispatchedBatch) {
    this.#batch = batch;
    this.#slots = slotsOf(batch);
  }

  stateOf(row: number): string | null {
    const slot = this.#slot(row);
    const written = this.#values.get(slot);
    if (written !== undefined) return written;
    const [state] = this.#batch.states;
    return state === undefined ? null : (valueAt(state.values, slot)?.toString("latin1") ?? null);
  }

  set(row: number, value: string | null): void {
    this.#values.set(this.#slot(row), value);
  }

  timer(key: string, clock: TimerClock, name: string, timeMs: number | null): void {
    this.#timers.set(`${key} ${clock} ${name}`, { key, clock, name, timeMs });
  }

  output(row: number, key: string, value: string, sink = 0): void {
    this.#inputs.push(row);
    this.#sinks.push(sink);
    this.#positions.push(...this.#add(key), ...this.#add(value));
  }

  finish(done: number, failure: BatchAnswer["failure"]): BatchAnswer {
    const slots = [...this.#values.keys()];
    const values = [...this.#values.values()].flatMap((value) =>
      value === null ? [0, -1] : this.#add(value),
    );
    const timers = this.#timerColumns();
    const bytes = Buffer.concat(this.#texts);
    const outputs: OutputColumns = {
      count: this.#inputs.length,
      bytes,
      inputs: Int32Array.from(this.#inputs),
      sinks: this.#sinks.some((sink) => sink > 0) ? Int32Array.from(this.#sinks) : null,
      positions: Int32Array.from(this.#positions),
      timestamps: null,
      headers: null,
    };
    const mutation: MutationColumns = {
      store: 0,
      bytes,
      slots: Int32Array.from(slots),
      keys: new Int32Array(),
      values: Int32Array.from(values),
    };
    const { taskName, taskEpoch, dispatchId } = this.#batch;
    const mutations = slots.length === 0 ? [] : [mutation];
    const answer = { taskName, taskEpoch, dispatchId, done, failure, outputs, mutations };
    return timers === null ? answer : { ...answer, timers: [{ ...timers, bytes }] };
  }

  #timerColumns(): Omit<TimerColumns, "bytes"> | null {
    const changes = [...this.#timers.values()];
    if (changes.length === 0) return null;
    return {
      node: TIMED_NODE,
      keys: Int32Array.from(changes.flatMap(({ key }) => this.#add(key))),
      names: Int32Array.from(changes.flatMap(({ name }) => this.#add(name))),
      clocks: Int32Array.from(changes.map(({ clock }) => clockNumber(clock))),
      times: Float64Array.from(changes.map(({ timeMs }) => timeMs ?? -1)),
    };
  }

  #slot(row: number): number {
    return this.#slots[row] ?? row;
  }

  #add(text: string): [number, number] {
    const bytes = Buffer.from(text, "latin1");
    const at = this.#length;
    this.#texts.push(bytes);
    this.#length += bytes.length;
    return [at, bytes.length];
  }
}

/** By row; a row without a key has none, and -1. */
function slotsOf({ states }: DispatchedBatch): Int32Array {
  const [state] = states;
  if (state === undefined) return new Int32Array();
  if (state.slotCounts === null) return state.slots;
  let at = 0;
  return state.slotCounts.map((count) => (count === 0 ? -1 : (state.slots[at++] ?? -1)));
}
