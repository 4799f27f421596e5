const WINDOW_MS = 30_000;

interface Window {
  startMs: number;
  sum: number;
  count: number;
  max: number;
}

/**
 * Average and maximum of the last minute, at most: of the window that is being filled and the one
 * before, as Kafka's metrics do it (`metrics.num.samples` 2, `metrics.sample.window.ms` 30 s).
 */
export class Recent {
  #current: Window = { startMs: Number.NEGATIVE_INFINITY, sum: 0, count: 0, max: 0 };
  #before: Window = this.#current;

  record(value: number, nowMs: number): void {
    this.#roll(nowMs);
    this.#current.sum += value;
    this.#current.count += 1;
    if (value > this.#current.max) this.#current.max = value;
  }

  /** Zeros when nothing was recorded. */
  read(nowMs: number): { readonly avg: number; readonly max: number } {
    this.#roll(nowMs);
    const count = this.#current.count + this.#before.count;
    const sum = this.#current.sum + this.#before.sum;
    return {
      avg: count === 0 ? 0 : sum / count,
      max: Math.max(this.#current.max, this.#before.max),
    };
  }

  #roll(nowMs: number): void {
    if (nowMs - this.#current.startMs < WINDOW_MS) return;
    const isNext = nowMs - this.#current.startMs < 2 * WINDOW_MS;
    this.#before = isNext ? this.#current : { startMs: 0, sum: 0, count: 0, max: 0 };
    this.#current = { startMs: nowMs, sum: 0, count: 0, max: 0 };
  }
}
