import { invariant } from "../../errors/invariant.ts";
import { OutriggerError } from "../../errors/outrigger-error.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";
import type { ProduceVerdict, Refusal } from "../../ports/producer.ts";
import { brokerError, classify } from "../errors.ts";
import type { Cluster } from "../network/cluster.ts";
import { firstSignal } from "../network/first-signal.ts";
import { Backoff, delay, isRetriable } from "../network/retry.ts";
import { ERROR } from "../protocol/error-codes.ts";
import type { BrokerNode } from "../protocol/metadata.ts";
import {
  type PartitionProduced,
  PRODUCE,
  type ProduceAnswer,
  type ProducedBatch,
  produceRequest,
} from "../protocol/produce.ts";
import type { Markers } from "./markers.ts";
import type { PartitionQueue } from "./partition-queue.ts";

export interface SendOptions {
  readonly transactionalId: string;
  readonly requestTimeoutMs: number;
  /** When we give up ourselves: the broker would abort soon after. */
  readonly deadlineMs: number;
  /** Nothing is written before those of the last transaction are sure. */
  readonly markers: Pick<Markers, "areSure" | "settle">;
  /** Told of what is sent again. */
  readonly onRetry: (error: OutriggerError) => void;
}

/** bounds of what is under way; a broker remembers five batches of a producer per partition. */
const REQUESTS_IN_FLIGHT_MAX = 8;
const BATCHES_IN_FLIGHT_MAX = 5;
const REQUEST_BYTES_MAX = 1024 * 1024;
/** Added to the deadline for the answer of what was sent last. */
const LATE_MS = 500;

/**
 * Waits between rounds: a few ms, because markers of the last commit are written within them. They do not
 * double, for on the average a third of what is waited for would be waited for in vain: with commits
 * each 10 ms that was most of the time of one in ten.
 */
const BACKOFF = { retryBackoffMs: 1, retryBackoffMaxMs: 100, factor: 1.5 };

/**
 * Sends every batch of a cut and resolves when all are acknowledged or one is refused, and no request
 * is under way any more (EndTxn waits for every answer, R-4).
 *
 * Order: a partition's batches leave in sequence order over one connection. When one of them gets a
 * retriable answer, or none, nothing more is sent until everything under way has settled; then each
 * partition is sent again from its first batch without acknowledgement, the same bytes with the same
 * sequence. So a retry neither overtakes nor is overtaken, and the broker tells what it has already.
 */
export class OrderedSend {
  readonly #cluster: Cluster;
  readonly #queues: readonly PartitionQueue[];
  readonly #options: SendOptions;
  #inFlight = 0;
  #refusal: Refusal | null = null;
  #mustRetry: OutriggerError | null = null;
  #wake: () => void = () => {};

  constructor(cluster: Cluster, queues: readonly PartitionQueue[], options: SendOptions) {
    this.#cluster = cluster;
    this.#queues = queues;
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<ProduceVerdict> {
    const backoff = new Backoff(BACKOFF);
    for (;;) {
      if (!this.#options.markers.areSure) await this.#settleMarkers(signal);
      await this.#round(signal);
      if (this.#refusal !== null) return this.#refusal;
      if (this.#queues.every((queue) => queue.isDone)) break;
      invariant(this.#mustRetry !== null, "a round ends done, refused or to be repeated");
      if (performance.now() >= this.#options.deadlineMs || signal.aborted) {
        return { kind: "abortable", error: this.#mustRetry };
      }
      this.#options.onRetry(this.#mustRetry);
      this.#mustRetry = null;
      for (const queue of this.#queues) queue.rewind();
      await delay(backoff.next(), signal);
    }
    const lastOffsets = new Map(
      this.#queues.map((queue) => [topicPartitionName(queue), queue.lastOffset]),
    );
    return { kind: "acked", lastOffsets };
  }

  /** Sends until everything is acknowledged, or something went wrong; then waits for the rest. */
  async #round(signal: AbortSignal): Promise<void> {
    for (;;) {
      let sent = false;
      if (this.#refusal === null && this.#mustRetry === null && !signal.aborted) {
        sent = await this.#sendNext(signal);
      }
      if (sent && this.#inFlight < REQUESTS_IN_FLIGHT_MAX) continue;
      if (this.#inFlight === 0) {
        if (signal.aborted) this.#mustRetry ??= new OutriggerError("BROKER_UNAVAILABLE", "closing");
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** One request to each leader that has something to get; false when there is none. */
  async #sendNext(signal: AbortSignal): Promise<boolean> {
    const byLeader = new Map<number, PartitionQueue[]>();
    for (const queue of this.#queues) {
      if (!queue.canSend(BATCHES_IN_FLIGHT_MAX)) continue;
      const leader = await this.#leaderOf(queue, signal);
      if (leader === null) return false;
      const queues = byLeader.get(leader) ?? [];
      queues.push(queue);
      byLeader.set(leader, queues);
    }
    if (!this.#options.markers.areSure) {
      this.#mustRetry = new OutriggerError(
        "BROKER_UNAVAILABLE",
        "a connection was lost: the markers of the last transaction are looked for first",
      );
      return false;
    }
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues);
    return byLeader.size > 0;
  }

  async #settleMarkers(signal: AbortSignal): Promise<void> {
    const either = this.#untilDeadline(signal);
    try {
      await this.#options.markers.settle(either.signal);
    } catch (error: unknown) {
      this.#notSent(error);
    } finally {
      either.release();
    }
  }

  #untilDeadline(signal: AbortSignal): ReturnType<typeof firstSignal> {
    const leftMs = Math.max(1, Math.ceil(this.#options.deadlineMs - performance.now()));
    return firstSignal([signal, AbortSignal.timeout(leftMs)]);
  }

  async #leaderOf(queue: PartitionQueue, signal: AbortSignal): Promise<number | null> {
    const known = this.#cluster.knownLeader(queue.topic, queue.partition);
    if (known !== null) return known.brokerId;
    const either = this.#untilDeadline(signal);
    try {
      const { topic, partition } = queue;
      return (await this.#cluster.leader(topic, partition, either.signal)).brokerId;
    } catch (error: unknown) {
      this.#notSent(error);
      return null;
    } finally {
      either.release();
    }
  }

  #sendTo(leader: number, queues: readonly PartitionQueue[]): void {
    const batches: ProducedBatch[] = [];
    const senders: PartitionQueue[] = [];
    let bytes = 0;
    for (const queue of queues) {
      const next = queue.peek();
      if (next === null || (bytes > 0 && bytes + next.length > REQUEST_BYTES_MAX)) continue;
      queue.sent();
      bytes += next.length;
      batches.push({ topic: queue.topic, partition: queue.partition, bytes: next });
      senders.push(queue);
    }
    this.#inFlight += 1;
    const { transactionalId, requestTimeoutMs, deadlineMs } = this.#options;
    // An answer after our own deadline is of no use: the transaction is aborted then, which fences
    // what of it may still arrive (KIP-890).
    const leftMs = Math.max(0, deadlineMs - performance.now());
    const timeoutMs = Math.ceil(Math.min(requestTimeoutMs, leftMs + LATE_MS));
    this.#cluster
      .send(
        leader,
        "produce",
        PRODUCE,
        (version) => produceRequest(version, transactionalId, timeoutMs, batches),
        timeoutMs,
      )
      .then(
        (answers) => this.#answered(senders, answers),
        (error: unknown) => {
          for (const queue of senders) {
            queue.failed();
            this.#cluster.invalidateLeader(queue.topic, queue.partition);
          }
          this.#notSent(error);
        },
      )
      .finally(() => {
        this.#inFlight -= 1;
        this.#wake();
      });
  }

  #answered(senders: readonly PartitionQueue[], { partitions, endpoints }: ProduceAnswer): void {
    for (const queue of senders) {
      const answer = partitions.find(
        ({ topic, partition }) => topic === queue.topic && partition === queue.partition,
      );
      if (answer === undefined) {
        queue.failed();
        const text = `no answer for ${topicPartitionName(queue)}`;
        this.#mustRetry = new OutriggerError("BROKER_ANSWER_MALFORMED", text);
      } else {
        this.#judge(queue, answer, endpoints);
      }
    }
  }

  #judge(
    queue: PartitionQueue,
    { error: code, baseOffset, leader }: PartitionProduced,
    endpoints: readonly BrokerNode[],
  ): void {
    if (code === ERROR.NONE) {
      queue.acknowledged(baseOffset);
      return;
    }
    const error = brokerError("Produce", code, topicPartitionName(queue));
    // Behind a batch that failed, the broker must refuse what follows: that says nothing.
    const isConsequence = code === ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER && queue.hasFailed;
    const verdict = isConsequence ? "retry" : classify("Produce", code);
    switch (verdict) {
      case "success":
        queue.acknowledged(baseOffset);
        return;
      case "refind":
        this.#cluster.movedLeader(queue, leader, endpoints);
        queue.failed();
        this.#mustRetry = error;
        return;
      case "retry":
        queue.failed();
        this.#mustRetry = error;
        return;
      case "abortable":
      case "fenced":
        queue.failed();
        this.#refuse({ kind: verdict, error });
        return;
      case "staleEpoch":
      case "memberLost":
      case "unknown":
      case "fatal":
        queue.failed();
        this.#refuse({ kind: "fatal", error });
        return;
    }
  }

  #notSent(thrown: unknown): void {
    if (isRetriable(thrown)) {
      this.#mustRetry = thrown;
      return;
    }
    const error =
      thrown instanceof OutriggerError
        ? thrown
        : new OutriggerError(
            "BROKER_REFUSED",
            `a Produce failed: ${String(thrown)}; report it as a bug`,
          );
    this.#refuse({ kind: "fatal", error });
  }

  /** The gravest refusal counts: fatal over fenced over abortable. */
  #refuse(refusal: Refusal): void {
    const gravity = { abortable: 0, fenced: 1, fatal: 2 };
    if (this.#refusal === null || gravity[refusal.kind] > gravity[this.#refusal.kind]) {
      this.#refusal = refusal;
    }
  }
}
