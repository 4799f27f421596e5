import { invariant } from "../errors/invariant.ts";
import { asError, type OutriggerError } from "../errors/outrigger-error.ts";
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
import { type Batch, conclude, type Hop, movingBatch } from "./batch.ts";
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
import { givenUpFired } from "./fired-rows.ts";
import { placeOf } from "./giving-up.ts";
import type { HeldBack } from "./held-back.ts";
import { rowsOf, type Taken, type TakenBack } from "./input-queue.ts";
import { Intake } from "./intake.ts";
import { canPark, commanded, isOfRecord, nextOf, releaseNext } from "./next-batch.ts";
import { numberedTimes } from "./own-times.ts";
import { type Parking, type PlannedRows, parkingOf } from "./parking.ts";
import { idsOf } from "./record-ids.ts";
import type { RunnerLimits, SourcePosition, TaskHost, TaskStart } from "./task-host.ts";
import { timerChangesOf } from "./timer-answers.ts";
import { Uncommitted } from "./uncommitted.ts";
import { Upkeep } from "./upkeep.ts";
import { inputIndexOf, pass, rowsBefore, type Walked } from "./walk.ts";
import { Walker } from "./walker.ts";

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
  /** The same of the stores that have their own, by number. */
  readonly cutTimes: Map<number, number>;
  readonly uncommitted: Uncommitted;
  readonly failures: Failures;
  /** The records that wait for a command; null where parking is off. */
  readonly parking: Parking | null;
  readonly heldBack: HeldBack;
  /** Of the takeover's span; of the record's that failed last; null without a trace. */
  readonly traceIds: TraceIds | null;
  failedIds: TraceIds | null = null;
  /** Why the task is stopped. */
  error: OutriggerError | null = null;
  readonly #input: Intake;
  readonly #walker: Walker;
  #streamTimeMs: number;
  #advanceToMs = Number.NEGATIVE_INFINITY;
  #planning = false;
  #paused = false;
  readonly #upkeep: Upkeep;
  /** Waits for the end of the planning that is under way. */
  #takenBack: TakenBack | null = null;

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
    this.uncommitted = new Uncommitted(host.uncommitted, state);
    this.changelogs = start.changelogs;
    this.commitSequence = start.commitSequence;
    this.traceIds = start.traceIds;
    this.heldBack = start.heldBack;
    this.name = taskIdName(id);
    this.partitions = program.sources.map((topic) => ({ topic, partition: id.partition }));
    this.positions = start.positions;
    this.#streamTimeMs = start.streamTimeMs;
    this.cutStreamTimeMs = start.streamTimeMs;
    this.#input = new Intake(this);
    this.cutTimes = numberedTimes(start.ownTimes, program.stores);
    this.#walker = new Walker(this);
    this.parking = parkingOf(program, limits, start.parking);
    const trial = start.trial === null ? null : resumed(start.trial, limits.batchRecordsMax);
    this.failures = new Failures(limits.failures, () => host.policies(), trial);
    this.#upkeep = new Upkeep(program, this.ledger, host.clock, () => this.pump());
  }

  /** Records arrived; those of an older epoch never get here. */
  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    if (chunk.topic === this.parking?.control) commanded(this, this.parking, chunk);
    else {
      this.#input.push(chunk, facts);
      this.pump();
    }
  }

  /** A fetch brought nothing for a source, which is read on at `position`. */
  empty(topic: string, position: number, facts: FetchFacts): void {
    if (topic === this.parking?.control) return;
    if (this.#input.empty(topic, position, facts)) this.pump();
  }

  /** Whether nothing is under way that a drain waits for. */
  get isIdle(): boolean {
    return this.ledger.inFlight().length === 0 && !this.#planning;
  }

  get hasFinal(): boolean {
    return this.ledger.hasFinalPrefix();
  }

  /** What waits to be planned; by source, what the last fetch said of the log. */
  get input(): Pick<Intake, "bytes" | "facts"> {
    return this.#input;
  }

  /** Takes batches on, the eldest first; plans others while there is input, room and no reason to wait. */
  pump(): void {
    if (this.#planning || this.#takenBack !== null || this.phase === "closed") return;
    const entry = this.#walker.next();
    if (entry !== null) {
      // Its stage has answered, or it waited for an elder.
      this.#walk(entry.item, entry, (walked) => this.#endWalk(entry, walked), null);
      return;
    }
    if (this.phase !== "running" || this.#paused) return;
    if (this.uncommitted.allBytes >= this.limits.uncommittedBytesMax) return;
    if (this.#upkeep.isDueAt(this.#streamTimeMs, this.#walker) && !this.failures.isTrying) {
      const found = this.#upkeep.find(this.state, this.#streamTimeMs, this.#walker);
      this.#own(found, (batch) => this.#upkeep.placed(batch));
      return;
    }
    if (this.parking?.goesFirst === true) {
      // What a command lets go of comes before input, and nothing else is under way meanwhile.
      if (this.ledger.unfinished > 0 || !this.parking.hasWork) return;
      const rowsMax = this.#input.rowsMax(this.failures);
      this.#own(releaseNext(this, this.parking, rowsMax, this.#streamTimeMs));
      return;
    }
    if (this.#walker.isFull(this.failures.isTrying, this.limits.plannedMax)) return;
    const isMoving = this.#advanceToMs > this.#streamTimeMs;
    const taken = isMoving ? this.#advance() : this.#input.take(this.failures);
    if (taken === null) return;
    try {
      const next = nextOf(this, taken, this.#streamTimeMs);
      if ("hop" in next) this.#placeGivenUp(next);
      else this.#plan(next);
    } catch (error: unknown) {
      if (!isOfRecord(error)) throw error;
      this.#input.putBack([taken]);
      this.#stop(error);
    }
  }

  #plan(rows: PlannedRows): void {
    this.#planning = true;
    const { input } = rows.taken;
    // Before planning: what built-in nodes derive takes the headers along.
    const topic = this.program.sources[input.source] ?? "";
    const trace = this.host.telemetry.planned(this, topic, input);
    const batch = this.#walker.batchOf(rows, this.#streamTimeMs);
    this.#walk(batch, null, (walked) => this.#endPlanning(batch, walked, trace), trace);
  }

  #walk(
    batch: Batch,
    entry: LedgerEntry<Batch> | null,
    end: (walked: Walked) => void,
    trace: BatchTrace | null,
  ): void {
    this.#planning = true;
    this.#walker.walk(batch, entry).then(end, (error: unknown) => {
      trace?.undone("failed");
      this.#planningFailed(error);
    });
  }

  /** The answer of the worker that holds `entry`. */
  answered(entry: LedgerEntry<Batch>, answer: BatchAnswer): void {
    const batch = entry.item;
    const { hop } = batch;
    invariant(hop !== null, "a batch was answered that waits for no stage");
    const found = faultIn(hop, this.program, answer, this.limits, this.name);
    if (found !== null) {
      if (found.isOfAll) this.#refused(entry, found.fault);
      else this.#failed(entry, answer.done, found.fault);
      return;
    }
    this.#input.answered(hop.rowCount, this.host.nowMs() - entry.dispatchedAtMs);
    const timed = timerChangesOf(hop.stage, this.program, answer);
    const changes = [...pass(batch, hop, answer), ...timed];
    batch.changes.push(...timed);
    this.ledger.walkOn(entry);
    if (this.#walker.hasRows(batch)) {
      // Later steps of this batch see them; nothing is staged before all of it is final.
      for (const each of changes) this.state.advance(each);
      this.pump();
    } else {
      this.#arrived(entry, "done");
    }
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
    const { isAlone, item } = entry;
    this.#noteFailure(item.hop, 0);
    const fault = deathFault(reason);
    this.#takeBack(entry, () => {
      const rows = rowsOf(item.taken);
      const next = this.failures.died(rows, isAlone, reason, fault, canPark(this, item.taken));
      const at = placeOf(this.program, item.taken.input);
      this.host.suspected(this, at, rows.count, this.failures.trial?.deaths ?? 0);
      this.#goOn(next, fault, item.taken);
    });
  }

  committed(): void {
    this.#upkeep.committed();
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
    this.uncommitted.close();
    this.#upkeep.close();
    for (const { item } of this.ledger.clear()) item.trace?.undone("closed");
    this.#input.clear();
  }

  resume(): void {
    this.#paused = false;
    this.pump();
  }

  /** While a batch was planned the task may have been told to end, or an elder batch have failed. */
  #endPlanning(batch: Batch, walked: Walked, trace: BatchTrace | null): void {
    this.#planning = false;
    const isFailed = walked === "tooLarge" || typeof walked === "object";
    const isKept = this.phase === "running" && this.#takenBack === null && !isFailed;
    if (isKept) batch.trace = trace;
    else trace?.undone("planned again");
    if (this.phase === "closed") return;
    // What ends takes up nothing new: a cut of it would step over elder batches that were abandoned.
    if (this.phase !== "running") {
      this.host.idle(this);
      return;
    }
    if (!isKept) this.parking?.undo(batch.parked);
    const own = [batch.taken];
    if (this.#takenBack !== null) this.#giveBack(this.#takenBack, own);
    else if (isFailed) this.#giveBack({ taken: [], goOn: this.#afterFailed(batch, walked) }, own);
    else this.#planned(batch, walked);
    this.pump();
  }

  /** The same for a batch that has its place: it was taken back with its elder, or it goes on. */
  #endWalk(entry: LedgerEntry<Batch>, walked: Walked): void {
    this.#planning = false;
    if (this.phase === "closed") return;
    if (this.ledger.has(entry)) {
      if (walked !== "tooLarge" && typeof walked === "string") this.#arrived(entry, walked);
      else this.#takeBack(entry, this.#afterFailed(entry.item, walked));
    }
    if (this.#takenBack !== null) this.#giveBack(this.#takenBack, []);
    this.pump();
    if (this.phase !== "running") this.host.idle(this);
  }

  /**
   * The batch cannot go on as it is: half of its rows can, or, where a built-in node cannot read a row, those
   * before it; of that row the policy decides.
   */
  #afterFailed({ taken }: Batch, walked: (Walked & object) | "tooLarge"): () => void {
    if (walked === "tooLarge") return () => this.#input.halve(taken);
    if ("rowsMax" in walked) return () => this.#input.bind(walked.rowsMax, taken);
    const { rows, row, node, message } = walked;
    this.#noteFailure({ rows }, row);
    return () => this.#decide(taken, rowsBefore(taken, rows, row), malformedFault(node, message));
  }

  /** The walk of a batch that is in the ledger has come to its end, or to a stop. */
  #arrived(entry: LedgerEntry<Batch>, walked: Walked): void {
    if (walked === "done") this.#finish(entry);
    if (walked !== "hop") return;
    this.ledger.arrive(entry);
    this.host.queued(this);
  }

  /** Without a record, and with a place of its own behind what was planned: the cut commits it. */
  advanceStreamTime(timestamp: number): void {
    if (this.phase !== "running" || timestamp <= this.#streamTimeMs) return;
    this.#advanceToMs = timestamp;
    this.pump();
  }

  /** What waits for stream time is forwarded by it. Should it be taken back, then it was never asked for. */
  #advance(): null {
    this.#planning = true;
    const batch = movingBatch(this.id.partition, this.#streamTimeMs, this.#advanceToMs);
    this.#advanceToMs = Number.NEGATIVE_INFINITY;
    this.#walk(batch, null, (walked) => this.#endPlanning(batch, walked, null), null);
    return null;
  }

  /** What the task does between two batches; `placed` hears what has a place, null where none has. */
  #own(
    work: Promise<Batch | PlannedRows | null>,
    placed: (next: Batch | null) => void = () => {},
  ): void {
    this.#planning = true;
    work.then(
      (next) => {
        this.#planning = false;
        if (this.phase === "closed") return;
        const isKept = this.phase === "running" && this.#takenBack === null;
        if (next !== null && "hop" in next) placed(isKept ? next : null);
        if (this.phase !== "running") this.host.idle(this);
        else if (this.#takenBack !== null) this.#giveBack(this.#takenBack, []);
        else if (next !== null && "hop" in next) this.#planned(next, "done");
        else if (next !== null) this.#plan(next);
        this.pump();
      },
      (error: unknown) => this.#planningFailed(error),
    );
  }

  #placeGivenUp(batch: Batch): void {
    const node = this.#walker.timersOf(batch.taken.input.source);
    if (node === null || batch.givenUp === null) this.#planned(batch, "done");
    else this.#own(givenUpFired(node, this.state, batch));
  }

  #planningFailed(error: unknown): void {
    this.#planning = false;
    if (this.phase === "closed") return;
    if (isOfRecord(error)) this.#stop(error);
    else this.host.broken(this, asError(error));
  }

  #planned(batch: Batch, walked: Walked): void {
    this.#streamTimeMs = batch.streamTimeMs;
    this.#arrived(this.ledger.add(batch), walked);
  }

  #finish(entry: LedgerEntry<Batch>): void {
    const { item } = entry;
    const { bytes } = conclude(item, this.parking?.changesOf(item) ?? []);
    this.#input.unbind(item.taken);
    this.failures.passed(rowsOf(item.taken));
    this.#upkeep.used(item);
    this.ledger.finish(entry);
    this.#walker.stageFinal();
    this.uncommitted.add(bytes);
    this.host.staged(this);
    this.pump();
  }

  /** While the record's header still names its span. */
  #noteFailure(at: Pick<Hop, "rows"> | null, row: number): void {
    this.failedIds = at === null ? null : idsOf(at, row);
    this.host.telemetry.recordFailed();
  }

  /**
   * Row `row` failed at its stage. Everything from its batch on is planned again, from the first step:
   * the records before the row's by themselves, then the rest. Code runs twice, effects happen once.
   */
  #failed(entry: LedgerEntry<Batch>, row: number, fault: Fault): void {
    const { taken, hop } = entry.item;
    this.#noteFailure(hop, row);
    const before = hop === null ? 0 : inputIndexOf(taken, hop.rows, row);
    this.#takeBack(entry, () => this.#decide(taken, before, fault));
  }

  /** The first `before` records go ahead; where there are none, the policy says what becomes of the next. */
  #decide(taken: Taken, before: number, fault: Fault): void {
    this.#input.bind(before, taken);
    if (before > 0) this.pump();
    else this.#goOn(this.failures.failed(rowsOf(taken), fault, canPark(this, taken)), fault, taken);
  }

  /** The answer cannot be taken, whichever row is the reason: halves find it. */
  #refused(entry: LedgerEntry<Batch>, fault: Fault): void {
    const { taken, hop } = entry.item;
    this.#noteFailure(hop, 0);
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
      this.uncommitted.add(-(item.outcome?.bytes ?? 0));
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
    this.#walker.resetHead();
    this.#input.putBack([...taken, ...planned]);
    this.#streamTimeMs = this.ledger.last()?.item.streamTimeMs ?? this.cutStreamTimeMs;
    goOn();
  }

  #goOn(next: Next, fault: Fault, taken: Taken): void {
    const at = placeOf(this.program, taken.input);
    switch (next.kind) {
      case "again":
        this.#input.bind(Math.min(this.#input.rowsMax(this.failures), next.rowsMax), taken);
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
}
