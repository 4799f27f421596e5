/** Lines of one kind that are written in full within an interval; the rest is counted. */
export const REPEATS_MAX = 5;
export const REPEAT_INTERVAL_MS = 30_000;
/** Kinds that are remembered; the oldest is forgotten for a new one. */
const KINDS_MAX = 500;

interface Kind {
  readonly startedAtMs: number;
  count: number;
  /** Writes the last line left out, with how many there were. */
  last: ((left: number) => void) | null;
}

/**
 * Limits lines that repeat: of a kind, which is what its message and place are, the first few of an
 * interval are written; when it is over, the last one left out is, with `repeated`: how many were.
 */
export class Repeats {
  readonly #kinds = new Map<string, Kind>();
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** `write` is called now, or once at the interval's end; its argument is 0 for a line of its own. */
  line(name: string, write: (repeated: number) => void): void {
    this.flush(REPEAT_INTERVAL_MS);
    const kind = this.#kinds.get(name);
    if (kind === undefined) {
      this.#forgetOldest();
      this.#kinds.set(name, { startedAtMs: this.#nowMs(), count: 1, last: null });
      write(0);
      return;
    }
    kind.count += 1;
    if (kind.count <= REPEATS_MAX) {
      write(0);
      return;
    }
    kind.last = write;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.flush(0);
    }, REPEAT_INTERVAL_MS).unref();
  }

  /** Ends the intervals that are at least so old: at exit, all of them. */
  flush(ageMs = 0): void {
    const nowMs = this.#nowMs();
    for (const [name, kind] of this.#kinds) {
      if (nowMs - kind.startedAtMs < ageMs) continue;
      this.#kinds.delete(name);
      kind.last?.(kind.count - REPEATS_MAX);
    }
  }

  #forgetOldest(): void {
    if (this.#kinds.size < KINDS_MAX) return;
    const [oldest] = this.#kinds;
    if (oldest === undefined) return;
    const [name, kind] = oldest;
    this.#kinds.delete(name);
    kind.last?.(kind.count - REPEATS_MAX);
  }
}
