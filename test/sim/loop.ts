import { setImmediate as realTurn } from "node:timers";

/**
 * A process of the world: what it set off happens to it alone, and no more once it is dead. While it
 * is paused, what reaches it waits; what it had sent goes on.
 */
export class Process {
  readonly name: string;
  state: "running" | "paused" | "dead" = "running";
  readonly waiting: LoopEvent[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** What the operating system does when the process dies: locks go, connections end. */
  onEnd(end: () => void): void {
    this.#ends.push(end);
  }

  kill(): void {
    if (this.state === "dead") return;
    this.state = "dead";
    this.waiting.length = 0;
    for (const end of this.#ends.splice(0)) end();
  }
}

interface LoopEvent {
  atMs: number;
  order: number;
  readonly owner: Process | null;
  readonly run: () => void;
  cancelled: boolean;
}

/** Times are multiples of 2^-10 ms, so that sums and differences of them are exact. */
const TICKS_PER_MS = 1_024;

/** A world has some thousands; one that goes on and on is one that spins. */
const EVENTS_MAX = 100_000;

/** What an event loop leaves in hand: it can be called off. */
export interface Handle {
  cancel(): void;
}

/**
 * The one event loop of a world, in virtual time. After each event every promise that it settled is
 * followed to its end; so an event, with all that hangs on it, belongs to one process.
 */
export class Loop {
  nowMs = 0;
  events = 0;
  /** The process whose event is running. */
  current: Process | null = null;
  /** What was thrown where nobody catches it. */
  thrown: { readonly owner: Process | null; readonly error: unknown } | null = null;
  #order = 0;
  readonly #heap: LoopEvent[] = [];

  after(ms: number, owner: Process | null, run: () => void): Handle {
    const atMs = this.nowMs + Math.ceil(Math.max(0, ms) * TICKS_PER_MS) / TICKS_PER_MS;
    const event = { atMs, order: this.#order++, owner, run, cancelled: false };
    this.#push(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  resume(paused: Process): void {
    if (paused.state !== "paused") return;
    paused.state = "running";
    for (const event of paused.waiting.splice(0)) {
      // The same event, not a copy: whoever set it off may still call it off.
      event.atMs = this.nowMs;
      event.order = this.#order++;
      this.#push(event);
    }
  }

  /** Runs events until `done` says so, or time is up; says which. */
  async run(
    done: () => boolean,
    limitMs: number,
  ): Promise<"done" | "limit" | "thrown" | "endless"> {
    for (;;) {
      if (this.thrown !== null) return "thrown";
      if (done()) return "done";
      const event = this.#pop();
      if (event === null || event.atMs > limitMs) return "limit";
      if (event.cancelled || event.owner?.state === "dead") continue;
      if (this.events > EVENTS_MAX) return "endless";
      this.nowMs = event.atMs;
      if (event.owner?.state === "paused") {
        event.owner.waiting.push(event);
        continue;
      }
      this.events += 1;
      this.current = event.owner;
      try {
        event.run();
      } catch (error: unknown) {
        this.thrown = { owner: event.owner, error };
      }
      await new Promise<void>((resolve) => realTurn(resolve));
      this.current = null;
    }
  }

  #push(event: LoopEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): LoopEvent | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) sink(heap, last);
    return first;
  }
}

function sink(heap: LoopEvent[], event: LoopEvent): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    let below = heap[child];
    const right = heap[child + 1];
    if (below === undefined) break;
    if (right !== undefined && isBefore(right, below)) {
      child += 1;
      below = right;
    }
    if (isBefore(event, below)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = event;
}

function isBefore(a: LoopEvent, b: LoopEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
