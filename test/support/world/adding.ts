import assert from "node:assert/strict";
import { writeLong } from "../../../src/model/key-table.ts";
import { valueAt } from "../../../src/model/value-columns.ts";
import type { BatchAnswer, DispatchedBatch } from "../../../src/ports/application.ts";

/** A number as sums have it. */
export function long(value: number): string {
  const bytes = Buffer.alloc(8);
  writeLong(bytes, 0, value);
  return bytes.toString("latin1");
}

export interface Adding {
  /** What the application forwards of a sum, by exit. */
  readonly said?: (sum: string, exit: number) => string;
  /** Asked for each row. */
  readonly fails?: () => boolean;
  /** Whether a window ends with this sum. */
  readonly ends?: (sum: number) => boolean;
  /** How many nodes stand behind it. */
  readonly exits?: number;
}

const FAILED = {
  type: "E",
  message: "not now",
  stack: "",
  node: "",
  verdict: { kind: "policy" },
} as const;

/** Adds up, as an SDK's fold does: slot by slot, session into session; a row without a value is none. */
export function adding(batch: DispatchedBatch, how: Adding = {}): BatchAnswer {
  const { said = (sum) => sum, fails = () => false } = how;
  const { taskName, taskEpoch, dispatchId } = batch;
  const folding = new Folding(batch, said, how);
  let row = 0;
  let failure: BatchAnswer["failure"] = null;
  for (const { columns, from, to } of batch.rows) {
    for (let index = from; index < to && failure === null; index++) {
      if (fails()) failure = FAILED;
      else folding.add(row++, columns.key(index)?.toString("latin1") ?? "", columns.value(index));
    }
  }
  return { taskName, taskEpoch, dispatchId, done: row, failure, ...folding.done() };
}

class Folding {
  readonly #state: DispatchedBatch["states"][number] | undefined;
  readonly #said: (sum: string, exit: number) => string;
  readonly #how: Adding;
  readonly #texts: Buffer[] = [];
  #length = 0;
  #next = 0;
  readonly #inputs: number[] = [];
  readonly #sinks: number[] = [];
  readonly #positions: number[] = [];
  readonly #times: number[] = [];
  /** Null where the window has ended. */
  readonly #sums = new Map<number, string | null>();

  constructor(
    { states }: DispatchedBatch,
    said: (sum: string, exit: number) => string,
    how: Adding,
  ) {
    this.#state = states[0];
    this.#said = said;
    this.#how = how;
  }

  add(row: number, key: string, value: Buffer | null): void {
    const end = this.#next + (this.#state?.slotCounts?.[row] ?? 1);
    const slots = Array.from(this.#state?.slots.subarray(this.#next, end) ?? []);
    this.#next = end;
    if (value === null || slots.length === 0) return;
    const added = Number(value.readBigInt64BE());
    if (this.#state?.sessionLengths === undefined) {
      for (const slot of slots) this.#fold(row, key, slot, this.#sumOf(slot) + added);
      return;
    }
    const last = slots.pop() ?? -1;
    let sum = added;
    for (const slot of slots) {
      sum += this.#sumOf(slot);
      this.#forward(row, key, slot, null);
    }
    // The session that it makes may be one of those that it swallows.
    this.#fold(row, key, last, sum + this.#sumOf(last));
  }

  done(): Pick<BatchAnswer, "outputs" | "mutations"> {
    const slots = [...this.#sums.keys()];
    const values = [...this.#sums.values()].flatMap((sum) => this.#put(sum));
    const bytes = Buffer.concat(this.#texts);
    const isSession = this.#state?.sessionLengths !== undefined;
    const count = this.#inputs.length;
    const none = new Map(this.#inputs.map((_, output) => [output, Buffer.alloc(1)]));
    return {
      outputs: {
        ...{ count, bytes, sinks: Int32Array.from(this.#sinks) },
        timestamps: isSession ? Float64Array.from(this.#times) : null,
        headers: isSession ? none : null,
        inputs: Int32Array.from(this.#inputs),
        positions: Int32Array.from(this.#positions),
      },
      mutations: [
        {
          ...{ store: 0, bytes, keys: new Int32Array() },
          ...{ slots: Int32Array.from(slots), values: Int32Array.from(values) },
        },
      ],
    };
  }

  #sumOf(slot: number): number {
    const known = this.#sums.get(slot);
    if (known !== undefined) return known === null ? 0 : numberOf(Buffer.from(known, "latin1"));
    const before = this.#state === undefined ? null : valueAt(this.#state.values, slot);
    assert.ok(before === null || before.length === 8, "a value travels without its time");
    return before === null ? 0 : numberOf(before);
  }

  #fold(row: number, key: string, slot: number, sum: number): void {
    this.#forward(row, key, slot, this.#how.ends?.(sum) === true ? null : long(sum));
  }

  #forward(row: number, key: string, slot: number, sum: string | null): void {
    const start = this.#state?.windowStarts?.[slot];
    const end = (start ?? 0) + (this.#state?.sessionLengths?.[slot] ?? 0);
    const isSession = this.#state?.sessionLengths !== undefined;
    const suffix = start === undefined ? "" : `${isSession ? long(end) : ""}${long(start)}`;
    this.#sums.set(slot, sum);
    for (let exit = 0; exit < (this.#how.exits ?? 1); exit++) {
      this.#inputs.push(row);
      this.#sinks.push(exit);
      this.#times.push(end);
      const said = sum === null ? null : this.#said(sum, exit);
      this.#positions.push(...this.#put(`${key}${suffix}`), ...this.#put(said));
    }
  }

  #put(text: string | null): [number, number] {
    if (text === null) return [0, -1];
    const bytes = Buffer.from(text, "latin1");
    this.#texts.push(bytes);
    this.#length += bytes.length;
    return [this.#length - bytes.length, bytes.length];
  }
}

function numberOf(bytes: Buffer): number {
  return Number(bytes.readBigInt64BE());
}
