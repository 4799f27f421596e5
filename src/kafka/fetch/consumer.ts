import { OutriggerError } from "../../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { Consumer, ConsumerListener, FetchFacts } from "../../ports/consumer.ts";
import type { KafkaLimits } from "../limits.ts";
import type { Cluster } from "../network/cluster.ts";
import { isRetriable } from "../network/retry.ts";
import { ERROR } from "../protocol/error-codes.ts";
import {
  FETCH,
  type FetchAnswer,
  type FetchBounds,
  type FetchedPartition,
  fetchRequest,
} from "../protocol/fetch.ts";
import { toChunks } from "./chunks.ts";
import { Gathering } from "./gathering.ts";
import { locate } from "./locate.ts";
import { PartitionReader } from "./partition-reader.ts";
import { partitionError, partitionVerdict } from "./read-errors.ts";
import { visibleBatches } from "./visible-batches.ts";

/** A partition in a fetch, with the leader that it goes to. */
interface Ready {
  readonly reader: PartitionReader;
  readonly leaderEpoch: number;
  readonly topicId: string;
}

interface Matched {
  readonly brought: Map<PartitionReader, FetchedPartition>;
  readonly nothing: readonly (readonly [PartitionReader, FetchedPartition])[];
}

/**
 * The fetches under way at one broker. `held` is the long poll that includes whatever was ready
 * when it was sent. A partition that becomes ready while the broker holds it goes into a second, short
 * one, on a connection of its own, instead of waiting for the first to return.
 */
interface BrokerSlots {
  held: boolean;
  short: boolean;
  /** The last long poll brought nothing: the next one waits for the short one and takes all. */
  idle: boolean;
}

/** The consumer of one sidecar; `overrides` replace limits of the cluster. */
export function createConsumer(
  cluster: Cluster,
  overrides: Partial<KafkaLimits>,
  listener: ConsumerListener,
): Consumer {
  return new FetchingConsumer(cluster, { ...cluster.limits, ...overrides }, listener);
}

class FetchingConsumer implements Consumer {
  readonly #cluster: Cluster;
  readonly #limits: KafkaLimits;
  readonly #listener: ConsumerListener;
  /** By name, in the order of service: a partition that brought data goes to the end (KIP-74). */
  readonly #readers = new Map<string, PartitionReader>();
  readonly #slots = new Map<number, BrokerSlots>();
  readonly #gathering = new Gathering();
  #scheduled: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #refreshing = false;
  #closed = false;

  constructor(cluster: Cluster, limits: KafkaLimits, listener: ConsumerListener) {
    this.#cluster = cluster;
    this.#limits = limits;
    this.#listener = listener;
  }

  start(at: TopicPartition, from: { offset: number; leaderEpoch: number; fence: number }): void {
    const { topic, partition } = at;
    const reader = new PartitionReader({ topic, partition }, from, this.#limits);
    const name = topicPartitionName(at);
    this.#release(name);
    this.#readers.set(name, reader);
    this.#gathering.end();
    this.#schedule();
  }

  stop(at: TopicPartition): void {
    this.#release(topicPartitionName(at));
  }

  pause(at: TopicPartition): void {
    const reader = this.#readers.get(topicPartitionName(at));
    if (reader !== undefined) reader.paused = true;
  }

  resume(at: TopicPartition): void {
    const reader = this.#readers.get(topicPartitionName(at));
    if (reader === undefined || !reader.paused) return;
    reader.paused = false;
    this.#gathering.end();
    this.#schedule();
  }

  gather(untilMs: number, gapMs: number): void {
    this.#gathering.until(untilMs, gapMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const name of [...this.#readers.keys()]) this.#release(name);
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The next fetches leave after the listener has had its turn, so that it can pause before. */
  #schedule(): void {
    if (this.#closed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = null;
      if (!this.#closed && !this.#cluster.closing.aborted) this.#sendFetches();
    });
  }

  #sendFetches(): void {
    const nowMs = performance.now();
    if (this.#gathering.notBeforeMs > nowMs) {
      this.#wakeAt(this.#gathering.notBeforeMs, nowMs);
      return;
    }
    const ready = new Map<number, Ready[]>();
    const unknown: PartitionReader[] = [];
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const reader of this.#readers.values()) {
      if (reader.paused || reader.inFlight) continue;
      if (reader.notBeforeMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, reader.notBeforeMs);
        continue;
      }
      const location = locate(this.#cluster, reader.at, reader.topicId);
      if (location.kind === "failed") this.#fail(reader, location.error);
      if (location.kind === "unknown") unknown.push(reader);
      if (location.kind !== "leader") continue;
      reader.topicId = location.topicId;
      const group = ready.get(location.brokerId);
      const entry = { reader, leaderEpoch: location.leaderEpoch, topicId: location.topicId };
      if (group === undefined) ready.set(location.brokerId, [entry]);
      else group.push(entry);
    }
    if (unknown.length > 0 && !this.#refreshing) void this.#refresh(unknown);
    for (const [brokerId, entries] of ready) this.#sendFetch(brokerId, entries);
    this.#wakeAt(wakeAtMs, nowMs);
  }

  #wakeAt(atMs: number, nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!Number.isFinite(atMs)) return;
    this.#timer = setTimeout(() => this.#schedule(), Math.ceil(atMs - nowMs));
  }

  #sendFetch(brokerId: number, entries: readonly Ready[]): void {
    let slots = this.#slots.get(brokerId);
    if (slots === undefined) {
      slots = { held: false, short: false, idle: false };
      this.#slots.set(brokerId, slots);
    }
    if (!slots.held && !(slots.short && slots.idle)) {
      void this.#fetch(brokerId, slots, "held", entries);
    } else if (!slots.short) {
      void this.#fetch(brokerId, slots, "short", entries);
    }
  }

  async #fetch(
    brokerId: number,
    slots: BrokerSlots,
    slot: "held" | "short",
    entries: readonly Ready[],
  ): Promise<void> {
    slots[slot] = true;
    const requestedAtMs = performance.now();
    for (const { reader } of entries) reader.inFlight = true;
    let answer: FetchAnswer | null = null;
    let failure: unknown = null;
    try {
      const purpose = slot === "held" ? "fetch" : "fetchMore";
      const positions = entries.map(({ reader, leaderEpoch, topicId }) => ({
        topicId,
        leaderEpoch,
        partition: reader.at.partition,
        offset: reader.position,
        lastEpoch: reader.lastEpoch,
      }));
      const bounds = this.#bounds(slot);
      answer = await this.#cluster.send(
        brokerId,
        purpose,
        FETCH,
        (version) => fetchRequest(version, positions, bounds),
        bounds.waitMaxMs + this.#limits.answerTimeoutMs,
      );
    } catch (thrown) {
      failure = thrown;
    }
    slots[slot] = false;
    if (this.#closed) return;
    const { brought: delivered, nothing } =
      answer === null || answer.error !== ERROR.NONE
        ? { brought: new Map<PartitionReader, FetchedPartition>(), nothing: [] }
        : this.#matched(entries, answer);
    for (const { reader } of entries) reader.inFlight = delivered.has(reader);
    let bytes = 0;
    for (const { start, end } of delivered.values()) bytes += end - start;
    this.#gathering.answered(bytes, performance.now());
    if (answer === null) this.#unanswered(entries, failure);
    else if (answer.error !== ERROR.NONE) this.#refused(entries, answer.error);
    else if (slot === "held") slots.idle = delivered.size === 0;
    for (const [reader, fetched] of delivered) void this.#deliver(reader, fetched, requestedAtMs);
    for (const [{ at, fence, position }, fetched] of nothing) {
      this.#listener.empty(at, fence, position, factsOf(fetched, requestedAtMs));
    }
    this.#schedule();
  }

  #bounds(slot: "held" | "short"): FetchBounds {
    const limits = this.#limits;
    return {
      waitMaxMs: slot === "held" ? limits.fetchWaitMaxMs : limits.fetchWaitShortMs,
      bytesMin: limits.fetchBytesMin,
      bytesMax: limits.fetchBytesMax,
      partitionBytesMax: limits.partitionFetchBytesMax,
    };
  }

  /** The partitions that brought something, in the order of the answer, and those that did not. */
  #matched(entries: readonly Ready[], { partitions, endpoints }: FetchAnswer): Matched {
    const asked = new Map<string, PartitionReader>();
    for (const { reader, topicId } of entries) {
      asked.set(`${topicId}/${reader.at.partition}`, reader);
    }
    const brought = new Map<PartitionReader, FetchedPartition>();
    const nothing: [PartitionReader, FetchedPartition][] = [];
    for (const fetched of partitions) {
      const reader = asked.get(`${fetched.topicId}/${fetched.partition}`);
      if (reader === undefined || !this.#isCurrent(reader)) continue;
      if (fetched.error !== ERROR.NONE) {
        const hint = { leader: fetched.leader, endpoints };
        this.#refused([{ reader }], fetched.error, hint);
        continue;
      }
      reader.succeeded();
      if (fetched.diverging !== null) {
        const error = reader.diverged(fetched.diverging);
        if (error !== null) this.#fail(reader, error);
        continue;
      }
      if (fetched.end > fetched.start) brought.set(reader, fetched);
      else nothing.push([reader, fetched]);
    }
    return { brought, nothing };
  }

  /** Chunk by chunk, each partition by itself: a paused one holds up no other. */
  async #deliver(
    reader: PartitionReader,
    fetched: FetchedPartition,
    requestedAtMs: number,
  ): Promise<void> {
    const facts = factsOf(fetched, requestedAtMs);
    // To the end of the order of service: whoever brought nothing comes first next time.
    const name = topicPartitionName(reader.at);
    this.#readers.delete(name);
    this.#readers.set(name, reader);
    try {
      const visible = visibleBatches(fetched, reader.position, reader.at);
      const chunks = toChunks(visible, fetched.bytes, reader.position, reader.at, reader.fence);
      for await (const chunk of chunks) {
        if (!this.#isCurrent(reader)) return;
        reader.moveTo(chunk.nextOffset, chunk.leaderEpoch);
        this.#listener.fetched(chunk, facts);
        if (chunk.nextOffset < visible.nextOffset) await reader.resumed();
      }
    } catch (thrown) {
      if (!(thrown instanceof OutriggerError)) throw thrown;
      if (this.#isCurrent(reader)) this.#fail(reader, thrown);
      return;
    }
    reader.inFlight = false;
    this.#schedule();
  }

  /** No answer: the broker is down, slow, or not what it was. */
  #unanswered(entries: readonly Ready[], failure: unknown): void {
    if (!(failure instanceof OutriggerError)) throw failure;
    const nowMs = performance.now();
    for (const { reader } of entries) {
      if (!this.#isCurrent(reader)) continue;
      if (!isRetriable(failure)) {
        this.#fail(reader, failure);
        continue;
      }
      this.#cluster.invalidateLeader(reader.at.topic, reader.at.partition);
      reader.backOff(nowMs);
    }
  }

  #refused(
    entries: readonly { readonly reader: PartitionReader }[],
    code: number,
    { leader, endpoints }: Pick<FetchedPartition, "leader"> & Pick<FetchAnswer, "endpoints"> = {
      leader: null,
      endpoints: [],
    },
  ): void {
    const nowMs = performance.now();
    const verdict = partitionVerdict(code);
    for (const { reader } of entries) {
      if (!this.#isCurrent(reader)) continue;
      if (verdict === "fatal") {
        this.#fail(reader, partitionError(reader.at, reader.position, code));
        continue;
      }
      // Who leads now was said with the refusal: there is nothing to wait for.
      const isKnown =
        verdict === "refresh" && this.#cluster.movedLeader(reader.at, leader, endpoints);
      if (!isKnown) reader.backOff(nowMs);
    }
  }

  async #refresh(unknown: readonly PartitionReader[]): Promise<void> {
    this.#refreshing = true;
    let failure: unknown = null;
    try {
      await this.#cluster.refresh([...new Set(unknown.map((reader) => reader.at.topic))]);
    } catch (thrown) {
      failure = thrown;
    }
    this.#refreshing = false;
    if (failure !== null && !(failure instanceof OutriggerError)) throw failure;
    const nowMs = performance.now();
    for (const reader of unknown) {
      if (!this.#isCurrent(reader)) continue;
      if (failure !== null && !isRetriable(failure)) {
        this.#fail(reader, failure);
        continue;
      }
      const location = locate(this.#cluster, reader.at, reader.topicId);
      if (location.kind === "leader") continue;
      if (location.kind === "unknown" && location.missing) this.#checkMissing(reader, nowMs);
      reader.backOff(nowMs);
    }
    this.#schedule();
  }

  #checkMissing(reader: PartitionReader, nowMs: number): void {
    const missingMs = reader.missingMs(nowMs);
    if (missingMs < this.#limits.topicMissingMaxMs) return;
    const message =
      `topic ${reader.at.topic} has not existed for ${Math.round(missingMs)} ms; ` +
      "create it, or take it out of the topology";
    this.#fail(reader, new OutriggerError("TOPIC_MISSING", message));
  }

  #isCurrent(reader: PartitionReader): boolean {
    return this.#readers.get(topicPartitionName(reader.at)) === reader;
  }

  /** Whatever waits on behalf of the reader goes on, and finds that it is not current any more. */
  #release(name: string): void {
    const reader = this.#readers.get(name);
    this.#readers.delete(name);
    if (reader !== undefined) reader.paused = false;
  }

  #fail(reader: PartitionReader, error: OutriggerError): void {
    this.#readers.delete(topicPartitionName(reader.at));
    this.#listener.failed(reader.at, reader.fence, error);
  }
}

function factsOf(
  { lastStableOffset, highWatermark }: FetchedPartition,
  requestedAtMs: number,
): FetchFacts {
  return { requestedAtMs, lastStableOffset, highWatermark };
}
