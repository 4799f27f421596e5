import { invariant } from "../../errors/invariant.ts";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import { BufferPool } from "../../model/buffer-pool.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { Membership } from "../../ports/consumer.ts";
import type { Log } from "../../ports/log.ts";
import type {
  CutRecords,
  EndVerdict,
  InitVerdict,
  OffsetsVerdict,
  OffsetToCommit,
  ProduceVerdict,
  TransactionalProducer,
} from "../../ports/producer.ts";
import type { CodecName } from "../codecs/codec.ts";
import { brokerError, classify, type Request } from "../errors.ts";
import type { Purpose } from "../network/broker-connections.ts";
import type { Cluster } from "../network/cluster.ts";
import type { WireRequest } from "../network/connection.ts";
import { firstSignal } from "../network/first-signal.ts";
import { Backoff, delay, isRetriable } from "../network/retry.ts";
import type { Api } from "../protocol/api-versions.ts";
import { ERROR } from "../protocol/error-codes.ts";
import * as wire from "../protocol/transactions.ts";
import { Completion } from "./completion.ts";
import { CutBatches } from "./cut-batches.ts";
import { Markers } from "./markers.ts";
import { OrderedSend } from "./ordered-send.ts";
import { PartitionQueue } from "./partition-queue.ts";

export interface ProducerOptions {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly transactionTimeoutMs: number;
  /** Told of every request that is repeated, and why. Default: nobody. */
  readonly onRetry?: (error: OutriggerError) => void;
  /** Of every batch; none by default. */
  readonly compression?: CodecName;
  /** Where it is said that a broker had lost a marker. */
  readonly log?: Log;
}

/** Our own share of the transaction timeout; the broker aborts after the rest. */
const OWN_DEADLINE = 0.6;
/** Of record batches, kept for the next transactions. */
const POOLED_BYTES_MAX = 8 * 1024 * 1024;
const BACKOFF = { retryBackoffMs: 2, retryBackoffMaxMs: 100 };

/** A transactional producer on transactions v2 (KIP-890). */
export function createProducer(cluster: Cluster, options: ProducerOptions): TransactionalProducer {
  return new TransactionsV2(cluster, options);
}

type Coordinated<T> =
  | { readonly kind: "answered"; readonly answer: T }
  /** No usable answer before the deadline; `sent` says whether a request may have arrived. */
  | { readonly kind: "unanswered"; readonly error: OutriggerError; readonly sent: boolean }
  | { readonly kind: "failed"; readonly error: OutriggerError };

class TransactionsV2 implements TransactionalProducer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #closing = new AbortController();
  readonly #partitionCounts = new Map<string, number>();
  #producer: wire.ProducerIdentity = { id: -1n, epoch: -1 };
  /** The identity of the EndTxn that is being repeated: it belongs to its transaction. */
  #ending: wire.ProducerIdentity | null = null;
  readonly #sequences = new Map<string, number>();
  readonly #buffers = new BufferPool(POOLED_BYTES_MAX);
  /** What the open transaction has produced, once and without a repetition. */
  #produced: CutBatches | null = null;
  readonly #markers: Markers;
  readonly #completion: Completion;
  /** Where the open transaction has written. */
  #written: readonly TopicPartition[] = [];
  #hasOffsets = false;
  #isFirst = true;
  #begunAtMs = 0;
  #cuts = 0;

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#markers = new Markers(cluster, options, this.#closing.signal);
    this.#completion = new Completion(cluster, options.transactionalId, this.#closing.signal);
  }

  async initialize(signal: AbortSignal): Promise<InitVerdict> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const unsettled = await this.#settleBefore(either);
    if (unsettled !== null) return fatal(unsettled);
    const { transactionalId, transactionTimeoutMs } = this.#options;
    const asked = await this.#askTransactionCoordinator(
      "InitProducerId",
      wire.INIT_PRODUCER_ID,
      (version) => wire.initProducerIdRequest(version, transactionalId, transactionTimeoutMs),
      ({ error }) => error,
      { deadlineMs: Number.POSITIVE_INFINITY, signal: either },
    );
    if (asked.kind !== "answered") return fatal(asked.error);
    const { error: code, id, epoch } = asked.answer;
    if (code === ERROR.NONE) {
      this.#adopt({ id, epoch });
      this.#ending = null;
      this.#produced = null;
      return { kind: "ready" };
    }
    const error = brokerError("InitProducerId", code, transactionalId);
    return classify("InitProducerId", code) === "fenced" ? { kind: "fenced", error } : fatal(error);
  }

  async prepare(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + this.#cluster.limits.topicMissingMaxMs;
    const backoff = new Backoff(this.#cluster.limits);
    for (;;) {
      const found = await this.#cluster.topics(topics, signal);
      for (const [topic, { leaders }] of found) this.#partitionCounts.set(topic, leaders.length);
      const missing = topics.find((topic) => !found.has(topic));
      if (missing === undefined) {
        const leaders = [...found.values()].flatMap((topic) => topic.leaders);
        this.#cluster.dial(leaders, "produce");
        return;
      }
      // One that was just made is denied by a broker that has not heard of it.
      if (signal.aborted || performance.now() >= untilMs) {
        throw new OutriggerError("TOPIC_MISSING", `the topic ${missing} does not exist: create it`);
      }
      await delay(backoff.next(), signal);
    }
  }

  begin(): CutRecords {
    this.#cuts += 1;
    // A topic that has grown since is used as it is now; within a cut the count stays.
    for (const [topic, count] of this.#partitionCounts) {
      const known = this.#cluster.partitionCount(topic) ?? count;
      if (known !== count) this.#partitionCounts.set(topic, known);
    }
    return new CutBatches(this.#partitionCounts, this.#cuts, this.#buffers);
  }

  async produce(records: CutRecords): Promise<ProduceVerdict> {
    invariant(records instanceof CutBatches, "records come from `begin` of the same producer");
    this.#begunAtMs = performance.now();
    try {
      await records.compress(this.#options.compression ?? "none");
    } catch (thrown: unknown) {
      return fatal(thrown instanceof OutriggerError ? thrown : compressionFailed(thrown));
    }
    await this.#completion.awaited();
    const queues = records.all.map((batches) => {
      const name = topicPartitionName(batches);
      return new PartitionQueue(
        batches,
        batches.builders.map((builder) => {
          const sequence = this.#sequences.get(name) ?? 0;
          this.#sequences.set(name, (sequence + builder.count) % SEQUENCES);
          const bytes = builder.seal(this.#producer.id, this.#producer.epoch, sequence);
          return { bytes, records: builder.count };
        }),
      );
    });
    this.#written = records.all.map(({ topic, partition }) => ({ topic, partition }));
    records.produced += 1;
    let isOnce = records.produced === 1;
    const send = new OrderedSend(this.#cluster, queues, {
      transactionalId: this.#options.transactionalId,
      requestTimeoutMs: this.#cluster.limits.requestTimeoutMs,
      deadlineMs: this.#deadlineMs(),
      markers: this.#markers,
      onRetry: (error) => {
        isOnce = false;
        this.#retried(error);
      },
    });
    const verdict = await send.run(this.#closing.signal);
    this.#produced = isOnce && verdict.kind === "acked" ? records : null;
    return verdict;
  }

  async sendOffsets(
    offsets: readonly OffsetToCommit[],
    membership: Membership,
  ): Promise<OffsetsVerdict> {
    if (this.#begunAtMs === 0) this.#begunAtMs = performance.now();
    const deadlineMs = this.#deadlineMs();
    if (!this.#markers.areSure) {
      const unsettled = await this.#settled(AbortSignal.timeout(untilMs(deadlineMs)));
      if (unsettled !== null) {
        return isRetriable(unsettled) ? { kind: "abortable", error: unsettled } : fatal(unsettled);
      }
    }
    this.#hasOffsets = true;
    const asked = await this.#askCoordinator(
      "TxnOffsetCommit",
      wire.TXN_OFFSET_COMMIT,
      { kind: "group", key: this.#options.groupId, purpose: "group" },
      (version) =>
        wire.txnOffsetCommitRequest(version, this.#options, this.#producer, membership, offsets),
      // The gravest code of any partition counts: a partial refusal refuses the cut.
      (committed) => gravest(committed),
      { deadlineMs, signal: this.#closing.signal },
    );
    switch (asked.kind) {
      case "unanswered":
        return { kind: "abortable", error: asked.error };
      case "failed":
        return fatal(asked.error);
      case "answered": {
        if (asked.answer.length < offsets.length) {
          const text = `TxnOffsetCommit answered ${asked.answer.length} of ${offsets.length} offsets`;
          return fatal(new OutriggerError("BROKER_ANSWER_MALFORMED", text));
        }
        return this.#offsetsVerdict(gravest(asked.answer));
      }
    }
  }

  async end(outcome: "commit" | "abort", attempt: "first" | "repeated"): Promise<EndVerdict> {
    const producer = this.#ending ?? this.#producer;
    if (this.#ending === null) this.#markers.ending(producer, this.#written, this.#hasOffsets);
    this.#ending = producer;
    const { transactionalId } = this.#options;
    let requests = 0;
    const asked = await this.#askTransactionCoordinator(
      "EndTxn",
      wire.END_TXN,
      (version) => {
        requests += 1;
        return wire.endTxnRequest(version, transactionalId, producer, outcome);
      },
      ({ error }) => error,
      { deadlineMs: this.#deadlineMs(), signal: this.#closing.signal },
      // A request that may have arrived is never repeated here: the kernel knows that it is.
      "once",
    );
    this.#begunAtMs = 0;
    if (asked.kind === "unanswered") return { kind: "unknown", error: asked.error };
    if (asked.kind === "failed") return fatal(asked.error);
    const { error: code, id, epoch } = asked.answer;
    if (code === ERROR.NONE) {
      this.#adopt({ id, epoch });
      this.#ending = null;
      // Each request was answered, so no connection holds its bytes; and none is sent again.
      if (outcome === "commit") this.#produced?.release();
      this.#produced = null;
      this.#markers.ended(outcome);
      this.#completion.ended();
      return { kind: "ended" };
    }
    const error = brokerError("EndTxn", code, transactionalId);
    // A coordinator that lost its log while it wrote the commit says only that it is none. Its
    // successor may find the commit there: a refusal of what was asked again is the echo of that.
    switch (classify("EndTxn", code, requests > 1 ? "repeated" : attempt)) {
      case "abortable":
        this.#ending = null;
        return { kind: "abortable", error };
      case "fenced":
        this.#ending = null;
        return { kind: "fenced", error };
      case "unknown":
      case "retry":
      case "refind":
        return { kind: "unknown", error };
      case "success":
      case "staleEpoch":
      case "memberLost":
      case "fatal":
        return fatal(error);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new OutriggerError("BROKER_UNAVAILABLE", "the producer was closed"));
  }

  /** pid and epoch as the coordinator gave them last; sequences start anew with each. */
  #adopt(producer: wire.ProducerIdentity): void {
    this.#producer = producer;
    this.#sequences.clear();
    this.#begunAtMs = 0;
    this.#written = [];
    this.#hasOffsets = false;
  }

  /** null when the markers of what this transactional id has ended last are there. */
  async #settleBefore(signal: AbortSignal): Promise<OutriggerError | null> {
    if (this.#isFirst) {
      const topics = [...this.#partitionCounts];
      const all = topics.flatMap(([topic, count]) =>
        Array.from({ length: count }, (_, partition) => ({ topic, partition })),
      );
      if (all.length > 0) this.#markers.inherit(all);
    }
    const unsettled = await this.#settled(signal);
    if (unsettled === null) this.#isFirst = false;
    return unsettled;
  }

  async #settled(signal: AbortSignal): Promise<OutriggerError | null> {
    const either = firstSignal([signal, this.#closing.signal]);
    try {
      await this.#markers.settle(either.signal);
      return null;
    } catch (thrown: unknown) {
      return asBrokerError(thrown);
    } finally {
      either.release();
    }
  }

  #deadlineMs(): number {
    const begunAtMs = this.#begunAtMs === 0 ? performance.now() : this.#begunAtMs;
    return begunAtMs + this.#options.transactionTimeoutMs * OWN_DEADLINE;
  }

  #offsetsVerdict(code: number): OffsetsVerdict {
    if (code === ERROR.NONE) return { kind: "accepted" };
    const error = brokerError("TxnOffsetCommit", code, `group ${this.#options.groupId}`);
    const verdict = classify("TxnOffsetCommit", code);
    switch (verdict) {
      case "staleEpoch":
      case "memberLost":
      case "abortable":
      case "fenced":
        return { kind: verdict, error };
      case "retry":
      case "refind":
        return { kind: "abortable", error };
      case "success":
      case "unknown":
      case "fatal":
        return fatal(error);
    }
  }

  async #askTransactionCoordinator<T>(
    request: Request,
    api: Api,
    encode: (version: number) => WireRequest<T>,
    codeOf: (answer: T) => number,
    until: { readonly deadlineMs: number; readonly signal: AbortSignal },
    times: "once" | "often" = "often",
  ): Promise<Coordinated<T>> {
    const key = this.#options.transactionalId;
    const where = { kind: "transaction", key, purpose: "general" } as const;
    return await this.#askCoordinator(request, api, where, encode, codeOf, until, times);
  }

  /** Asks until the coordinator answers with something that is not to be repeated. */
  async #askCoordinator<T>(
    request: Request,
    api: Api,
    where: {
      readonly kind: "group" | "transaction";
      readonly key: string;
      readonly purpose: Purpose;
    },
    encode: (version: number) => WireRequest<T>,
    codeOf: (answer: T) => number,
    until: { readonly deadlineMs: number; readonly signal: AbortSignal },
    times: "once" | "often" = "often",
  ): Promise<Coordinated<T>> {
    const backoff = new Backoff(BACKOFF);
    for (;;) {
      const sent = await this.#askOnce(api, where, encode, until);
      if (sent.kind === "failed") return sent;
      if (sent.kind === "answered") {
        const code = codeOf(sent.answer);
        const verdict = code === ERROR.NONE ? "success" : classify(request, code);
        if (verdict !== "retry" && verdict !== "refind") return sent;
        if (verdict === "refind") this.#cluster.invalidateCoordinator(where.kind, where.key);
        if (this.#isOver(until)) return sent;
        this.#retried(brokerError(request, code, where.key));
      } else {
        this.#cluster.invalidateCoordinator(where.kind, where.key);
        if ((sent.sent && times === "once") || this.#isOver(until)) return sent;
        this.#retried(sent.error);
      }
      await delay(backoff.next(), until.signal);
    }
  }

  async #askOnce<T>(
    api: Api,
    where: {
      readonly kind: "group" | "transaction";
      readonly key: string;
      readonly purpose: Purpose;
    },
    encode: (version: number) => WireRequest<T>,
    until: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<Coordinated<T>> {
    let sent = false;
    try {
      const brokerId = await this.#coordinator(where, until);
      const { connection, versions } = await this.#cluster.connection(brokerId, where.purpose);
      const request = encode(versions.pick(api));
      sent = true;
      const timeoutMs = this.#cluster.limits.answerTimeoutMs;
      return { kind: "answered", answer: await connection.send(request, timeoutMs) };
    } catch (thrown: unknown) {
      const error = asBrokerError(thrown);
      // What was sent may have arrived, whatever became of the answer.
      if (sent || isRetriable(error)) return { kind: "unanswered", error, sent };
      return { kind: "failed", error };
    }
  }

  /** Who it is may not be said by anyone in time, as when the only broker is silent. */
  async #coordinator(
    { kind, key }: { readonly kind: "group" | "transaction"; readonly key: string },
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<number> {
    if (!Number.isFinite(deadlineMs)) return await this.#cluster.coordinator(kind, key, signal);
    // Past the deadline one question is still put: an abort has none of its own.
    const leftMs = Math.max(deadlineMs - performance.now(), this.#cluster.limits.answerTimeoutMs);
    const either = firstSignal([signal, AbortSignal.timeout(Math.ceil(leftMs))]);
    try {
      return await this.#cluster.coordinator(kind, key, either.signal);
    } finally {
      either.release();
    }
  }

  #retried(error: OutriggerError): void {
    // Markers of the last commit are still being written: after most commits it is so.
    if (error.kafkaError !== "CONCURRENT_TRANSACTIONS") this.#options.onRetry?.(error);
  }

  #isOver(until: { readonly deadlineMs: number; readonly signal: AbortSignal }): boolean {
    return until.signal.aborted || performance.now() >= until.deadlineMs;
  }
}

function asBrokerError(thrown: unknown): OutriggerError {
  if (thrown instanceof OutriggerError) return thrown;
  return new OutriggerError("BROKER_UNAVAILABLE", asError(thrown).message, { cause: thrown });
}

function untilMs(deadlineMs: number): number {
  return Math.max(1, Math.ceil(deadlineMs - performance.now()));
}

function compressionFailed(thrown: unknown): OutriggerError {
  const message = `a batch cannot be compressed: ${asError(thrown).message}; set compression.type`;
  return new OutriggerError("COMPRESSION_UNSUPPORTED", message, { cause: thrown });
}

/** Sequences are int32 and wrap to 0. */
const SEQUENCES = 2 ** 31;

function fatal(error: OutriggerError): { readonly kind: "fatal"; readonly error: OutriggerError } {
  return { kind: "fatal", error };
}

const GRAVITY = {
  success: 0,
  retry: 1,
  refind: 2,
  staleEpoch: 3,
  abortable: 4,
  memberLost: 5,
  fenced: 6,
  unknown: 7,
  fatal: 8,
};

/** The code that decides, of all partitions: accepted only when every one is. */
function gravest(committed: readonly wire.PartitionCommitted[]): number {
  let worst: number = ERROR.NONE;
  let gravity = -1;
  for (const { error } of committed) {
    if (error === ERROR.NONE) continue;
    const weight = GRAVITY[classify("TxnOffsetCommit", error)];
    if (weight > gravity) {
      worst = error;
      gravity = weight;
    }
  }
  return worst;
}
