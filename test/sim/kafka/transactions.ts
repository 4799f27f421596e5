import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import type { Fate } from "./log.ts";
import type { Scheduler } from "./scheduler.ts";

/** Epochs are int16; the coordinator hands out another producer id before the last one is used. */
const EPOCH_MAX = 32_766;

/**
 * The coordinator's entry of one transactional id.
 *
 *   empty ──partition added──▶ ongoing ──EndTxn, timeout, InitProducerId──▶ prepare ──markers──▶ complete
 *   complete ──partition added──▶ ongoing
 */
export interface TransactionEntry {
  readonly id: string;
  producerId: bigint;
  epoch: number;
  /** On v2 each end bumps the epoch; its retry still carries the one before. */
  lastProducerId: bigint;
  lastEpoch: number;
  state: "empty" | "ongoing" | "prepare" | "complete";
  outcome: "commit" | "abort" | null;
  /** `topic-partition` of data, and the offsets partition of a group. */
  partitions: Set<string>;
  fate: Fate | null;
  startedAtMs: number;
  timeoutMs: number;
}

export interface TransactionHost {
  /** Writes one marker, some time; then calls `written`. */
  readonly writeMarker: (
    partition: string,
    producerId: bigint,
    epoch: number,
    outcome: "commit" | "abort",
    written: () => void,
  ) => void;
  /** The outcome is decided: told before any marker is written. */
  readonly decided: (entry: TransactionEntry, by: "client" | "timeout" | "init") => void;
}

export interface Identity {
  readonly error: number;
  readonly id: bigint;
  readonly epoch: number;
}

/** The transaction coordinator (KIP-98, KIP-890). `version` 2 bumps the epoch at each end. */
export class TransactionCoordinator {
  readonly entries = new Map<string, TransactionEntry>();
  readonly #version: 1 | 2;
  readonly #scheduler: Scheduler;
  readonly #host: TransactionHost;
  #nextProducerId = 1_000n;
  #fates = 0;
  /** Where epochs begin: near their end, to see what happens there. */
  readonly #firstEpoch: number;

  constructor(version: 1 | 2, firstEpoch: number, scheduler: Scheduler, host: TransactionHost) {
    this.#version = version;
    this.#firstEpoch = firstEpoch;
    this.#scheduler = scheduler;
    this.#host = host;
  }

  get openCount(): number {
    let open = 0;
    for (const { state } of this.entries.values()) {
      if (state === "ongoing" || state === "prepare") open += 1;
    }
    return open;
  }

  initProducerId(id: string, timeoutMs: number): Identity {
    const entry = this.entries.get(id);
    if (entry === undefined) {
      const made: TransactionEntry = {
        id,
        producerId: this.#newProducerId(),
        epoch: this.#firstEpoch,
        lastProducerId: -1n,
        lastEpoch: -1,
        state: "empty",
        outcome: null,
        partitions: new Set(),
        fate: null,
        startedAtMs: 0,
        timeoutMs,
      };
      this.entries.set(id, made);
      return { error: ERROR.NONE, id: made.producerId, epoch: made.epoch };
    }
    if (entry.state === "prepare") return refused(ERROR.CONCURRENT_TRANSACTIONS);
    if (entry.state === "ongoing") {
      this.#end(entry, "abort", "init");
      return refused(ERROR.CONCURRENT_TRANSACTIONS);
    }
    entry.timeoutMs = timeoutMs;
    this.#bump(entry);
    // A bump that no EndTxn caused is none that a repeated EndTxn may stand on.
    entry.lastEpoch = -1;
    entry.state = "empty";
    return { error: ERROR.NONE, id: entry.producerId, epoch: entry.epoch };
  }

  /** A leader, or the group coordinator, adds a partition (v2); v1 clients add it themselves. */
  addPartition(id: string, producerId: bigint, epoch: number, partition: string): number {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.producerId !== producerId) {
      return ERROR.INVALID_PRODUCER_ID_MAPPING;
    }
    if (entry.epoch !== epoch) return ERROR.PRODUCER_FENCED;
    if (entry.state === "prepare") return ERROR.CONCURRENT_TRANSACTIONS;
    if (entry.state !== "ongoing") {
      entry.state = "ongoing";
      entry.outcome = null;
      entry.partitions = new Set();
      entry.fate = { number: ++this.#fates, outcome: "open" };
      entry.startedAtMs = this.#scheduler.nowMs();
    }
    entry.partitions.add(partition);
    return ERROR.NONE;
  }

  /** v1: the leader of a partition asks whether the transaction has it. */
  hasPartition(id: string, producerId: bigint, epoch: number, partition: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.producerId !== producerId || entry.epoch !== epoch) {
      return false;
    }
    return entry.state === "ongoing" && entry.partitions.has(partition);
  }

  fateOf(id: string): Fate | null {
    return this.entries.get(id)?.fate ?? null;
  }

  endTxn(id: string, producerId: bigint, epoch: number, outcome: "commit" | "abort"): Identity {
    const entry = this.entries.get(id);
    if (entry === undefined) return refused(ERROR.INVALID_PRODUCER_ID_MAPPING);
    const isV2 = this.#version === 2;
    const isRetry =
      isV2 && entry.lastProducerId === producerId && entry.lastEpoch === epoch && epoch >= 0;
    if (entry.producerId !== producerId && !isRetry) {
      return refused(ERROR.INVALID_PRODUCER_ID_MAPPING);
    }
    if (entry.epoch !== epoch && !isRetry) return refused(ERROR.PRODUCER_FENCED);
    switch (entry.state) {
      case "ongoing":
        if (isRetry) return refused(ERROR.PRODUCER_FENCED);
        this.#end(entry, outcome, "client");
        return answered(entry);
      case "prepare":
        if (outcome !== entry.outcome) return refused(ERROR.INVALID_TXN_STATE);
        return refused(ERROR.CONCURRENT_TRANSACTIONS);
      case "complete":
        if (isRetry || !isV2) {
          return outcome === entry.outcome ? answered(entry) : refused(ERROR.INVALID_TXN_STATE);
        }
        return this.#endNothing(entry, outcome);
      case "empty":
        if (!isV2) return refused(ERROR.INVALID_TXN_STATE);
        return this.#endNothing(entry, outcome);
    }
  }

  /** The periodic check for transactions that are open for too long. */
  abortExpired(): void {
    const nowMs = this.#scheduler.nowMs();
    for (const entry of this.entries.values()) {
      if (entry.state === "ongoing" && nowMs - entry.startedAtMs >= entry.timeoutMs) {
        this.#end(entry, "abort", "timeout");
      }
    }
  }

  /** The same, before its time: a fault. */
  expire(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.state === "ongoing") this.#end(entry, "abort", "timeout");
  }

  /** v2 lets a client abort a transaction that has no partition yet, and bumps all the same. */
  #endNothing(entry: TransactionEntry, outcome: "commit" | "abort"): Identity {
    if (outcome === "commit") return refused(ERROR.INVALID_TXN_STATE);
    this.#remember(entry);
    this.#bump(entry);
    entry.state = "complete";
    entry.outcome = outcome;
    return answered(entry);
  }

  #end(
    entry: TransactionEntry,
    outcome: "commit" | "abort",
    by: "client" | "timeout" | "init",
  ): void {
    entry.state = "prepare";
    entry.outcome = outcome;
    if (entry.fate !== null) entry.fate.outcome = outcome;
    const { producerId } = entry;
    if (this.#version === 2 || by !== "client") {
      if (by === "client") this.#remember(entry);
      else entry.lastEpoch = -1;
      this.#bump(entry);
    }
    // Markers carry the bumped epoch, which fences what is still on its way; of a producer id that
    // ran out of epochs, the last.
    const epoch = entry.producerId === producerId ? entry.epoch : EPOCH_MAX + 1;
    this.#host.decided(entry, by);
    let left = entry.partitions.size;
    const written = (): void => {
      left -= 1;
      if (left === 0) entry.state = "complete";
    };
    for (const partition of entry.partitions) {
      this.#host.writeMarker(partition, producerId, epoch, outcome, written);
    }
    if (left === 0) entry.state = "complete";
  }

  #remember(entry: TransactionEntry): void {
    entry.lastProducerId = entry.producerId;
    entry.lastEpoch = entry.epoch;
  }

  #bump(entry: TransactionEntry): void {
    if (entry.epoch >= EPOCH_MAX) {
      entry.producerId = this.#newProducerId();
      entry.epoch = 0;
    } else {
      entry.epoch += 1;
    }
  }

  #newProducerId(): bigint {
    const id = this.#nextProducerId;
    this.#nextProducerId += 1n;
    return id;
  }
}

function answered(entry: TransactionEntry): Identity {
  return { error: ERROR.NONE, id: entry.producerId, epoch: entry.epoch };
}

function refused(error: number): Identity {
  return { error, id: -1n, epoch: -1 };
}
