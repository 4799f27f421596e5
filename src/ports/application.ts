import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { Verdict } from "../model/failure.ts";
import type {
  MutationColumns,
  OutputColumns,
  RowRange,
  SlotState,
  TimerColumns,
} from "../model/rows.ts";
import type { DeclaredTopology, Program } from "../model/topology.ts";
import type { KeyRange, KeySet, PageLimits, RangePage } from "./store.ts";

/** A connected application process; unique for the life of the sidecar. */
export type WorkerId = number;

export interface WorkerHello {
  readonly topology: DeclaredTopology;
  readonly applicationId: string;
  readonly sdk: string;
  /** Batches and bytes that the worker takes at once. */
  readonly creditBatches: number;
  readonly creditBytes: number;
}

/** Names a batch on the wire: an answer must match all three. */
export interface BatchName {
  readonly taskName: string;
  readonly taskEpoch: number;
  readonly dispatchId: number;
}

export interface DispatchedBatch extends BatchName {
  readonly stage: number;
  /** The place in `Welcome.sources` of what the rows count as their source 0. */
  readonly firstSource: number;
  readonly rows: readonly RowRange[];
  readonly states: readonly SlotState[];
  readonly processingTimeoutMs: number;
}

/** A decoded answer. Well-formed as a message; whether it fits its batch, the kernel checks. */
export interface BatchAnswer extends BatchName {
  readonly done: number;
  readonly failure: {
    readonly type: string;
    readonly message: string;
    readonly stack: string;
    /** The node whose code failed; empty where the worker does not say. */
    readonly node: string;
    readonly verdict: Verdict;
  } | null;
  readonly outputs: OutputColumns;
  readonly mutations: readonly MutationColumns[];
  /** What it changes in timers, each node once; left out where it says nothing of them. */
  readonly timers?: readonly TimerColumns[];
}

export interface StateQuestion extends BatchName {
  readonly requestId: number;
  /** Index into the stage's stores. */
  readonly store: number;
  /** Not set when it asks for a range. */
  readonly keys: KeySet | null;
  readonly range: AskedRange | null;
}

/** A range, with what the batch that asks has changed in the store so far. */
export interface AskedRange extends KeyRange {
  /** Index into the batch's slots of each key that was changed by slot; they come first. */
  readonly slots: readonly number[];
  /** Keys that were changed and have no slot. */
  readonly keys: readonly Buffer[];
  /** null deletes. */
  readonly values: readonly (Buffer | null)[];
  readonly limits: PageLimits;
}

/** Values in the order of the keys asked for, a page of the range, or why there is neither. */
export type StateAnswer =
  | { readonly kind: "values"; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: "page"; readonly page: RangePage }
  | { readonly kind: "refused"; readonly error: OutriggerError };

/** Told by the server; each call is made from the event loop, never reentrant. */
export interface ApplicationListener {
  /** A worker said hello. The kernel answers with `welcome` or `reject`. */
  connected(worker: WorkerId, hello: WorkerHello): void;
  disconnected(worker: WorkerId, reason: string): void;
  answered(worker: WorkerId, answer: BatchAnswer): void;
  handedBack(worker: WorkerId, batch: BatchName): void;
  asked(worker: WorkerId, question: StateQuestion): void;
  credited(worker: WorkerId, batches: number, bytes: number): void;
}

/** The connected workers. */
export interface Application {
  welcome(worker: WorkerId, programs: readonly Program[]): void;
  /** Sends the reason and closes the stream. */
  reject(worker: WorkerId, error: OutriggerError): void;
  /** Closes the stream without a reason of the application's: the worker comes again. */
  disconnect(worker: WorkerId, reason: string): void;
  /** Returns the frame's size in bytes, which counts against the worker's credit until answered. */
  dispatch(worker: WorkerId, batch: DispatchedBatch): number;
  /** The worker's batches of this task epoch are void. */
  revoke(worker: WorkerId, taskName: string, taskEpoch: number): void;
  answerState(worker: WorkerId, requestId: number, answer: StateAnswer): void;
  /** No more batches follow; results are still taken. */
  drain(timeoutMs: number): void;
  /** gRPC health of the processor service: joined and restored, or not. */
  setServing(serving: boolean): void;
  close(): Promise<void>;
}
