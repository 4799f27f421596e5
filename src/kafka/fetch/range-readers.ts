import type { KafkaLimits } from "../limits.ts";

/**
 * Each reader holds the answer that is being used and the next one on its way, what was made of the first,
 * which is as large again, and the same once more until the collector has been.
 */
const ANSWERS_EACH = 8;
/** However many there are, a fetch is worth its way. */
const BYTES_MIN = 64 * 1024;

/**
 * Those who read a range of a partition at the same time, as when many tasks are taken over: together they
 * hold about `fetch.max.bytes` of answers, and each no more than `max.partition.fetch.bytes` in one.
 */
export class RangeReaders {
  readonly #limits: KafkaLimits;
  #count = 0;

  constructor(limits: KafkaLimits) {
    this.#limits = limits;
  }

  enter(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
  }

  /** Of the next fetch of each. A broker sends one whole batch, however large. */
  get bytesMax(): number {
    const { fetchBytesMax, partitionFetchBytesMax } = this.#limits;
    const share = Math.floor(fetchBytesMax / (ANSWERS_EACH * Math.max(1, this.#count)));
    return Math.min(fetchBytesMax, partitionFetchBytesMax, Math.max(BYTES_MIN, share));
  }
}
