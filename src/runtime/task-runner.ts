import { invariant } from "../errors/invariant.ts";
import { asError, type OutriggerError } from "../errors/outrigger-error.ts";
import type { RowRange } from "../model/rows.ts";
import { type TaskId, taskIdName } from "../model/task-id.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Program } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { TaskState } from "../ports/store.ts";
import type { BatchTrace, TraceIds } from "../ports/telemetry.ts";
import { Ledger, type LedgerEntry } from "../tasks/ledger.ts";
import type { ChangelogEnd } from "../tasks/offset-metadata.ts";
import { resumed } from "../tasks/trial.ts";
import { changesOf } from "./answers.ts";
import { type Batch, idleBatch, type Outcome } from "./batch.ts";
import { Expiry } from "./expiry.ts";
import {
  deathFault,
  errorOf,
  Failures,
  type Fault,
  handBackFault,
  malformedFault,
  type Next,
} from "./failures.ts";
import { faultIn } from "./faulty-answers.ts";
import { placeOf } from "./giving-up.ts";
import {
  InputQueue,
  inputBytes,
  NOTHING_TAKEN,
  rowsOf,
  type Taken,
  type TakenBack,
} from "./input-queue.ts";
import { inputRowsBefore } from "./input-rows.ts";
import { canPark, commanded, isOfRecord, nextOf, releaseNext } from "./next-batch.ts";
import { type Parking, parkingOf } from "./parking.ts";
import type { PlannedRows } from "./planner.ts";
import { plannedMax, resetHead, startPlanning } from "./planning.ts";
import { idsOf } from "./record-ids.ts";
import type { FailedRow } from "./run-operator.ts";
import type { RunnerLimits, SourcePosition, TaskHost, TaskStart } from "./task-host.ts";
import { Throttle } from "./throttle.ts";

/**
 * The data plane of one task under one epoch: input, planning, ledger, staging. It is made by a
 * takeover and dropped whole; a later takeover makes another with a higher epoch.
 *
 *   claiming ──ownership committed──▶ running ──revoked, draining──▶ ending ──▶ closed
 *   running ──retries used up──▶ stopped ──revoked, draining──▶ ending
 *   any ──membership lost, takeover──▶ closed
 */
export class TaskRunner {
  readonly program: Program;
  readonly id: TaskId;
  readonly epoch: number;
  readonly state: TaskState;
  readonly limits: RunnerLimits;
  readonly host: TaskHost;
  readonly name: string;
  readonly partitions: readonly TopicPartition[];
  readonly ledger = new Ledger<Batch>();
  readonly positions: Map<string, SourcePosition>;
  /** By store name: where each changelog ended after the last cut. */
  readonly changelogs: Map<string, ChangelogEnd>;
  phase: "claiming" | "running" | "ending" | "stopped" | "closed" = "claiming";
  commitSequence: number;
  /** As of the last record that a cut took: where planning goes on when nothing waits. */
  cutStreamTimeMs: number;
  outputBytes = 0;
  readonly failures: Failures;
  /** The records that wait for a command; null where parking is off. */
  readonly parking: Parking | null;
  /** Of the takeover's span; of the record's that failed last; null without a trace. */
  readonly traceIds: TraceIds | null;
  failedIds: TraceIds | null = null;
  /** Why the task is stopped. */
  error: OutriggerError | null = null;
  /** By source: what the last fetch said of the log. */
  readonly facts = new Map<string, FetchFacts>();
  readonly #input: InputQueue;
  #streamTimeMs: number;
  #planning = false;
  #paused = false;
  readonly #throttled: Throttle;
  readonly #expiry: Expiry;
  /** What waits for the end of the planning that is under way. */
  #takenBack: TakenBack | null = null;
  /** Rows that the next batch may hold: fewer after a failure or an oversized frame. */
  #rowsMax: number;

  constructor(
    program: Program,
    id: TaskId,
    epoch: number,
    state: TaskState,
    limits: RunnerLimits,
    host: TaskHost,
    start: TaskStart,
  ) {
    this.program = program;
    this.id = id;
    this.epoch = epoch;
    this.state = state;
    this.limits = limits;
    this.host = host;
    this.changelogs = start.changelogs;
    this.commitSequence = start.commitSequence;
    this.traceIds = start.traceIds;
    this.name = taskIdName(id);
    this.partitions = program.sources.map((topic) => ({ topic, partition: id.partition }));
    this.positions = start.positions;
    this.#streamTimeMs = start.streamTimeMs;
    this.cutStreamTimeMs = start.streamTimeMs;
    this.#input = new InputQueue(program.sources.length, id.partition);
    this.parking = parkingOf(program, limits, start.parking);
    const { trial } = start;
    this.failures = new Failures(
      limits.failures,
      () => host.policies(),
      trial === null ? null : resumed(trial, limits.batchRecordsMax),
    );
    this.#rowsMax = limits.batchRecordsMax;
    this.#throttled = new Throttle(limits.inputBytesMax);
    this.#expiry = new Expiry(program);
  }

  /** Records arrived; those of an older epoch never get here. */
  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    if (chunk.topic === this.parking?.control) {
      commanded(this, this.parking, chunk);
      return;
    }
    this.facts.set(chunk.topic, facts);
    const source = this.program.sources.indexOf(chunk.topic);
    invariant(source >= 0, `${chunk.topic} is no source of task ${this.name}`);
    this.#input.push(source, chunk);
    this.#throttle();
    this.pump();
  }

  /** Whether anything is under way that a drain waits for. */
  get isIdle(): boolean {
    return this.ledger.inFlight().length === 0 && !this.#planning;
  }

  get hasFinal(): boolean {
    return this.ledger.hasFinalPrefix();
  }

  /** Whether a cut should be taken though nothing is final: workers have died of the head. */
  get hasNews(): boolean {
    return this.failures.hasNews && this.phase !== "claiming";
  }

  get uncommittedBytes(): number {
    return this.outputBytes + this.state.stagedBytes;
  }

  get inputBytes(): number {
    return this.#input.bytes;
  }

  /** Plans batches while there is input, room and no reason to wait. */
  pump(): void {
    if (this.phase !== "running" || this.#planning || this.#paused) return;
    if (this.uncommittedBytes >= this.limits.uncommittedBytesMax) return;
    if (this.#expiry.isDueAt(this.#streamTimeMs) && !this.failures.isTrying) {
      this.#expire();
      return;
    }
    const { parking } = this;
    if (parking !== null && (parking.hasWork || parking.awaitsCommands)) {
      this.#release(parking);
      return;
    }
    if (this.ledger.size >= plannedMax(this)) return;
    const rowsMax = Math.min(this.#rowsMax, this.failures.rowsMax);
    const { trial } = this.failures;
    const taken = this.#input.take(rowsMax, this.limits.batchBytesMax, trial);
    if (taken === null) return;
    try {
      const next = nextOf(this, taken, this.#streamTimeMs);
      if ("rowCount" in next) this.#planned(next);
      else this.#plan(next);
    } catch (error: unknown) {
      if (!isOfRecord(error)) throw error;
      this.#putBack([taken]);
      this.#stop(error);
    }
  }

  #plan(rows: PlannedRows): void {
    this.#planning = true;
    startPlanning(
      this,
      rows,
      this.#streamTimeMs,
      (planned, trace) => this.#endPlanning(rows, planned, trace),
      (error) => this.#planningFailed(error),
    );
  }

  /** The answer of the worker that holds `entry`. */
  answered(entry: LedgerEntry<Batch>, answer: BatchAnswer): void {
    const { stage } = this.program;
    invariant(stage !== null, "a batch was answered for a program without user code");
    const batch = entry.item;
    const found = faultIn(batch, this.program, stage, answer, this.limits, this.name);
    if (found !== null) {
      if (found.isOfAll) this.#refused(entry, found.fault);
      else this.#failed(entry, answer.done, found.fault);
      return;
    }
    this.#rowsMax = this.limits.batchRecordsMax;
    this.#finish(entry, {
      outputs: answer.outputs,
      changes: [...batch.upstream, ...changesOf(batch, stage, answer)],
      bytes: inputBytes(batch.taken) + answer.outputs.bytes.length,
    });
  }

  /** A worker that is not stopping gave the batch back: for want of state, says P-32. */
  handedBack(entry: LedgerEntry<Batch>, worker: number): void {
    this.#failed(entry, 0, handBackFault(worker));
  }

  /**
   * The worker died, or hung for too long, while it held batches of this task. Only the first can be
   * the reason, for a worker takes those of one task in order; all go out again.
   */
  workerDied(worker: number, reason: "process_crash" | "processing_timeout"): void {
    const entry = this.ledger.inFlight().find((one) => one.worker === worker);
    if (entry === undefined) return;
    const { isAlone } = entry;
    const { taken } = entry.item;
    this.#noteFailure(entry.item.rows, 0);
    const fault = deathFault(reason);
    this.#takeBack(entry, () => {
      const rows = rowsOf(taken);
      const next = this.failures.died(rows, isAlone, reason, fault, canPark(this, taken));
      const at = placeOf(this.program, taken.input);
      this.host.suspected(this, at, rows.count, this.failures.trial?.deaths ?? 0);
      this.#goOn(next, fault, taken);
    });
  }

  /** The cut took effect; `items` are done with. */
  committed(): void {
    this.#expiry.committed(this.ledger);
    this.#throttle();
    this.pump();
  }

  /** Nothing more is dispatched; what is in flight may still be answered and cut. */
  endDispatch(): void {
    if (this.phase !== "closed") this.phase = "ending";
  }

  /** Forgets batches without an answer: they belong to the next owner. */
  abandonUnfinished(): void {
    for (const { item } of this.ledger.removeUnfinished()) item.trace?.undone("revoked");
  }

  /** Drops everything staged and waiting; the store keeps only what was committed. */
  close(): void {
    this.phase = "closed";
    for (const { item } of this.ledger.clear()) item.trace?.undone("closed");
    this.#input.clear();
  }

  /** Continues after a back-off. */
  resume(): void {
    this.#paused = false;
    this.pump();
  }

  /** While a batch was planned the task may have been told to end, or an elder batch have failed. */
  #endPlanning(
    rows: PlannedRows,
    planned: Batch | FailedRow | null,
    trace: BatchTrace | null,
  ): void {
    const { taken } = rows;
    this.#planning = false;
    const batch = planned !== null && "rowCount" in planned ? planned : null;
    const isKept = this.phase === "running" && this.#takenBack === null && batch !== null;
    if (isKept) batch.trace = trace;
    else trace?.undone("planned again");
    if (this.phase === "closed") return;
    // What ends takes up nothing new. Elder batches may have been abandoned meanwhile, and a cut of
    // this one would step over them.
    if (this.phase !== "running") {
      this.host.idle(this);
      return;
    }
    if (!isKept) this.parking?.undo(rows.parked);
    if (this.#takenBack !== null) this.#giveBack(this.#takenBack, [taken]);
    else if (batch !== null) this.#planned(batch);
    else if (planned === null) this.#shrink(taken);
    else if ("message" in planned) this.#malformed(rows, planned);
    this.#throttle();
    this.pump();
  }

  /** Without a record, and with a place of its own behind what was planned: the cut commits it. */
  advanceStreamTime(timestamp: number): void {
    if (this.phase !== "running" || timestamp <= this.#streamTimeMs) return;
    this.#planned(idleBatch(NOTHING_TAKEN, timestamp, {}));
  }

  #expire(): void {
    this.#planning = true;
    this.#expiry.find(this.state, this.#streamTimeMs).then(
      (found) => {
        this.#planning = false;
        if (this.phase === "closed") return;
        const isKept = this.phase === "running" && this.#takenBack === null;
        if (found !== null) this.#expiry.placed(isKept ? found : null);
        if (this.phase !== "running") this.host.idle(this);
        else if (this.#takenBack !== null) this.#giveBack(this.#takenBack, []);
        else if (found !== null) this.#planned(found);
        this.pump();
      },
      (error: unknown) => this.#planningFailed(error),
    );
  }

  #planningFailed(error: unknown): void {
    this.#planning = false;
    if (this.phase === "closed") return;
    if (isOfRecord(error)) this.#stop(error);
    else this.host.broken(this, asError(error));
  }

  #planned(batch: Batch): void {
    if (batch.givenUp !== null) this.#rowsMax = this.limits.batchRecordsMax;
    this.#streamTimeMs = batch.streamTimeMs;
    this.#expiry.used(batch);
    const entry = this.ledger.add(batch);
    if (this.program.stage === null || batch.rowCount === 0) {
      const bytes = inputBytes(batch.taken);
      this.#finish(entry, { outputs: null, changes: batch.upstream, bytes });
    } else {
      this.host.queued(this);
    }
  }

  #shrink(taken: Taken): void {
    // Half the rows, so that a few steps find a batch that fits; one row is always sent.
    this.#rowsMax = Math.max(1, Math.floor((taken.input.to - taken.input.from) / 2));
    resetHead(this);
    this.#putBack([taken]);
  }

  /** A built-in node cannot read a row: those before it go ahead, then the policy decides about it. */
  #malformed({ taken, rows }: PlannedRows, { row, node, message }: FailedRow): void {
    this.#noteFailure(rows, row);
    resetHead(this);
    this.#putBack([taken]);
    const before = inputRowsBefore(taken.input, rows, row);
    this.#rowsMax = Math.max(1, before);
    if (before > 0) return;
    const fault = malformedFault(node, message);
    this.#goOn(this.failures.failed(rowsOf(taken), fault, canPark(this, taken)), fault, taken);
  }

  #finish(entry: LedgerEntry<Batch>, outcome: Outcome): void {
    const settled = this.parking?.changesOf(entry.item) ?? [];
    entry.item.outcome = { ...outcome, changes: [...outcome.changes, ...settled] };
    entry.item.trace?.done();
    this.failures.passed(rowsOf(entry.item.taken));
    this.outputBytes += outcome.bytes;
    this.ledger.finish(entry);
    // In order and only as a prefix: the overlay must never hold a later batch without an earlier.
    for (const { item } of this.ledger.finalPrefix()) {
      if (item.staged || item.outcome === null) continue;
      for (const changes of item.outcome.changes) this.state.stage(changes);
      item.staged = true;
    }
    this.host.staged(this);
    this.pump();
  }

  /** While the record's header still names its span. */
  #noteFailure(rows: readonly RowRange[], row: number): void {
    this.failedIds = idsOf({ rows }, row);
    this.host.telemetry.recordFailed();
  }

  /**
   * Row `row` failed. Everything from its batch on is planned again: the rows before it as a batch of
   * their own, then the failing one first in its batch. Their code runs twice, their effects happen
   * once.
   */
  #failed(entry: LedgerEntry<Batch>, row: number, fault: Fault): void {
    const { taken, rows } = entry.item;
    this.#noteFailure(rows, row);
    const before = inputRowsBefore(taken.input, rows, row);
    this.#takeBack(entry, () => {
      this.#rowsMax = Math.max(1, before);
      if (before > 0) this.pump();
      else
        this.#goOn(this.failures.failed(rowsOf(taken), fault, canPark(this, taken)), fault, taken);
    });
  }

  /** The answer cannot be taken, whichever row is the reason: halves find it. */
  #refused(entry: LedgerEntry<Batch>, fault: Fault): void {
    const { taken } = entry.item;
    this.#noteFailure(entry.item.rows, 0);
    this.#takeBack(entry, () => {
      this.#goOn(this.failures.refused(rowsOf(taken), fault, canPark(this, taken)), fault, taken);
    });
  }

  /**
   * The batch and all behind it leave the ledger at once, and are given back to the input when no
   * planning is under way: that builds on them, and its rows come behind theirs.
   */
  #takeBack(entry: LedgerEntry<Batch>, goOn: () => void): void {
    const removed = this.ledger.removeFrom(entry).map(({ item }) => {
      item.trace?.undone("HANDLER_FAILED");
      // What was answered before its elders is answered anew.
      this.outputBytes -= item.outcome?.bytes ?? 0;
      this.parking?.undo(item.parked);
      return item.taken;
    });
    const back = { taken: [...removed, ...(this.#takenBack?.taken ?? [])], goOn };
    if (this.#planning) this.#takenBack = back;
    else this.#giveBack(back, []);
  }

  #giveBack({ taken, goOn }: TakenBack, planned: readonly Taken[]): void {
    this.#takenBack = null;
    // What ends leaves its records to the next owner.
    if (this.phase !== "running") return;
    resetHead(this);
    this.#putBack([...taken, ...planned]);
    this.#streamTimeMs = this.ledger.last()?.item.streamTimeMs ?? this.cutStreamTimeMs;
    goOn();
  }

  #goOn(next: Next, fault: Fault, { input }: Taken): void {
    const at = placeOf(this.program, input);
    switch (next.kind) {
      case "again":
        this.#rowsMax = Math.min(this.#rowsMax, next.rowsMax);
        this.pump();
        return;
      case "givenUp":
        this.pump();
        return;
      case "after":
        this.#paused = true;
        this.host.retrying(this, next.delayMs, errorOf(fault, at));
        return;
      case "stop":
        this.#stop(errorOf(fault, at));
        return;
    }
  }

  #stop(error: OutriggerError): void {
    this.phase = "stopped";
    this.error = error;
    this.host.stopped(this, error);
  }

  /** What a command lets go of comes before input, and nothing else is under way meanwhile. */
  #release(parking: Parking): void {
    if (this.ledger.unfinished > 0 || !parking.hasWork) return;
    this.#planning = true;
    const rowsMax = Math.min(this.#rowsMax, this.failures.rowsMax);
    releaseNext(this, parking, rowsMax, this.#streamTimeMs).then(
      (next) => {
        this.#planning = false;
        if (this.phase !== "running") this.host.idle(this);
        else if ("rowCount" in next) this.#planned(next);
        else this.#plan(next);
      },
      (error: unknown) => this.#planningFailed(error),
    );
  }

  /** What had been parked is in its store still, and is read there again. */
  #putBack(taken: readonly Taken[]): void {
    this.#input.putBack(taken.filter(({ released }) => released === undefined));
  }

  #throttle(): void {
    const isThrottled = this.#throttled.changeAt(this.#input.bytes);
    if (isThrottled !== null) this.host.throttled(this, isThrottled);
  }
}
