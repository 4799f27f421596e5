import type { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { Verdict } from "../../../src/model/failure.ts";
import type { MutationColumns, OutputColumns } from "../../../src/model/rows.ts";
import { valueAt } from "../../../src/model/value-columns.ts";
import type {
  Application,
  ApplicationListener,
  BatchAnswer,
  DispatchedBatch,
  WorkerId,
} from "../../../src/ports/application.ts";

/** One row as the handler sees it; `state` is the value of its first slot. */
export interface HandledRow {
  readonly key: string | null;
  readonly value: string | null;
  readonly offset: number;
  readonly state: string | null;
}

/** What the handler does with a row; throwing fails the row. */
export interface Handled {
  readonly outputs: readonly (readonly [key: string | null, value: string])[];
  /** The slot's new value; undefined leaves it. */
  readonly state?: string;
}

export type Handler = (row: HandledRow) => Handled;

/** Workers that answer in the next turn, unless told to hold; a stand-in for processes. */
export class ScriptedApplication implements Application {
  readonly rejected: OutriggerError[] = [];
  readonly disconnected: { readonly worker: WorkerId; readonly reason: string }[] = [];
  readonly held: { worker: WorkerId; batch: DispatchedBatch }[] = [];
  readonly dispatched: { worker: WorkerId; batch: DispatchedBatch }[] = [];
  hold = false;
  serving = false;
  handler: Handler;
  /** What is answered: rows go to the handler, unless a test puts something else here. */
  answerTo: (batch: DispatchedBatch) => BatchAnswer = (batch) => answerOf(batch, this.handler);
  /** Turns that an answer takes beyond the next. */
  turns: () => number = () => 0;
  #listener: ApplicationListener | null = null;

  constructor(handler: Handler) {
    this.handler = handler;
  }

  listen(listener: ApplicationListener): void {
    this.#listener = listener;
  }

  welcome(): void {}

  reject(_: WorkerId, error: OutriggerError): void {
    this.rejected.push(error);
  }

  disconnect(worker: WorkerId, reason: string): void {
    this.disconnected.push({ worker, reason });
  }

  dispatch(worker: WorkerId, batch: DispatchedBatch): number {
    this.dispatched.push({ worker, batch });
    if (this.hold) this.held.push({ worker, batch });
    else this.#later(this.turns(), () => this.answer(worker, batch));
    return 100;
  }

  #later(turns: number, answer: () => void): void {
    setImmediate(turns === 0 ? answer : () => this.#later(turns - 1, answer));
  }

  /** Answers everything held, in order. */
  release(): void {
    this.hold = false;
    for (const { worker, batch } of this.held.splice(0)) this.answer(worker, batch);
  }

  answer(worker: WorkerId, batch: DispatchedBatch): void {
    this.#listener?.answered(worker, this.answerTo(batch));
  }

  revoke(): void {}
  answerState(): void {}
  drain(): void {}

  setServing(serving: boolean): void {
    this.serving = serving;
  }

  async close(): Promise<void> {}
}

export function answerOf(batch: DispatchedBatch, handler: Handler): BatchAnswer {
  const answer = new AnswerBuilder(batch);
  for (const range of batch.rows) {
    for (let row = range.from; row < range.to; row++) {
      const key = range.columns.key(row)?.toString("latin1") ?? null;
      const value = range.columns.value(row)?.toString("latin1") ?? null;
      const offset = range.columns.offsets[row] ?? -1;
      try {
        answer.handled(handler({ key, value, offset, state: answer.stateOf() }));
      } catch (error: unknown) {
        return answer.finish(error instanceof Error ? error : new Error("not an error"));
      }
    }
  }
  return answer.finish(null);
}

/** What a handler throws to say what is to become of its record. */
export class ScriptedFailure extends Error {
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super(`told to ${verdict.kind}`);
    this.verdict = verdict;
  }
}

function failureOf(error: Error): NonNullable<BatchAnswer["failure"]> {
  const { name, message } = error;
  const verdict = error instanceof ScriptedFailure ? error.verdict : ({ kind: "policy" } as const);
  return { type: name, message, stack: "", node: "handler", verdict };
}

class AnswerBuilder {
  readonly #batch: DispatchedBatch;
  readonly #values = new Map<number, string>();
  readonly #texts: Buffer[] = [];
  readonly #inputs: number[] = [];
  readonly #positions: number[] = [];
  #length = 0;
  #row = 0;

  constructor(batch: DispatchedBatch) {
    this.#batch = batch;
  }

  stateOf(): string | null {
    const slot = this.#slot();
    const [state] = this.#batch.states;
    const found = state === undefined ? null : valueAt(state.values, slot);
    return this.#values.get(slot) ?? found?.toString("latin1") ?? null;
  }

  handled({ outputs, state }: Handled): void {
    for (const [key, value] of outputs) {
      this.#inputs.push(this.#row);
      this.#positions.push(...this.#add(key), ...this.#add(value));
    }
    if (state !== undefined) this.#values.set(this.#slot(), state);
    this.#row += 1;
  }

  finish(error: Error | null): BatchAnswer {
    const slots = [...this.#values.keys()];
    const values = [...this.#values.values()].flatMap((value) => this.#add(value));
    const bytes = Buffer.concat(this.#texts);
    const outputs: OutputColumns = {
      count: this.#inputs.length,
      bytes,
      inputs: Int32Array.from(this.#inputs),
      sinks: null,
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
    return {
      taskName,
      taskEpoch,
      dispatchId,
      done: this.#row,
      failure: error === null ? null : failureOf(error),
      outputs,
      mutations: slots.length === 0 ? [] : [mutation],
    };
  }

  #slot(): number {
    return this.#batch.states[0]?.slots[this.#row] ?? this.#row;
  }

  #add(text: string | null): [number, number] {
    if (text === null) return [this.#length, -1];
    const bytes = Buffer.from(text, "latin1");
    const at = this.#length;
    this.#texts.push(bytes);
    this.#length += bytes.length;
    return [at, bytes.length];
  }
}
