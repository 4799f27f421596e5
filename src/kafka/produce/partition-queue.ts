import { invariant } from "../../errors/invariant.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";

/** The sealed batches of one partition on their way: sent in order, acknowledged in order. */
export class PartitionQueue implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #batches: readonly { readonly bytes: Buffer; readonly records: number }[];
  /** Batches acknowledged, sent, and answered (well or not) since the last rewind. */
  #acked = 0;
  #sent = 0;
  #answered = 0;
  #failed = false;
  #lastOffset = -1;

  constructor(
    at: TopicPartition,
    batches: readonly { readonly bytes: Buffer; readonly records: number }[],
  ) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.#batches = batches;
  }

  get isDone(): boolean {
    return this.#acked === this.#batches.length;
  }

  /** A batch of this round was not acknowledged: those behind it cannot be either. */
  get hasFailed(): boolean {
    return this.#failed;
  }

  /** The last offset acknowledged; -1 when the broker gave none for the last batch. */
  get lastOffset(): number {
    return this.#lastOffset;
  }

  /**
   * The first batch of a transaction goes alone. A broker that knows nothing of the producer takes
   * any sequence as its first: a second batch that overtook a refused first one would be taken, and
   * the first could never follow.
   */
  canSend(inFlightMax: number): boolean {
    const inFlight = this.#sent - this.#answered;
    if (this.#acked === 0 && inFlight > 0) return false;
    return !this.#failed && this.#sent < this.#batches.length && inFlight < inFlightMax;
  }

  peek(): Buffer | null {
    return this.#batches[this.#sent]?.bytes ?? null;
  }

  sent(): void {
    this.#sent += 1;
  }

  /** The oldest batch without an answer is in the log: answers of one connection come in order. */
  acknowledged(baseOffset: number): void {
    this.#answered += 1;
    // Behind a batch that failed, an acknowledgement is of a duplicate: it is sent again anyway.
    if (this.#failed) return;
    const batch = this.#batches[this.#acked];
    invariant(batch !== undefined, "more batches were acknowledged than there are");
    this.#acked += 1;
    this.#lastOffset = baseOffset < 0 ? -1 : baseOffset + batch.records - 1;
  }

  failed(): void {
    this.#answered += 1;
    this.#failed = true;
  }

  /** Everything without an acknowledgement goes out again, the same bytes, from the first on. */
  rewind(): void {
    this.#sent = this.#acked;
    this.#answered = this.#acked;
    this.#failed = false;
  }
}
