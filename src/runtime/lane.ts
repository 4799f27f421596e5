import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Membership } from "../ports/consumer.ts";
import type { ProduceVerdict, TransactionalProducer } from "../ports/producer.ts";
import type { CommitOutcome, CommitTrace, Telemetry } from "../ports/telemetry.ts";
import {
  abortBackOffMs,
  type CommitLimits,
  commitDueAtMs,
  gatheringGapMs,
  recordFencing,
} from "../transactions/commit-policy.ts";
import {
  type AbortCause,
  stepTransaction,
  type Transaction,
  type TransactionEffect,
  type TransactionEvent,
  type TransactionLimits,
} from "../transactions/transaction.ts";
import { appendCut, type Cut, marksOf, offsetsOf, restageTask, takeCut } from "./cut.ts";
import { isClaiming } from "./due.ts";
import { storeFailure } from "./store-failure.ts";
import type { TaskRunner } from "./task-runner.ts";

/** What the lane asks of the kernel. */
export interface LaneHost {
  /** Tasks that have something to commit. */
  readonly due: () => readonly TaskRunner[];
  /** Whether a revocation, a drain or a first dispatch waits for a commit. */
  readonly urgent: () => boolean;
  /** Whether workers have batches, of any task. */
  readonly awaited: () => boolean;
  /** Whether tasks are being taken over. */
  readonly opening: () => boolean;
  /** Whether the task is still held under the epoch of the cut. */
  readonly holds: (runner: TaskRunner) => boolean;
  readonly membership: () => Membership;
  /** Sends a heartbeat; resolves when one sent after this call was answered. */
  readonly refreshMembership: () => Promise<void>;
  /** A cut took effect for these tasks; `records` were produced in `durationMs`. */
  readonly committed: (cut: Cut, durationMs: number) => void;
  /** The store of a task did not take what had committed; a takeover finds it in the changelog. */
  readonly broken: (runner: TaskRunner, error: unknown) => void;
  /** A cut was aborted for certain; its tasks staged it again. */
  readonly aborted: (cause: AbortCause, refusal: string) => void;
  /** drop everything and take over every task again. */
  readonly takeOverAll: () => void;
  /** A heartbeat has explained a refused offset commit: dispatching may go on. */
  readonly explained: () => void;
  /** another process uses our transactional id; returns a producer with a new one. */
  readonly replaceProducer: () => Promise<TransactionalProducer>;
  readonly failed: (error: OutriggerError) => void;
  /** See `Consumer.gather`. */
  readonly gather: (untilMs: number, gapMs: number) => void;
  /** Told of every state that a commit enters, before anything is done in it: failpoints hang here. */
  readonly entered: (state: Transaction["state"]) => void;
  readonly telemetry: Telemetry;
}

export interface LaneLimits {
  readonly commit: CommitLimits;
  readonly transaction: TransactionLimits;
  readonly transactionTimeoutMs: number;
  /** Of a cut, before others have their turn: some ms of work. */
  readonly appendedAtOnce: number;
}

const REPEAT_AFTER_MS = 100;
/** How long start positions wait for those of tasks that were assigned with theirs. */
const CLAIMS_TOGETHER_MS = 20;

/**
 * One lane: a transactional producer and the commits of its tasks. Interprets the effects of the
 * transaction machine; every answer comes back as one event.
 */
export class Lane {
  #producer: TransactionalProducer;
  readonly #host: LaneHost;
  readonly #clock: Clock;
  readonly #limits: LaneLimits;
  #transaction: Transaction = { state: "uninitialized" };
  #cut: Cut | null = null;
  #trace: CommitTrace | null = null;
  #enteredAtMs = 0;
  #lastOffsets: ReadonlyMap<string, number> = new Map();
  #cutAtMs = Number.NEGATIVE_INFINITY;
  /** Where the commit interval counts from: the last cut that took records. */
  #tookAtMs = Number.NEGATIVE_INFINITY;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = 0;
  /** Since when start positions wait, where nothing else is to be committed. */
  #claimsSinceMs: number | null = null;
  #abortsInARow = 0;
  #fencedAtMs: readonly number[] = [];
  #contended = false;
  /** What was last refused, in words, for the log. */
  #refusal = "";
  #refusalLabel = "";
  #awaitingHeartbeat = false;
  #cancelTimer: (() => void) | null = null;
  #idleWaiters: (() => void)[] = [];
  #closed = false;
  readonly #closing = new AbortController();

  constructor(producer: TransactionalProducer, host: LaneHost, clock: Clock, limits: LaneLimits) {
    this.#producer = producer;
    this.#host = host;
    this.#clock = clock;
    this.#limits = limits;
  }

  get state(): Transaction["state"] {
    return this.#transaction.state;
  }

  /** What it does: a commit is under way, waits for the clock, or there is nothing to commit. */
  get standing(): "busy" | "waiting" | "idle" {
    if (this.#cancelTimer !== null) return "waiting";
    if (this.#transaction.state === "failed") return "idle";
    const isReady = this.#transaction.state === "ready" && !this.#awaitingHeartbeat;
    return isReady && this.#host.due().length === 0 ? "idle" : "busy";
  }

  /** How often the cut was refused since the last commit, and the words of it. */
  get trouble(): { readonly abortsInARow: number; readonly refusal: string } {
    return { abortsInARow: this.#abortsInARow, refusal: this.#refusal };
  }

  /** Whether a cut is open: its tasks cannot be let go. */
  holds(runner: TaskRunner): boolean {
    return this.#cut?.tasks.some((task) => task.runner === runner) ?? false;
  }

  /** Dispatching waits too while a refused offset commit is not explained. */
  get awaitsHeartbeat(): boolean {
    return this.#awaitingHeartbeat;
  }

  start(): void {
    this.#step({ kind: "initialize" });
  }

  /** Something became final, or somebody waits: commit now, or when it is due. */
  consider(): void {
    if (this.#closed || this.#awaitingHeartbeat) return;
    if (this.#transaction.state === "uninitialized") {
      this.#after(Math.max(0, this.#notBeforeMs - this.#clock.nowMs()), () => this.start());
      return;
    }
    if (this.#transaction.state !== "ready") return;
    const runners = this.#host.due();
    if (runners.length === 0) {
      this.#wakeIdle();
      return;
    }
    const nowMs = this.#clock.nowMs();
    if (this.#awaitsClaims(runners, nowMs)) return;
    let stagedBytes = 0;
    for (const runner of runners) stagedBytes += runner.uncommitted.bytes;
    const demand = {
      hasWork: true,
      stagedBytes,
      urgent: this.#host.urgent(),
      awaited: this.#host.awaited(),
      lastCutAtMs: this.#tookAtMs,
      lastEndAtMs: this.#endedAtMs,
      notBeforeMs: this.#notBeforeMs,
    };
    const dueAtMs = commitDueAtMs(demand, this.#limits.commit);
    if (dueAtMs <= nowMs) this.#begin(runners, nowMs);
    else this.#after(dueAtMs - nowMs, () => this.consider());
  }

  /** One commit of all start positions: the first outputs would wait for a second one. */
  #awaitsClaims(runners: readonly TaskRunner[], nowMs: number): boolean {
    const mayCome = this.#host.opening() && runners.every((runner) => isClaiming(runner));
    this.#claimsSinceMs = mayCome ? (this.#claimsSinceMs ?? nowMs) : null;
    if (this.#claimsSinceMs === null) return false;
    const leftMs = this.#claimsSinceMs + CLAIMS_TOGETHER_MS - nowMs;
    if (leftMs > 0) this.#after(leftMs, () => this.consider());
    else this.#claimsSinceMs = null;
    return leftMs > 0;
  }

  /** Tasks were dropped, and are others' or taken over anew: an open cut of one must not commit. */
  lost(runners: readonly TaskRunner[]): void {
    if (runners.some((runner) => this.holds(runner))) this.#step({ kind: "cutLost" });
  }

  /** Resolves when nothing is to be committed and no transaction is open. */
  async idle(): Promise<void> {
    if (this.#transaction.state === "failed" || this.#closed) return;
    const waits = new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    this.consider();
    await waits;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#closing.abort();
    this.#wakeIdle();
    await this.#producer.close();
  }

  #begin(runners: readonly TaskRunner[], nowMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#cutAtMs = nowMs;
    // Start positions are no output: the first one does not wait for an interval since them.
    if (runners.some((runner) => !isClaiming(runner))) {
      this.#tookAtMs = nowMs;
      const { commitIntervalMs } = this.#limits.commit;
      this.#host.gather(nowMs + commitIntervalMs, gatheringGapMs(commitIntervalMs));
    }
    this.#cut = takeCut(runners, this.#producer.begin());
    const { tasks } = this.#cut;
    this.#trace = this.#host.telemetry.commitStarted({
      tasks: tasks.length,
      traces: tasks.flatMap(({ batches }) => batches.map(({ trace }) => trace)),
    });
    this.#step({ kind: "cut", nowMs });
  }

  #step(event: TransactionEvent): void {
    if (this.#closed) return;
    if ("verdict" in event && "error" in event.verdict) this.#refused(event.verdict);
    const { next, effects } = stepTransaction(this.#transaction, event, this.#limits.transaction);
    if (next.state !== this.#transaction.state) this.#enter(next.state);
    this.#transaction = next;
    for (const effect of effects) this.#perform(effect);
    if (next.state === "ready" || next.state === "uninitialized") this.consider();
  }

  #enter(state: Transaction["state"]): void {
    const nowMs = this.#now();
    this.#host.telemetry.phaseEnded(this.#transaction.state, nowMs - this.#enteredAtMs);
    this.#enteredAtMs = nowMs;
    if (state === "sendingOffsets" && this.#transaction.state === "producing") {
      const { records } = this.#openCut();
      this.#trace?.sent(records.byTopic(), records.bytes);
    }
    this.#host.entered(state);
  }

  #refused({ kind, error }: { readonly kind: string; readonly error: OutriggerError }): void {
    this.#refusal = error.message;
    this.#refusalLabel = error.kafkaError ?? error.code;
    const isFinal = kind === "fenced" || kind === "fatal" || kind === "abortable";
    // A stale epoch is asked about, an unknown outcome asked for again.
    this.#host.telemetry.producerError(this.#refusalLabel, isFinal ? kind : "retriable");
  }

  #endTrace(outcome: CommitOutcome, error: string | null): void {
    this.#trace?.ended(outcome, error);
    this.#trace = null;
  }

  #perform(effect: TransactionEffect): void {
    switch (effect.kind) {
      case "initialize":
        this.#answer(this.#initialize(), (verdict) => ({ kind: "initialized", verdict }));
        return;
      case "produce":
        this.#answer(this.#produce(), (verdict) => ({ kind: "produced", verdict }));
        return;
      case "sendOffsets": {
        const offsets = offsetsOf(this.#openCut(), this.#lastOffsets);
        const sent = this.#producer.sendOffsets(offsets, this.#host.membership());
        this.#answer(sent, (verdict) => ({ kind: "offsetsSent", verdict, nowMs: this.#now() }));
        return;
      }
      case "refreshMembership":
        this.#answer(this.#host.refreshMembership(), () => ({
          kind: "refreshed",
          held: this.#cut?.tasks.every(({ runner }) => this.#host.holds(runner)) ?? false,
          nowMs: this.#now(),
        }));
        return;
      case "end":
        this.#answer(this.#producer.end(effect.outcome, effect.attempt), (verdict) => ({
          kind: "ended",
          verdict,
          nowMs: this.#now(),
        }));
        return;
      case "repeatLater":
        this.#after(REPEAT_AFTER_MS, () => this.#step({ kind: "repeatDue", nowMs: this.#now() }));
        return;
      case "apply":
        this.#answer(this.#apply(), () => ({ kind: "applied" }));
        return;
      case "restage":
        this.#restage(effect.cause);
        return;
      case "awaitHeartbeat":
        this.#awaitHeartbeat();
        return;
      case "takeOverAll":
        this.#endTrace("unknown", this.#refusalLabel);
        this.#cut = null;
        this.#host.takeOverAll();
        return;
      case "countFencing":
        this.#countFencing();
        return;
      case "fail":
        this.#endTrace("failed", this.#refusalLabel);
        this.#host.failed(effect.error);
        this.#wakeIdle();
        return;
    }
  }

  #answer<T>(pending: Promise<T>, toEvent: (value: T) => TransactionEvent): void {
    pending.then(
      (value) => this.#step(toEvent(value)),
      (error: unknown) => {
        // Ports answer with verdicts; what is thrown is a failing disk or a bug of ours. The next
        // start finds out what happened by R-9.
        if (!this.#closed) this.#host.failed(storeFailure(error));
      },
    );
  }

  async #initialize(): Promise<Awaited<ReturnType<TransactionalProducer["initialize"]>>> {
    if (this.#contended) {
      // Three fencings in a row by somebody else: a cloned volume. A new id ends the fight.
      await this.#producer.close();
      this.#producer = await this.#host.replaceProducer();
      this.#contended = false;
      this.#fencedAtMs = [];
    }
    return await this.#producer.initialize(this.#closing.signal);
  }

  async #produce(): Promise<ProduceVerdict> {
    const cut = this.#openCut();
    for (const _ of appendCut(cut, this.#limits.appendedAtOnce)) {
      await new Promise<void>((resolve) => this.#clock.after(0, resolve));
      if (this.#closed) throw new OutriggerError("TRANSACTION_ABORTED", "the lane was closed");
      // A task of it was dropped, and what it staged with it: what was appended is aborted.
      if (this.#transaction.state !== "producing") break;
    }
    const { records } = cut;
    if (records.records === 0) {
      this.#lastOffsets = new Map();
      return { kind: "acked", lastOffsets: this.#lastOffsets };
    }
    const verdict = await this.#producer.produce(records);
    if (verdict.kind === "acked") this.#lastOffsets = verdict.lastOffsets;
    return verdict;
  }

  /** one RocksDB batch per task, only where the task is still held under the cut's epoch. */
  async #apply(): Promise<void> {
    const cut = this.#openCut();
    const wallMs = this.#clock.wallMs();
    const held = cut.tasks.filter(({ runner }) => this.#host.holds(runner));
    const writes = held.map(async (task) => {
      await task.runner.state.commit(marksOf(task, this.#lastOffsets, wallMs));
    });
    const written = await Promise.allSettled(writes);
    this.#abortsInARow = 0;
    this.#refusal = "";
    this.#cut = null;
    this.#endTrace("committed", null);
    const endedAtMs = this.#now();
    // As with the interval: start positions are no output.
    if (this.#tookAtMs === this.#cutAtMs) this.#endedAtMs = endedAtMs;
    this.#host.committed({ ...cut, tasks: held }, endedAtMs - this.#cutAtMs);
    for (const [index, { runner }] of held.entries()) {
      const outcome = written[index];
      if (outcome?.status === "rejected") this.#host.broken(runner, outcome.reason);
    }
  }

  #restage(cause: AbortCause): void {
    const cut = this.#openCut();
    this.#cut = null;
    this.#endTrace("aborted", this.#refusalLabel === "" ? cause : this.#refusalLabel);
    for (const task of cut.tasks) if (this.#host.holds(task.runner)) restageTask(task);
    this.#abortsInARow += 1;
    this.#notBeforeMs = this.#now() + abortBackOffMs(this.#abortsInARow);
    this.#host.aborted(cause, this.#refusal);
  }

  #awaitHeartbeat(): void {
    this.#awaitingHeartbeat = true;
    this.#host.refreshMembership().then(
      () => {
        this.#awaitingHeartbeat = false;
        this.#host.explained();
        this.consider();
      },
      (error: unknown) => this.#host.failed(storeFailure(error)),
    );
  }

  #countFencing(): void {
    const { transactionTimeoutMs } = this.#limits;
    const counted = recordFencing(this.#fencedAtMs, this.#now(), transactionTimeoutMs);
    this.#fencedAtMs = counted.recent;
    this.#contended = counted.contended;
  }

  #after(ms: number, callback: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(ms, () => {
      this.#cancelTimer = null;
      callback();
    });
  }

  #wakeIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  #openCut(): Cut {
    if (this.#cut === null) throw new OutriggerError("TRANSACTION_ABORTED", "no cut is open");
    return this.#cut;
  }

  #now(): number {
    return this.#clock.nowMs();
  }
}
