import type { Clock } from "../ports/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that moves only when it is told to. */
export class DriverClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();
  #nowMs = 0;

  /** `startMs` is the wall clock at the start. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#startMs + this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves to the next timer that is due by `limitMs` and runs it; false where there is none. */
  step(limitMs = Number.POSITIVE_INFINITY): boolean {
    let next: Timer | null = null;
    // In the order they were set where they are due together.
    for (const timer of this.#timers) if (next === null || timer.atMs < next.atMs) next = timer;
    if (next === null || next.atMs > limitMs) return false;
    this.#timers.delete(next);
    this.moveTo(next.atMs);
    next.callback();
    return true;
  }

  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
  }
}
