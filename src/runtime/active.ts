import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Programs } from "../model/topology.ts";
import type {
  Application,
  BatchAnswer,
  BatchName,
  StateQuestion,
  WorkerHello,
  WorkerId,
} from "../ports/application.ts";
import type { FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { Status } from "../ports/status.ts";
import { unreadyReasons } from "../telemetry/readiness.ts";
import { countTask, settledSince, zeroCounters } from "./counters.ts";
import { type Cut, settleTask } from "./cut.ts";
import { dispatchQueued, overdueError, passOn } from "./dispatch.ts";
import { isDue, isWaitedFor } from "./due.ts";
import { failureLog } from "./failure-log.ts";
import { type Policies, policiesOf } from "./failures.ts";
import { GroupLoop } from "./group-loop.ts";
import { hooksFirst } from "./hooks.ts";
import type { Insides } from "./insides.ts";
import { Lane } from "./lane.ts";
import type { KernelLimits, KernelParts } from "./parts.ts";
import { Purge } from "./purge.ts";
import { Quiet } from "./quiet.ts";
import { grownUnderState, type Prepared } from "./setup.ts";
import { subscriptionOf } from "./sources.ts";
import { answerQuestion } from "./state-questions.ts";
import type { TaskHost } from "./task-host.ts";
import { taskLog } from "./task-log.ts";
import type { TaskRunner } from "./task-runner.ts";
import { TaskSet } from "./task-set.ts";
import { until, within } from "./within.ts";
import { Workers } from "./workers.ts";

const OVERDUE_CHECK_MS = 250;
const PREPARE_TIMEOUT_MS = 30_000;

/**
 * A running topology: membership, tasks, workers and the lane that commits for all of them. Made when
 * the first worker came, stopped when the sidecar drains.
 */
export class Active {
  readonly workers = new Workers();
  readonly counters = zeroCounters();
  readonly #programs: Programs;
  readonly #prepared: Prepared;
  readonly #parts: KernelParts;
  readonly #application: Application;
  readonly #limits: KernelLimits;
  readonly #tasks: TaskSet;
  readonly #group: GroupLoop;
  /** Of the worker that came last: a new version may say otherwise, and the topology is the same. */
  #policies: Policies = new Map();
  readonly #purge: Purge;
  readonly #quiet: Quiet;
  #lane: Lane | null = null;
  #draining = false;
  #stopped = false;
  #onSettled: (() => void) | null = null;
  #cancelOverdue: (() => void) | null = null;

  constructor(
    programs: Programs,
    prepared: Prepared,
    parts: KernelParts,
    application: Application,
    limits: KernelLimits,
  ) {
    this.#programs = programs;
    this.#prepared = prepared;
    this.#parts = parts;
    this.#application = application;
    this.#limits = limits;
    this.#purge = new Purge(parts.admin, parts.clock, parts.log, limits.purgeIntervalMs);
    this.#quiet = new Quiet(parts.offsets, parts.clock, parts.log, limits.streamTimeIdleMs);
    this.#group = this.#makeGroup();
    this.#tasks = this.#makeTasks();
  }

  /** Makes the producer and teaches it the topics: fails where the cluster does not let us. */
  async prepare(): Promise<void> {
    await this.#parts.directory.rememberMember(this.#group.memberId);
    const producer = await this.#makeProducer();
    this.#lane = new Lane(producer, this.#laneHost(), this.#parts.clock, this.#limits.lane);
  }

  start(): void {
    this.#lane?.start();
    this.#group.join();
    this.#checkOverdue();
    this.#purge.start(this.#programs, () => this.#tasks.all());
    this.#quiet.start(() => this.#tasks.all());
  }

  // --- workers

  workerCame(worker: WorkerId, hello: WorkerHello): void {
    this.workers.add(worker, hello.creditBatches, hello.creditBytes);
    this.#policies = policiesOf(hello.topology);
    this.#lane?.lost(this.#tasks.reopenStopped());
    this.#tellReadiness();
    this.#dispatchAll();
  }

  /**
   * nothing is aborted, nothing is wiped; what the worker held goes out again, in order. One
   * that said it was stopping died of nothing that it held.
   */
  workerGone(
    worker: WorkerId,
    reason: "process_crash" | "processing_timeout" = "process_crash",
  ): void {
    const wasStopping = this.workers.isPaused(worker) || this.#draining;
    this.workers.remove(worker);
    for (const runner of this.#tasks.all()) {
      if (!wasStopping && runner.phase === "running") runner.workerDied(worker, reason);
      for (const entry of runner.ledger.inFlight()) {
        if (entry.worker === worker) runner.ledger.requeue(entry);
      }
    }
    this.#tellReadiness();
    this.#lane?.consider();
    this.#dispatchAll();
    this.#releaseAll();
  }

  answered(worker: WorkerId, answer: BatchAnswer): void {
    const held = this.workers.returned(worker, answer, this.#now());
    const runner = this.#tasks.get(answer.taskName);
    const isCurrent = held && runner !== undefined && runner.epoch === answer.taskEpoch;
    const entry = isCurrent ? runner.ledger.find(answer.dispatchId, worker) : null;
    const { telemetry } = this.#parts;
    if (runner === undefined || entry === null) {
      this.counters.staleAnswers += 1;
      telemetry.answerDropped(held ? "stale" : "duplicate");
    } else {
      const { source } = entry.item.taken.input;
      const ms = this.#now() - entry.dispatchedAtMs;
      telemetry.answered(runner.program.sources[source] ?? "", ms);
      runner.answered(entry, answer);
    }
    this.#dispatchAll();
    this.#releaseAll();
  }

  handedBack(worker: WorkerId, batch: BatchName): void {
    this.workers.returned(worker, batch, this.#now());
    const runner = this.#tasks.get(batch.taskName);
    const entry = runner?.ledger.find(batch.dispatchId, worker) ?? null;
    if (runner?.epoch === batch.taskEpoch && entry !== null) {
      if (this.workers.isPaused(worker)) passOn(runner, entry, worker, this.workers);
      else runner.handedBack(entry, worker);
    }
    this.#dispatchAll();
    this.#releaseAll();
  }

  asked(worker: WorkerId, question: StateQuestion): void {
    const runner = this.#tasks.get(question.taskName);
    void answerQuestion(runner, worker, question, this.#storeBroke).then((answer) =>
      this.#application.answerState(worker, question.requestId, answer),
    );
  }

  credited(worker: WorkerId, batches: number, bytes: number): void {
    this.workers.credit(worker, batches, bytes);
    this.#dispatchAll();
  }

  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    this.#parts.telemetry.fetched(chunk, facts);
    this.#tasks.fetched(chunk, facts);
  }

  /** A fetch brought nothing for the partition. */
  empty(at: TopicPartition, fence: number, position: number, facts: FetchFacts): void {
    const runner = this.#tasks.forPartition(at);
    if (runner?.epoch === fence) runner.empty(at.topic, position, facts);
  }

  readFailed(at: TopicPartition, fence: number, error: OutriggerError): void {
    const runner = this.#tasks.forPartition(at);
    if (runner?.epoch !== fence) return;
    if (!this.#purge.isOutrun(runner, at, error)) {
      this.#parts.fatal(error);
      return;
    }
    void this.#group.refresh().then(() => {
      if (!this.#tasks.holds(runner) || this.#draining) return;
      this.#takeOverAgain(runner);
      this.#lane?.lost([runner]);
    });
  }

  // --- stopping

  async stop(timeoutMs: number): Promise<void> {
    this.#draining = true;
    for (const runner of this.#tasks.all()) {
      this.#tasks.stopFetching(runner);
      runner.endDispatch();
    }
    const isIdle = (): boolean => this.#tasks.all().every((runner) => runner.isIdle);
    // No answer is outstanding then.
    await until(this.#parts.clock, timeoutMs, isIdle, (look) => (this.#onSettled = look));
    for (const runner of this.#tasks.all()) runner.abandonUnfinished();
    // A broker that is away must not keep us: what it did not commit is redelivered.
    await within(this.#parts.clock, timeoutMs, this.#lane?.idle());
    this.#stopped = true;
    this.#cancelOverdue?.();
    this.#purge.stop();
    this.#quiet.stop();
    this.#tasks.dropAll();
    await this.#tasks.closed();
    await this.#group.leave();
    this.#group.close();
    await this.#parts.directory.forgetMember();
    await this.#lane?.close();
    const { aborts: _, ...counters } = this.counters;
    this.#parts.log.info("stopped", counters);
  }

  // --- wiring

  #makeGroup(): GroupLoop {
    const { group, clock, newMemberId, log, fatal } = this.#parts;
    const member = { memberId: newMemberId(), subscription: subscriptionOf(this.#programs) };
    return new GroupLoop(
      group,
      member,
      {
        assigned: (partitions) => {
          const grown = grownUnderState(partitions, this.#programs, this.#prepared);
          if (grown !== null) return fatal(grown);
          this.#tasks.assign(partitions);
          this.#tellReadiness();
        },
        topicsChanged: (found) => this.#parts.topicsChanged?.(found),
        tornApart: () => this.#parts.tornApart?.(),
        revoked: (partitions) => this.#revoked(partitions),
        lost: (_, error) => {
          log.warn("membership lost: every task is dropped", { error: error.message });
          this.#lane?.lost(this.#tasks.dropAll());
        },
        failed: fatal,
        unreachable: (error) => {
          log.warn("no heartbeat", { error: error.message });
          this.#tellReadiness();
        },
        reachable: () => this.#tellReadiness(),
      },
      clock,
      { rebalanceTimeoutMs: this.#limits.rebalanceTimeoutMs },
    );
  }

  #makeTasks(): TaskSet {
    const { directory, consumer, offsets, clock, log } = this.#parts;
    const { applicationId, autoOffsetReset, task } = this.#limits;
    const takeover = {
      offsets,
      clock,
      changelogs: this.#prepared.changelogs,
      autoOffsetReset,
      groupId: applicationId,
      acceptsForeign: this.#limits.expected.accepted.includes("changelog.foreign.writer"),
      acceptsStreams: this.#limits.expected.accepted.includes("offsets.kafka.streams"),
      onForeign: (error: OutriggerError) => log.warn(error.message, { code: error.code }),
    };
    const programs = this.#programs;
    const { messageBytesMax, hookPartitions } = this.#prepared;
    const limits = { ...task, messageBytesMax, hookPartitions };
    return new TaskSet({ programs, directory, consumer, takeover, limits, log }, this.#taskHost(), {
      opened: (runner) => {
        this.#tellReadiness();
        if (this.#draining) runner.endDispatch();
        if (runner.phase === "claiming") this.#lane?.consider();
        else runner.pump();
      },
      failed: this.#parts.fatal,
    });
  }

  #taskHost(): TaskHost {
    const { clock, log, consumer, telemetry } = this.#parts;
    const say = failureLog(log);
    return {
      telemetry,
      clock,
      uncommitted: { bytes: 0 },
      policies: () => this.#policies,
      queued: (runner) => this.#dispatch(runner),
      staged: () => this.#lane?.consider(),
      nowMs: () => clock.nowMs(),
      throttled: (runner, source, full) => {
        const at = runner.partitions[source];
        if (at !== undefined) full ? consumer.pause(at) : consumer.resume(at);
      },
      idling: (runner, delayMs) => clock.after(delayMs, () => runner.pump()),
      retrying: (runner, delayMs, error) => {
        say.retrying(runner, delayMs, error);
        clock.after(delayMs, () => runner.resume());
      },
      suspected: say.suspected,
      gaveUp: say.gaveUp,
      released: say.released,
      commands: (runner, what) => this.#lane?.lost(this.#tasks.commands(runner, what)),
      stopped: (runner, error) => {
        this.#tasks.stopFetching(runner);
        telemetry.taskFailed(error.code);
        say.stopped(runner, error);
        this.#tellReadiness();
      },
      broken: this.#storeBroke,
      idle: () => this.#releaseAll(),
    };
  }

  #laneHost(): ConstructorParameters<typeof Lane>[1] {
    const { consumer, log, telemetry } = this.#parts;
    return {
      due: () => this.#tasks.all().filter((runner) => isDue(runner)),
      opening: () => !this.#tasks.settled,
      urgent: () => this.#draining || this.#tasks.all().some((runner) => isWaitedFor(runner)),
      awaited: () => this.#tasks.all().some(({ ledger }) => ledger.unfinished > 0),
      holds: (runner) => this.#tasks.holds(runner),
      membership: () => this.#group.membership,
      refreshMembership: () => this.#group.refresh(),
      telemetry,
      committed: (cut, durationMs) => this.#committed(cut, durationMs),
      broken: this.#storeBroke,
      aborted: (cause, refusal) => {
        telemetry.aborted(cause);
        this.counters.aborts[cause] = (this.counters.aborts[cause] ?? 0) + 1;
        log.warn("a transaction was aborted; its cut is committed again", { cause, refusal });
        this.#releaseAll();
      },
      takeOverAll: () => {
        telemetry.unresolved();
        log.warn("a commit's outcome is unknown: every task is taken over again");
        for (const runner of this.#tasks.all()) this.#takeOverAgain(runner);
      },
      explained: () => this.#dispatchAll(),
      replaceProducer: async () => {
        const processId = await this.#parts.directory.renewProcessId();
        log.error("another process uses our transactional id; taking a new one", { processId });
        return await this.#makeProducer();
      },
      failed: (error) => this.#parts.fatal(error),
      gather: (...when) => consumer.gather(...when),
      entered: this.#parts.commitEntered,
    };
  }

  async #makeProducer(): Promise<ReturnType<KernelParts["createProducer"]>> {
    const { createProducer, directory } = this.#parts;
    const producer = createProducer(`${this.#limits.applicationId}-${directory.processId}-0`);
    await producer.prepare(this.#prepared.outputs, AbortSignal.timeout(PREPARE_TIMEOUT_MS));
    return producer;
  }

  // --- dispatch

  #dispatchAll(): void {
    for (const runner of hooksFirst(this.#tasks.all())) this.#dispatch(runner);
  }

  #dispatch(runner: TaskRunner): void {
    if (this.#draining || this.#lane?.awaitsHeartbeat === true) return;
    dispatchQueued(runner, this.workers, this.#application, {
      nowMs: this.#now(),
      processingTimeoutMs: this.#limits.processingTimeoutMs,
    });
  }

  #checkOverdue(): void {
    this.#cancelOverdue = this.#parts.clock.after(OVERDUE_CHECK_MS, () => {
      const { processingTimeoutMs } = this.#limits;
      for (const worker of this.workers.overdue(this.#now(), processingTimeoutMs)) {
        const error = overdueError(worker, processingTimeoutMs);
        this.#parts.log.error(error.message, { worker });
        this.#application.reject(worker, error);
        this.workerGone(worker, "processing_timeout");
      }
      this.#tasks.pump();
      this.#checkOverdue();
    });
  }

  // --- letting go

  #revoked(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const runner = this.#tasks.forPartition(at);
      if (runner === undefined) {
        this.#tasks.cancel(at);
        this.#group.released(at);
        continue;
      }
      this.#tasks.stopFetching(runner);
      runner.endDispatch();
      this.#parts.clock.after(this.#limits.revokeTimeoutMs, () => {
        if (!this.#tasks.holds(runner)) return;
        runner.abandonUnfinished();
        this.#releaseAll();
      });
    }
    this.#lane?.consider();
    this.#releaseAll();
  }

  /** a partition is let go when nothing of it is in flight, staged, or in an open cut. */
  #releaseAll(): void {
    this.#onSettled?.();
    if (this.#draining || this.#stopped) return;
    for (const runner of this.#tasks.all()) {
      if (runner.phase !== "ending" || !runner.isIdle) continue;
      runner.abandonUnfinished();
      if (runner.hasFinal || this.#lane?.holds(runner) === true) continue;
      this.#letGo(runner);
    }
  }

  #letGo(runner: TaskRunner): void {
    for (const worker of this.workers.serving(runner.name)) {
      this.#application.revoke(worker, runner.name, runner.epoch);
    }
    this.workers.forgetTask(runner.name);
    this.#tasks.drop(runner);
    taskLog(this.#parts.log, runner).info("task let go");
    for (const at of runner.partitions) this.#group.released(at);
  }

  /**
   * what an unknown cut did is found out by a takeover of every task. One that was revoked
   * meanwhile is the next owner's to find out; one that is being taken over is doing so already.
   */
  #takeOverAgain(runner: TaskRunner): void {
    if (runner.phase === "ending" && !this.#draining) {
      this.#letGo(runner);
      return;
    }
    this.#tasks.drop(runner);
    this.#tasks.open(runner.id);
  }

  /** What is staged cannot be built on; the mark on the disk tells whoever opens it next. */
  readonly #storeBroke = (runner: TaskRunner, thrown: unknown): void => {
    // It was dropped meanwhile, and reads what is closed.
    if (!this.#tasks.holds(runner)) return;
    const fatal = this.#tasks.damaged(runner, thrown);
    if (fatal === null) this.#takeOverAgain(runner);
    else this.#tasks.drop(runner);
    this.#lane?.lost([runner]);
    if (fatal !== null) this.#parts.fatal(fatal);
    this.#tellReadiness();
    this.#releaseAll();
  };

  #committed(cut: Cut, durationMs: number): void {
    const before = { ...this.counters };
    this.counters.commits += 1;
    const { telemetry, log, clock } = this.#parts;
    for (const task of cut.tasks) {
      countTask(this.counters, task, telemetry, clock.wallMs());
      settleTask(task);
    }
    this.#tasks.pump();
    telemetry.committed(durationMs, cut.records.byTopic(), settledSince(before, this.counters));
    log.debug("committed", { tasks: cut.tasks.length, durationMs });
    this.#releaseAll();
  }

  /** What is asked for from outside: health, gauges. */
  status(): Omit<Status, "phase"> {
    return {
      workers: this.workers.size,
      joined: this.#group.membership.memberEpoch > 0,
      unreachable: this.#group.unreachable,
      tasks: this.#tasks.statuses(),
      ...(this.#lane?.trouble ?? { abortsInARow: 0, refusal: "" }),
    };
  }

  insides = (): Insides => ({ tasks: this.#tasks, lane: this.#lane, group: this.#group });

  #tellReadiness(): void {
    const phase = this.#draining ? "stopping" : "active";
    const reasons = unreadyReasons({ phase, ...this.status() }, this.#now());
    this.#application.setServing(reasons.length === 0);
  }

  #now(): number {
    return this.#parts.clock.nowMs();
  }
}
