import { invariant } from "../errors/invariant.ts";

/**
 * The dispatch order of one task. Every batch is queued for a stage, in flight with a worker,
 * on its way to its next stage, or final; the cut takes the contiguous final prefix, and nothing else.
 *
 *   walking ──arrived at a stage──▶ queued ──dispatch──▶ inFlight ──answered──▶ walking
 *   walking ──no stage left──▶ final ──taken──▶ (gone)
 *   inFlight ──requeue (worker died, handed back)──▶ queued
 */
export interface LedgerEntry<T> {
  readonly item: T;
  state: "queued" | "inFlight" | "walking" | "final";
  /** Of the last dispatch; an answer must name it. 0 while never dispatched to its stage. */
  dispatchId: number;
  worker: number;
  dispatchedAtMs: number;
  bytes: number;
  /** Whether its worker held nothing else when it was sent, and gets nothing before it answers. */
  isAlone: boolean;
}

export class Ledger<T> {
  #entries: LedgerEntry<T>[] = [];
  #nextDispatchId = 1;

  get size(): number {
    return this.#entries.length;
  }

  /** All, in order. */
  get entries(): readonly LedgerEntry<T>[] {
    return this.#entries;
  }

  /** Batches without a final outcome. */
  get unfinished(): number {
    let count = 0;
    for (const entry of this.#entries) if (entry.state !== "final") count++;
    return count;
  }

  last(): LedgerEntry<T> | null {
    return this.#entries.at(-1) ?? null;
  }

  /** The contiguous final prefix, left in place. */
  finalPrefix(): readonly LedgerEntry<T>[] {
    const end = this.#entries.findIndex((entry) => entry.state !== "final");
    return end < 0 ? this.#entries : this.#entries.slice(0, end);
  }

  add(item: T): LedgerEntry<T> {
    const entry: LedgerEntry<T> = {
      item,
      state: "walking",
      dispatchId: 0,
      worker: -1,
      dispatchedAtMs: 0,
      bytes: 0,
      isAlone: false,
    };
    this.#entries.push(entry);
    return entry;
  }

  /** The first queued batch. One behind it may be with a worker already: the cut keeps the order. */
  nextQueued(): LedgerEntry<T> | null {
    return this.#entries.find((entry) => entry.state === "queued") ?? null;
  }

  has(entry: LedgerEntry<T>): boolean {
    return this.#entries.includes(entry);
  }

  /** The last batch before `entry` that is not final: of all, where there is no entry yet. */
  elderOf(entry: LedgerEntry<T> | null): LedgerEntry<T> | null {
    let at = entry === null ? this.#entries.length : this.#entries.indexOf(entry);
    while (--at >= 0) {
      const elder = this.#entries[at];
      if (elder !== undefined && elder.state !== "final") return elder;
    }
    return null;
  }

  /** Those on their way, in order. */
  walking(): readonly LedgerEntry<T>[] {
    return this.#entries.filter((entry) => entry.state === "walking");
  }

  inFlight(): readonly LedgerEntry<T>[] {
    return this.#entries.filter((entry) => entry.state === "inFlight");
  }

  /** A dispatch id is never used twice, so a late answer to an earlier try can be told. */
  dispatch(entry: LedgerEntry<T>, worker: number, nowMs: number): number {
    invariant(entry.state === "queued", `a batch was dispatched while ${entry.state}`);
    entry.state = "inFlight";
    entry.dispatchId = this.#nextDispatchId++;
    entry.worker = worker;
    entry.dispatchedAtMs = nowMs;
    return entry.dispatchId;
  }

  /** The batch that an answer belongs to; null for a late, duplicate or invented one. */
  find(dispatchId: number, worker: number): LedgerEntry<T> | null {
    const found = this.#entries.find((entry) => entry.dispatchId === dispatchId);
    if (found === undefined || found.state !== "inFlight" || found.worker !== worker) return null;
    return found;
  }

  /** Its stage has answered: it goes on. */
  walkOn(entry: LedgerEntry<T>): void {
    invariant(entry.state === "inFlight", `a batch went on while ${entry.state}`);
    entry.state = "walking";
    entry.dispatchId = 0;
    entry.worker = -1;
  }

  /** It has come to its next stage. */
  arrive(entry: LedgerEntry<T>): void {
    invariant(entry.state === "walking", `a batch arrived while ${entry.state}`);
    entry.state = "queued";
  }

  finish(entry: LedgerEntry<T>): void {
    entry.state = "final";
  }

  /** The worker is gone or gave the batch back: it goes out again, in its place. */
  requeue(entry: LedgerEntry<T>): void {
    invariant(entry.state === "inFlight", `a batch was requeued while ${entry.state}`);
    entry.state = "queued";
    entry.worker = -1;
  }

  /** Takes the contiguous final prefix. */
  takeFinal(): T[] {
    let end = 0;
    while (this.#entries[end]?.state === "final") end++;
    return this.#entries.splice(0, end).map((entry) => entry.item);
  }

  hasFinalPrefix(): boolean {
    return this.#entries[0]?.state === "final";
  }

  /** A cut that did not commit: its batches are final again, ahead of everything since. */
  putBack(items: readonly T[]): void {
    const entries = items.map((item) => {
      const entry: LedgerEntry<T> = {
        item,
        state: "final",
        dispatchId: 0,
        worker: -1,
        dispatchedAtMs: 0,
        bytes: 0,
        isAlone: false,
      };
      return entry;
    });
    this.#entries.unshift(...entries);
  }

  /** Removes `from` and everything behind it, in order: their records are read again. */
  removeFrom(from: LedgerEntry<T>): LedgerEntry<T>[] {
    const at = this.#entries.indexOf(from);
    invariant(at >= 0, "a batch that is not in the ledger cannot be removed");
    return this.#entries.splice(at);
  }

  /** Everything not final, in order, removed. */
  removeUnfinished(): LedgerEntry<T>[] {
    const at = this.#entries.findIndex((entry) => entry.state !== "final");
    return at < 0 ? [] : this.#entries.splice(at);
  }

  /** Everything, removed. */
  clear(): LedgerEntry<T>[] {
    return this.#entries.splice(0);
  }
}
