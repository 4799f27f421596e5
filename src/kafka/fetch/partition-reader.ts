import type { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { KafkaLimits } from "../limits.ts";
import { Backoff } from "../network/retry.ts";
import type { DivergingEpoch } from "../protocol/fetch.ts";
import { truncated } from "./read-errors.ts";

/**
 * One partition that the consumer reads; a new start makes a new one, so that an answer to a fetch
 * of the old one finds no taker.
 */
export class PartitionReader {
  readonly at: TopicPartition;
  readonly fence: number;
  /** Offset of the next fetch. */
  position: number;
  /** Epoch of the batch before it (KIP-320): the leader says when its log has another one. */
  lastEpoch: number;
  /** The topic id that reading began with. */
  topicId: string | null = null;
  /** A fetch that includes it is under way, or what it brought is being delivered. */
  inFlight = false;
  /** Not fetched before; in the clock of `performance.now`. */
  notBeforeMs = 0;
  #paused = false;
  #wake: () => void = () => {};
  #missingSinceMs: number | null = null;
  readonly #backoff: Backoff;

  constructor(
    at: TopicPartition,
    from: { readonly offset: number; readonly leaderEpoch: number; readonly fence: number },
    limits: KafkaLimits,
  ) {
    this.at = at;
    this.position = from.offset;
    this.lastEpoch = from.leaderEpoch;
    this.fence = from.fence;
    this.#backoff = new Backoff(limits);
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.#wake();
  }

  /**
   * Resolves when it is not paused any more. What a compressed answer unpacks to may be many times
   * the bytes fetched, so the rest of it waits, packed, until there is room.
   */
  async resumed(): Promise<void> {
    while (this.#paused) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  moveTo(position: number, lastEpoch: number): void {
    this.position = position;
    if (lastEpoch >= 0) this.lastEpoch = lastEpoch;
  }

  /**
   * The leader's log parted ways after what was read last. What lies before the position is the same
   * in both unless it is said to end earlier: then records that were read are gone.
   */
  diverged({ epoch, endOffset }: DivergingEpoch): OutriggerError | null {
    if (endOffset < this.position) return truncated(this.at, this.position, endOffset);
    this.lastEpoch = epoch === this.lastEpoch ? -1 : epoch;
    return null;
  }

  succeeded(): void {
    this.#backoff.reset();
    this.#missingSinceMs = null;
  }

  /** Waits longer each time until it succeeds. */
  backOff(nowMs: number): void {
    this.notBeforeMs = nowMs + this.#backoff.next();
  }

  /** For how long brokers have denied that the topic exists. */
  missingMs(nowMs: number): number {
    this.#missingSinceMs ??= nowMs;
    return nowMs - this.#missingSinceMs;
  }
}
