/** Of which sources rows wait here. */
export interface Buffered {
  isEmpty(source: number): boolean;
}

const UNKNOWN = -1;
const NOT_IDLE = Number.POSITIVE_INFINITY;

/**
 * Whether a task waits for partitions that are empty here, as Kafka Streams does by `max.task.idle.ms`
 * (KIP-353, KIP-695): for a first answer, and for what the broker has, always; for what it has not, so
 * long. The broker's records end at its last stable offset: behind it nothing can be read yet. A position
 * moves over markers too, so that it gets there without a record.
 */
export class Idling {
  readonly #maxIdleMs: number;
  /** By source: where it is read on, where its readable records end, since when there is nothing. */
  readonly #positions: Float64Array;
  readonly #ends: Float64Array;
  readonly #idleSinceMs: Float64Array;
  readonly #firsts: readonly boolean[];

  /** `firsts`: sources whose records go before all others, whenever they come. `maxIdleMs` -1 never waits. */
  constructor(firsts: readonly boolean[], maxIdleMs: number) {
    const sources = firsts.length;
    this.#firsts = firsts;
    this.#maxIdleMs = firsts.filter((isFirst) => !isFirst).length > 1 ? maxIdleMs : -1;
    this.#positions = new Float64Array(sources).fill(UNKNOWN);
    this.#ends = new Float64Array(sources).fill(UNKNOWN);
    this.#idleSinceMs = new Float64Array(sources).fill(NOT_IDLE);
  }

  /** Whether it may wait at all; never with one source. */
  get waits(): boolean {
    return this.#maxIdleMs >= 0;
  }

  /** A fetch was answered. */
  fetched(source: number, position: number, end: number): void {
    this.#positions[source] = position;
    this.#ends[source] = end;
  }

  /** How long the task waits before it takes a record: 0 for not at all, infinite for a fetch to come. */
  waitMs(buffered: Buffered, nowMs: number): number {
    if (!this.waits) return 0;
    let waitMs = 0;
    for (let source = 0; source < this.#ends.length; source++) {
      if (this.#firsts[source] === true) continue;
      if (!buffered.isEmpty(source) || this.#hasMore(source)) {
        this.#idleSinceMs[source] = NOT_IDLE;
        if (buffered.isEmpty(source)) waitMs = Number.POSITIVE_INFINITY;
        continue;
      }
      const sinceMs = Math.min(this.#idleSinceMs[source] as number, nowMs);
      this.#idleSinceMs[source] = sinceMs;
      waitMs = Math.max(waitMs, sinceMs + this.#maxIdleMs - nowMs);
    }
    return waitMs;
  }

  /** Whether the broker has records that are not here, as far as is known; at first nothing is. */
  #hasMore(source: number): boolean {
    const end = this.#ends[source] as number;
    return end === UNKNOWN || (this.#positions[source] as number) < end;
  }
}
