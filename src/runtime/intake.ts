import { invariant } from "../errors/invariant.ts";
import type { Program } from "../model/topology.ts";
import type { FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { Failures } from "./failures.ts";
import { Idling } from "./idling.ts";
import { InputQueue, type Taken } from "./input-queue.ts";
import { Pace } from "./pace.ts";
import type { RunnerLimits } from "./task-host.ts";
import type { TaskRunner } from "./task-runner.ts";

/** The input of one task, and how much of it the next batch takes. */
export class Intake {
  readonly #queue: InputQueue;
  readonly #idling: Idling;
  readonly #limits: RunnerLimits;
  readonly #runner: TaskRunner;
  /** By source: what the last fetch said of the log. */
  readonly facts = new Map<string, FetchFacts>();
  #isFull = false;
  /** By source. */
  readonly #isPaused: boolean[];
  /** Rows that the next batch may hold, where what was taken did not fit. */
  #rowsMax = Number.POSITIVE_INFINITY;
  readonly #pace: Pace;
  #wakesAtMs = Number.NEGATIVE_INFINITY;
  /** The source that the next batch is of, where that is known. */
  #tried: number | null = null;

  constructor(runner: TaskRunner) {
    const { program, id, limits } = runner;
    // What is due goes before all else, and is not waited for.
    const firsts = program.sources.map((topic) => isOfTimers(program, topic));
    // Without state no record of one source sees what another has left; -1 says that it may be anything.
    const isByRecord = program.stores.length > 0 && limits.maxTaskIdleMs >= 0;
    this.#queue = new InputQueue(firsts, id.partition, isByRecord);
    this.#idling = new Idling(firsts, limits.maxTaskIdleMs);
    this.#runner = runner;
    this.#limits = limits;
    this.#isPaused = program.sources.map(() => false);
    this.#pace = new Pace(limits.batchRecordsMax);
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  push(chunk: FetchedChunk, facts: FetchFacts): void {
    const source = this.#fetched(chunk.topic, chunk.nextOffset, facts);
    this.#queue.push(source, chunk);
    this.#throttle();
  }

  /** A fetch brought nothing for a source. Whether rows that are here may have waited for that. */
  empty(topic: string, position: number, facts: FetchFacts): boolean {
    this.#fetched(topic, position, facts);
    return this.#idling.waits;
  }

  #fetched(topic: string, position: number, facts: FetchFacts): number {
    const source = this.#runner.program.sources.indexOf(topic);
    invariant(source >= 0, `${topic} is no source of task ${this.#runner.name}`);
    this.facts.set(topic, facts);
    this.#idling.fetched(source, position, facts.lastStableOffset);
    return source;
  }

  rowsMax(failures: Failures): number {
    return Math.min(this.#rowsMax, this.#pace.rows, failures.rowsMax);
  }

  take(failures: Failures): Taken | null {
    const { batchBytesMax } = this.#limits;
    const isReady = !this.#idling.waits || this.#isReady();
    const tried = this.#tried ?? failures.source;
    const rowsMax = this.rowsMax(failures);
    const taken = this.#queue.take(rowsMax, batchBytesMax, failures.trial, tried, isReady);
    this.#throttle();
    return taken;
  }

  #isReady(): boolean {
    const nowMs = this.#runner.host.nowMs();
    const waitMs = this.#idling.waitMs(this.#queue, nowMs);
    if (waitMs <= 0) return true;
    // Until a fetch; else one timer at a time, for deadlines only move on.
    if (!Number.isFinite(waitMs) || this.#queue.bytes === 0) return false;
    if (this.#wakesAtMs > nowMs) return false;
    // A timer may fire a little early.
    this.#wakesAtMs = nowMs + waitMs;
    this.#runner.host.idling(this.#runner, waitMs + 1);
    return false;
  }

  /** The next batch holds so many rows, at least one, and is of the same source. */
  bind(rowsMax: number, { input }: Taken): void {
    this.#rowsMax = Math.max(1, rowsMax);
    this.#tried = input.source;
  }

  /** That batch is final. */
  unbind(taken: Taken): void {
    if (taken.input.from === taken.input.to) return;
    this.#rowsMax = Number.POSITIVE_INFINITY;
    this.#tried = null;
  }

  /** A batch of so many rows was answered. */
  answered(rows: number, tookMs: number): void {
    this.#pace.answered(rows, tookMs);
  }

  /** Half the rows, so that a few steps find a batch that fits. */
  halve(taken: Taken): void {
    this.bind(Math.floor((taken.input.to - taken.input.from) / 2), taken);
  }

  /** What had been parked is in its store still, and is read there again. */
  putBack(taken: readonly Taken[]): void {
    this.#queue.putBack(taken.filter(({ released }) => released === undefined));
    this.#throttle();
  }

  clear(): void {
    this.#queue.clear();
  }

  /** A source that is empty here is never paused: the others may wait for its next record. */
  #throttle(): void {
    const { inputBytesMax } = this.#limits;
    const { bytes } = this.#queue;
    this.#isFull = this.#isFull ? bytes > inputBytesMax / 2 : bytes >= inputBytesMax;
    for (let source = 0; source < this.#isPaused.length; source++) {
      const isFull = this.#isFull && !this.#queue.isEmpty(source);
      if (isFull === this.#isPaused[source]) continue;
      this.#isPaused[source] = isFull;
      this.#runner.host.throttled(this.#runner, source, isFull);
    }
  }
}

function isOfTimers({ timers = [] }: Program, topic: string): boolean {
  return timers.some((node) => node.topic === topic);
}
