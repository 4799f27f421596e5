import type { BatchName, WorkerId } from "../ports/application.ts";

/** What a worker holds and may take. */
interface Worker {
  readonly id: WorkerId;
  creditBatches: number;
  creditBytes: number;
  bytesInFlight: number;
  /**
   * When it had nothing left to do before the oldest batch that it holds. Answers to younger ones prove
   * nothing: it may work on several tasks at once, and hang in one.
   */
  oldestSinceMs: number;
  /** Bytes of each batch that it holds, oldest first. */
  readonly batches: Map<string, number>;
  /** Which of them are of hooks. */
  readonly hookBatches: Set<string>;
  /** A task whose next batch must be alone with the worker: it gets nothing else until then. */
  keptFor: string | null;
}

/** The connected workers: credit, and which task is served by which (a task by one at a time). */
export class Workers {
  readonly #workers = new Map<WorkerId, Worker>();
  readonly #served = new Map<string, WorkerId>();
  /** A worker came, or a task went: some may have two tasks more than others. */
  #isUneven = false;

  get size(): number {
    return this.#workers.size;
  }

  all(): WorkerId[] {
    return [...this.#workers.keys()];
  }

  add(id: WorkerId, creditBatches: number, creditBytes: number): void {
    const batches = new Map<string, number>();
    const hookBatches = new Set<string>();
    const idle = { bytesInFlight: 0, oldestSinceMs: 0, batches, hookBatches, keptFor: null };
    this.#workers.set(id, { id, creditBatches, creditBytes, ...idle });
    this.#isUneven = true;
  }

  remove(id: WorkerId): void {
    this.#workers.delete(id);
    for (const [task, worker] of this.#served) if (worker === id) this.#served.delete(task);
  }

  has(id: WorkerId): boolean {
    return this.#workers.has(id);
  }

  credit(id: WorkerId, batches: number, bytes: number): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    this.#isUneven ||= worker.creditBatches === 0;
    worker.creditBatches = batches;
    worker.creditBytes = bytes;
  }

  /** Takes no batches: it is stopping, or asked for a pause. */
  isPaused(id: WorkerId): boolean {
    return this.#workers.get(id)?.creditBatches === 0;
  }

  /**
   * The worker of a task, if it has credit. Sticky, so that a key is with one worker at a time; a
   * new task goes to the worker that serves the fewest, and so does one of a worker that serves two
   * more, as soon as nothing of it is in flight. `isAlone` waits until the worker holds
   * nothing, and keeps it from getting anything else until that batch is returned. Hooks get half of the
   * credit, and one batch where that is nothing: what waits for a slow world keeps no record waiting.
   */
  forTask(taskName: string, isAlone = false, isHook = false): WorkerId | null {
    const id = this.#served.get(taskName) ?? this.#leastLoaded();
    let worker = id === null ? undefined : this.#workers.get(id);
    if (this.#isUneven && worker !== undefined) worker = this.#evenedOut(taskName, worker);
    if (worker === undefined) return null;
    this.#served.set(taskName, worker.id);
    if (worker.keptFor !== null && worker.keptFor !== taskName) return null;
    worker.keptFor = isAlone && worker.creditBatches > 0 ? taskName : null;
    if (isAlone && worker.batches.size > 0) return null;
    const hasBytes = worker.bytesInFlight < worker.creditBytes || worker.batches.size === 0;
    const hooksMax = Math.max(1, Math.floor(worker.creditBatches / 2));
    if (isHook && worker.hookBatches.size >= hooksMax) return null;
    return worker.batches.size < worker.creditBatches && hasBytes ? worker.id : null;
  }

  dispatched(id: WorkerId, batch: BatchName, bytes: number, nowMs: number, isHook = false): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    if (worker.batches.size === 0) worker.oldestSinceMs = nowMs;
    worker.batches.set(batchKey(batch), bytes);
    if (isHook) worker.hookBatches.add(batchKey(batch));
    worker.bytesInFlight += bytes;
  }

  /** The worker no longer holds the batch: false when it never did. */
  returned(id: WorkerId, batch: BatchName, nowMs: number): boolean {
    const worker = this.#workers.get(id);
    const key = batchKey(batch);
    const bytes = worker?.batches.get(key);
    if (worker === undefined || bytes === undefined) return false;
    const [oldest] = worker.batches.keys();
    if (oldest === key) worker.oldestSinceMs = nowMs;
    worker.batches.delete(key);
    worker.hookBatches.delete(key);
    worker.bytesInFlight -= bytes;
    if (worker.keptFor === batch.taskName) worker.keptFor = null;
    return true;
  }

  /** Who serves the task; nobody, or one. */
  serving(taskName: string): WorkerId[] {
    const id = this.#served.get(taskName);
    return id === undefined ? [] : [id];
  }

  /** A task ended: another may be served better elsewhere. */
  forgetTask(taskName: string): void {
    this.#served.delete(taskName);
    this.#isUneven = true;
    for (const worker of this.#workers.values()) {
      if (worker.keptFor === taskName) worker.keptFor = null;
    }
  }

  /** Workers that have worked on the oldest of their batches for `processing.timeout.ms`. */
  overdue(nowMs: number, timeoutMs: number): WorkerId[] {
    const late: WorkerId[] = [];
    for (const { id, batches, oldestSinceMs } of this.#workers.values()) {
      if (batches.size > 0 && nowMs - oldestSinceMs >= timeoutMs) late.push(id);
    }
    return late;
  }

  /**
   * The task's worker, or one that serves two fewer; undefined while what the task has in flight must
   * come back first. Below a difference of two, moving a task evens out nothing.
   */
  #evenedOut(taskName: string, worker: Worker): Worker | undefined {
    const load = this.#load();
    const loads = [...load.values()];
    this.#isUneven = Math.max(...loads) - Math.min(...loads) > 1;
    const best = leastOf(load);
    const [own, least] = [load.get(worker.id), best === null ? undefined : load.get(best)];
    if (best === null || own === undefined || least === undefined || own - least < 2) return worker;
    const prefix = `${taskName}/`;
    for (const batch of worker.batches.keys()) if (batch.startsWith(prefix)) return undefined;
    if (worker.keptFor === taskName) worker.keptFor = null;
    return this.#workers.get(best);
  }

  #leastLoaded(): WorkerId | null {
    return leastOf(this.#load());
  }

  /** Tasks by worker, of workers that take batches. */
  #load(): Map<WorkerId, number> {
    const load = new Map<WorkerId, number>();
    for (const { id, creditBatches } of this.#workers.values()) {
      if (creditBatches > 0) load.set(id, 0);
    }
    for (const id of this.#served.values()) {
      const tasks = load.get(id);
      if (tasks !== undefined) load.set(id, tasks + 1);
    }
    return load;
  }
}

function leastOf(load: ReadonlyMap<WorkerId, number>): WorkerId | null {
  let best: WorkerId | null = null;
  for (const [id, tasks] of load) {
    if (best === null || tasks < (load.get(best) ?? 0)) best = id;
  }
  return best;
}

function batchKey({ taskName, taskEpoch, dispatchId }: BatchName): string {
  return `${taskName}/${taskEpoch}/${dispatchId}`;
}
