import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { type TaskId, taskIdName } from "../model/task-id.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Program, Programs } from "../model/topology.ts";
import type { Consumer, FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { Log } from "../ports/log.ts";
import type { TaskStatus } from "../ports/status.ts";
import type { StateDirectory, TaskState } from "../ports/store.ts";
import { Healing } from "./healing.ts";
import { limitsOf } from "./hooks.ts";
import { storeFailure } from "./store-failure.ts";
import {
  type TakenOver,
  type TakeoverDependencies,
  type TakeoverHost,
  takeOver,
} from "./takeover.ts";
import type { RunnerLimits, TaskHost } from "./task-host.ts";
import { type TaskLog, taskLog } from "./task-log.ts";
import { TaskRunner } from "./task-runner.ts";
import { statusOf } from "./task-status.ts";

export interface TaskSetHost {
  /** A takeover is done: the runner is claiming or running. */
  readonly opened: (runner: TaskRunner) => void;
  readonly failed: (error: OutriggerError) => void;
}

/** A task that is being taken over, until it has a runner. */
interface Opening {
  readonly id: TaskId;
  readonly epoch: number;
  readonly abort: AbortController;
  restoring: { readonly store: string; readonly remaining: number } | null;
}

/**
 * The tasks of this process: taking over, running, being let go. A task has one state handle at a
 * time; a new takeover waits until the last one is closed.
 */
export class TaskSet {
  readonly #runners = new Map<string, TaskRunner>();
  readonly #opening = new Map<string, Opening>();
  readonly #closing = new Map<string, Promise<void>>();
  /** The last takeover of each task, however it ended: the next one waits for it. */
  readonly #takeovers = new Map<string, Promise<void>>();
  readonly #healing = new Healing();
  #nextEpoch = 1;
  readonly #programs: Programs;
  readonly #directory: StateDirectory;
  readonly #consumer: Consumer;
  readonly #takeover: TakeoverDependencies;
  readonly #limits: RunnerLimits;
  readonly #taskHost: TaskHost;
  readonly #host: TaskSetHost;
  readonly #log: Log;

  constructor(
    parts: {
      readonly programs: Programs;
      readonly directory: StateDirectory;
      readonly consumer: Consumer;
      readonly takeover: TakeoverDependencies;
      readonly limits: RunnerLimits;
      readonly log: Log;
    },
    taskHost: TaskHost,
    host: TaskSetHost,
  ) {
    this.#programs = parts.programs;
    this.#directory = parts.directory;
    this.#consumer = parts.consumer;
    this.#takeover = parts.takeover;
    this.#limits = parts.limits;
    this.#log = parts.log;
    this.#taskHost = taskHost;
    this.#host = host;
  }

  all(): TaskRunner[] {
    return [...this.#runners.values()];
  }

  get(taskName: string): TaskRunner | undefined {
    return this.#runners.get(taskName);
  }

  /** Whether every task of ours is past its takeover. */
  get settled(): boolean {
    return this.#opening.size === 0;
  }

  /** Whether this very runner, with its epoch, is still held. */
  holds(runner: TaskRunner): boolean {
    return runner.phase !== "closed" && this.#runners.get(runner.name) === runner;
  }

  forPartition(at: TopicPartition): TaskRunner | undefined {
    return this.#runners.get(taskIdName(this.#idOf(at)));
  }

  /** There may be room again, of the bytes that all share. */
  pump(): void {
    for (const runner of this.#runners.values()) runner.pump();
  }

  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    const runner = this.forPartition(chunk);
    // A fetch of an older epoch was under way when the task was taken over again.
    if (runner !== undefined && runner.epoch === chunk.fence) runner.fetched(chunk, facts);
  }

  statuses(): TaskStatus[] {
    const opening = [...this.#opening].map(([name, { id, epoch, restoring }]): TaskStatus => {
      const nothing = {
        uncommittedBytes: 0,
        inputBytes: 0,
        batchesInFlight: 0,
        parkedRecords: 0,
        heldBack: [],
      };
      const phase = "restoring";
      const { partition } = id;
      return { name, partition, epoch, phase, restoring, ...nothing, lags: [], error: null };
    });
    return [...opening, ...this.all().map((runner) => statusOf(runner))];
  }

  assign(partitions: readonly TopicPartition[]): void {
    const ids = new Map(partitions.map((at) => [taskIdName(this.#idOf(at)), this.#idOf(at)]));
    for (const [name, id] of ids) {
      if (!this.#runners.has(name) && !this.#opening.has(name)) this.open(id);
    }
  }

  /** Takes a task over under a new epoch. */
  open(id: TaskId): void {
    const name = taskIdName(id);
    const abort = new AbortController();
    const opening: Opening = { id, epoch: this.#nextEpoch++, abort, restoring: null };
    this.#opening.set(name, opening);
    // A takeover that was cancelled may still be opening its store, which has one owner at a time.
    const before = this.#takeovers.get(name) ?? Promise.resolve();
    const takeover = before
      .then(() => this.#takeOver(id, name, opening))
      .catch((thrown: unknown) => {
        if (opening.abort.signal.aborted) return;
        const error = this.damaged({ name, epoch: opening.epoch, id, traceIds: null }, thrown);
        if (error !== null) this.#host.failed(error);
        else this.open(id);
      });
    this.#takeovers.set(name, takeover);
  }

  /**
   * A store broke. Returns what is to stop the process; null where the task is to be taken over
   * anew, which empties the damaged store and restores it: said loudly, and done once in a while.
   */
  damaged(task: Parameters<typeof taskLog>[1], thrown: unknown): OutriggerError | null {
    const error = storeFailure(thrown);
    const fatal = this.#healing.judge(task.name, error, this.#takeover.clock.nowMs());
    if (fatal !== null) return fatal;
    const text = "local state is damaged: the task is taken over anew and its state restored";
    taskLog(this.#log, task).error(text, { code: error.code, error: error.message });
    return null;
  }

  /** A revocation came before the takeover was done: nothing to commit. */
  cancel(at: TopicPartition): boolean {
    const name = taskIdName(this.#idOf(at));
    const opening = this.#opening.get(name);
    opening?.abort.abort();
    this.#opening.delete(name);
    return opening !== undefined;
  }

  stopFetching(runner: TaskRunner): void {
    for (const at of runner.partitions) this.#consumer.stop(at);
  }

  /** Where commands to the task's parked records come from. */
  #controlOf({ parking, id }: TaskRunner): TopicPartition | null {
    return parking && { topic: parking.control, partition: id.partition };
  }

  /** Commands came to a task that had stopped, or are many. Returns what was dropped, as `reopenStopped`. */
  commands(runner: TaskRunner, what: "came" | "full" | "room"): TaskRunner[] {
    const at = this.#controlOf(runner);
    if (at === null) return [];
    if (what === "full") this.#consumer.pause(at);
    else if (what === "room") this.#consumer.resume(at);
    else if (this.holds(runner)) {
      this.#reopen(runner);
      return [runner];
    }
    return [];
  }

  /** Lets a runner go at once: what is staged is dropped, the store keeps what was committed. */
  drop(runner: TaskRunner): void {
    this.stopFetching(runner);
    const control = this.#controlOf(runner);
    if (control !== null) this.#consumer.stop(control);
    runner.close();
    this.#runners.delete(runner.name);
    this.#close(runner.name, runner.state);
  }

  /**
   * Tasks that stopped at a record are taken over again: the application that has come may be a
   * mended one. What they had staged is done again. Returns what was dropped: a cut that is open
   * with one of them must not commit, for the takeover may read the offset from before it.
   */
  reopenStopped(): TaskRunner[] {
    const stopped = this.all().filter(({ phase }) => phase === "stopped");
    for (const runner of stopped) this.#reopen(runner);
    return stopped;
  }

  #reopen(runner: TaskRunner): void {
    this.drop(runner);
    this.open(runner.id);
  }

  /** Lets everything go, as after a lost membership or an unknown outcome. */
  dropAll(): TaskRunner[] {
    const runners = this.all();
    for (const runner of runners) this.drop(runner);
    for (const opening of this.#opening.values()) opening.abort.abort();
    this.#opening.clear();
    return runners;
  }

  async closed(): Promise<void> {
    await Promise.all(this.#takeovers.values());
    await Promise.all(this.#closing.values());
  }

  #idOf(at: TopicPartition): TaskId {
    return { subtopology: this.#reading(at.topic).subtopology, partition: at.partition };
  }

  /** Whose tasks read the topic, or take commands from it. */
  #reading(topic: string): Program {
    const isRead = ({ sources, parking }: Program): boolean =>
      sources.includes(topic) || parking?.controlTopic === topic;
    return this.#programs.find(isRead) ?? this.#programs[0];
  }

  #programOf({ subtopology }: TaskId): Program {
    return this.#programs.find((each) => each.subtopology === subtopology) ?? this.#programs[0];
  }

  async #takeOver(id: TaskId, name: string, opening: Opening): Promise<void> {
    const { signal } = opening.abort;
    await this.#closing.get(name);
    if (signal.aborted) return;
    const program = this.#programOf(id);
    const state = await this.#directory.openTask(name, program.stores);
    const { epoch } = opening;
    const trace = this.#taskHost.telemetry.takeover({ name, epoch });
    const ids = trace?.ids ?? null;
    const log = taskLog(this.#log, { name, epoch, id, traceIds: ids });
    let found: TakenOver;
    try {
      const parts = { ...this.#takeover, ...takeoverHost(opening, log), trace };
      found = await takeOver(program, id.partition, state, parts, signal);
    } catch (error: unknown) {
      trace?.ended(error instanceof OutriggerError ? error.code : asError(error).name);
      this.#close(name, state);
      throw error;
    }
    trace?.ended(signal.aborted ? "revoked" : null);
    if (signal.aborted) {
      this.#close(name, state);
      return;
    }
    this.#opening.delete(name);
    const limits = limitsOf(program, this.#limits);
    const runner = new TaskRunner(program, id, epoch, state, limits, this.#taskHost, {
      ...found,
      traceIds: ids,
    });
    if (!found.isNew) runner.phase = "running";
    this.#runners.set(name, runner);
    for (const at of runner.partitions) {
      const from = found.positions.get(topicPartitionName(at));
      if (from !== undefined) this.#consumer.start(at, { ...from, fence: epoch });
    }
    const control = this.#controlOf(runner);
    const from = { offset: found.parking?.from ?? 0, leaderEpoch: -1, fence: epoch };
    if (control !== null) this.#consumer.start(control, from);
    log.info(found.isNew ? "task created" : "task taken over");
    this.#host.opened(runner);
  }

  #close(name: string, state: TaskState): void {
    state.drop();
    const closing: Promise<void> = state.close().then(
      () => this.#closed(name, closing),
      (error: unknown) => {
        this.#closed(name, closing);
        this.#log.error("closing a store failed", { task: name, error: asError(error).message });
      },
    );
    this.#closing.set(name, closing);
  }

  #closed(name: string, closing: Promise<void>): void {
    if (this.#closing.get(name) === closing) this.#closing.delete(name);
  }
}

/** What a takeover tells: to the log, and to whoever asks how far it is. */
function takeoverHost(opening: Opening, log: TaskLog): Omit<TakeoverHost, "trace"> {
  return {
    onWipe: (store, reason) => {
      log.warn("local state is not to be trusted: wiped, restoring", { store, reason });
    },
    onCutOff: (store, logStart) => {
      const text = "the changelog was cut: what was last written before its start is not restored";
      log.warn(text, { store, logStart });
    },
    onProgress: (store, remaining) => {
      const isBegun = opening.restoring?.store !== store;
      if (isBegun && remaining > 0) log.info("restoring a store", { store, remaining });
      opening.restoring = { store, remaining };
    },
    onRestored: (store, records) => log.info("store restored", { store, records }),
  };
}
