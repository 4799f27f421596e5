/**
 * `BatchResult` read by hand into positions over its frame: no object per record. Fuzzed against the
 * generated code.
 */

import type { Verdict } from "../model/failure.ts";
import type { MutationColumns, OutputColumns, TimerColumns } from "../model/rows.ts";
import type { BatchAnswer, BatchName } from "../ports/application.ts";
import { readMutations } from "./decode-mutations.ts";
import { OutputsReader } from "./decode-outputs.ts";
import { readTimers } from "./decode-timers.ts";
import { malformed, type ProtobufReader } from "./protobuf-reader.ts";
import { DELIMITED, VARINT } from "./protobuf-writer.ts";

const DISPATCH_ID = 1;
const TASK_EPOCH = 2;
const TASK_ID = 3;
const DONE = 4;
const FAILURE = 5;
const OUTPUTS = 6;
const MUTATIONS = 7;
const TIMERS = 8;

const FAILURE_TYPE = 1;
const FAILURE_MESSAGE = 2;
const FAILURE_STACK = 3;
const FAILURE_NODE = 4;
const FAILURE_VERDICT = 5;
const FAILURE_RETRY_AFTER = 6;

/** What an application may say of a failure, in characters for each of its texts. */
const FAILURE_TEXT_MAX = 4096;

/** The failure type of an answer whose columns contradict each other. */
export const ANSWER_INVALID = "ANSWER_INVALID";

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export const NO_FAILURE = {
  type: "",
  message: "",
  stack: "",
  node: "",
  verdict: { kind: "policy" },
} as const;

/** A verdict of a newer protocol is left to the policy, as is one that says nothing. */
function verdictOf(verdict: number, retryAfterMs: number | null): Verdict {
  if (verdict === 1) return { kind: "retry", afterMs: boundedDelay(retryAfterMs) };
  if (verdict === 2) return { kind: "deadLetter" };
  if (verdict === 4) return { kind: "park" };
  return { kind: verdict === 3 ? "fail" : "policy" };
}

/** What a timer takes; NaN is a number beyond 2^53. */
function boundedDelay(afterMs: number | null): number | null {
  return afterMs === null ? null : Math.min(Number.isNaN(afterMs) ? MAX_MS : afterMs, MAX_MS);
}

const MAX_MS = 0x7fff_ffff;

/** Reads one `BatchResult`, in as many pieces as the frame holds it. */
export class ResultReader {
  #dispatchId = 0;
  #taskEpoch = 0;
  #taskName = "";
  #done = 0;
  #failure: Mutable<NonNullable<BatchAnswer["failure"]>> | null = null;
  #verdict = 0;
  #retryAfterMs: number | null = null;
  readonly #outputs = new OutputsReader();
  readonly #mutations: MutationColumns[] = [];
  readonly #timers: TimerColumns[] = [];
  #fault: string | null = null;

  /** Reads one `BatchResult` message: the reader stands in it. */
  read(reader: ProtobufReader): void {
    while (reader.next()) {
      const { field, wireType } = reader;
      if (wireType === VARINT) this.#readNumber(reader, field);
      else if (wireType === DELIMITED && field === TASK_ID) this.#taskName = reader.string();
      else if (wireType === DELIMITED && field >= FAILURE && field <= TIMERS) {
        const outer = reader.enter();
        if (field === OUTPUTS) this.#outputs.read(reader);
        else if (field === FAILURE) this.#readFailure(reader);
        else if (field === MUTATIONS) this.#readMutations(reader);
        else this.#readTimers(reader);
        reader.leave(outer);
      } else reader.skip();
    }
  }

  #readNumber(reader: ProtobufReader, field: number): void {
    if (field === DISPATCH_ID) this.#dispatchId = reader.uint64();
    else if (field === TASK_EPOCH) this.#taskEpoch = reader.uint32();
    else if (field === DONE) this.#done = reader.uint32();
    else reader.skip();
  }

  #readFailure(reader: ProtobufReader): void {
    this.#failure ??= { ...NO_FAILURE };
    while (reader.next()) {
      const { field, wireType } = reader;
      if (wireType === VARINT && field === FAILURE_VERDICT) {
        this.#verdict = reader.uint32();
        continue;
      }
      if (wireType === VARINT && field === FAILURE_RETRY_AFTER) {
        this.#retryAfterMs = reader.uint64();
        continue;
      }
      if (wireType !== DELIMITED || field > FAILURE_NODE) {
        reader.skip();
        continue;
      }
      const text = reader.string().slice(0, FAILURE_TEXT_MAX);
      if (field === FAILURE_TYPE) this.#failure.type = text;
      else if (field === FAILURE_MESSAGE) this.#failure.message = text;
      else if (field === FAILURE_STACK) this.#failure.stack = text;
      else this.#failure.node = text;
    }
  }

  #readMutations(reader: ProtobufReader): void {
    const mutations = readMutations(reader);
    if (typeof mutations === "string") this.#fault ??= mutations;
    else this.#mutations.push(mutations);
  }

  #readTimers(reader: ProtobufReader): void {
    const timers = readTimers(reader);
    if (typeof timers === "string") this.#fault ??= timers;
    else this.#timers.push(timers);
  }

  /**
   * The answer. Where its columns contradict each other it is turned into a failure of row 0 of the
   * type ANSWER_INVALID, so that the policy for failed records decides: never a half-applied batch.
   */
  finish(bytes: Buffer): BatchAnswer {
    if (Number.isNaN(this.#dispatchId)) throw malformed("the dispatch_id is beyond 2^53");
    const name: BatchName = {
      taskName: this.#taskName,
      taskEpoch: this.#taskEpoch,
      dispatchId: this.#dispatchId,
    };
    const outputs = this.#outputs.finish(bytes);
    const fault = this.#fault ?? (typeof outputs === "string" ? outputs : null);
    if (fault !== null || typeof outputs === "string") {
      const message = `the answer to batch ${name.dispatchId} of task ${name.taskName}: ${fault}`;
      const failure = { ...NO_FAILURE, type: ANSWER_INVALID, message };
      return { ...name, done: 0, failure, outputs: noOutputs(bytes), mutations: [] };
    }
    const [done, mutations] = [this.#done, this.#mutations];
    const verdict = verdictOf(this.#verdict, this.#retryAfterMs);
    const failure = this.#failure === null ? null : { ...this.#failure, verdict };
    const timers = this.#timers.length === 0 ? {} : { timers: this.#timers };
    return { ...name, done, failure, outputs, mutations, ...timers };
  }
}

function noOutputs(bytes: Buffer): OutputColumns {
  return {
    count: 0,
    bytes,
    inputs: new Int32Array(0),
    sinks: null,
    positions: new Int32Array(0),
    timestamps: null,
    headers: null,
  };
}
