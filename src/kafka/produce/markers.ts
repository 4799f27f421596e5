import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { Log } from "../../ports/log.ts";
import type { Cluster } from "../network/cluster.ts";
import { orAborted, retrying } from "../network/retry.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import {
  DESCRIBE_TRANSACTIONS,
  describeTransactionRequest,
  type TransactionAnswer,
} from "../protocol/transaction-markers.ts";
import type { ProducerIdentity } from "../protocol/transactions.ts";
import { isPassing, lostMarkers, named, notYet, writeMarkers } from "./lost-markers.ts";

type Outcome = "commit" | "abort";

/** A transaction that its coordinator was told to end. */
interface Ended {
  /** null for one of an earlier process: the coordinator knows. */
  readonly producer: ProducerIdentity | null;
  readonly partitions: readonly TopicPartition[];
  readonly hasOffsets: boolean;
  /** `Cluster.connectionsLost` before EndTxn was sent; -1 where that is not known. */
  readonly lost: number;
  /** null while it is not known. */
  readonly outcome: Outcome | null;
}

const PAUSES = { retryBackoffMs: 50, retryBackoffMaxMs: 1_000 };
const OFFSETS_TOPIC = "__consumer_offsets";

/**
 * Sees to it that a transaction which has ended has its markers in every partition that it wrote.
 *
 * An EndTxn is answered before the markers are written. A coordinator of Kafka 4 that finds a partition
 * without a leader takes it for deleted and writes none there (ADR 0013): a broker that is alone and is
 * killed does so after its start. What was committed then shares the fate of the producer's next
 * transaction in that partition. So, after a connection was lost, nothing is written before the leaders
 * have been asked for what stands open, and what is missing has been written.
 */
export class Markers {
  readonly #cluster: Cluster;
  readonly #transactionalId: string;
  readonly #groupId: string;
  readonly #log: Log | null;
  readonly #closing: AbortSignal;
  #last: Ended | null = null;
  #settling: Promise<void> | null = null;
  #saidUnseen = false;

  constructor(
    cluster: Cluster,
    ids: { readonly transactionalId: string; readonly groupId: string; readonly log?: Log },
    closing: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#transactionalId = ids.transactionalId;
    this.#groupId = ids.groupId;
    this.#log = ids.log ?? null;
    this.#closing = AbortSignal.any([closing, cluster.closing]);
    const stop = cluster.whenConnectionLost(() => this.#settleBehind());
    closing.addEventListener("abort", stop, { once: true });
  }

  /** No connection was lost since the last transaction was told to end: its markers are on their way. */
  get areSure(): boolean {
    return this.#last === null || this.#last.lost === this.#cluster.connectionsLost;
  }

  /** A process of this transactional id may have ended one, in these partitions, and died. */
  inherit(partitions: readonly TopicPartition[]): void {
    this.#last = { producer: null, partitions, hasOffsets: true, lost: -1, outcome: null };
  }

  /** EndTxn is about to be sent, for the first time, or InitProducerId instead of it. */
  ending(
    producer: ProducerIdentity,
    partitions: readonly TopicPartition[],
    hasOffsets: boolean,
  ): void {
    const lost = this.#cluster.connectionsLost;
    this.#last = { producer, partitions, hasOffsets, lost, outcome: null };
  }

  /** The coordinator has said so. */
  ended(outcome: Outcome): void {
    if (this.#last !== null) this.#last = { ...this.#last, outcome };
    this.#settleBehind();
  }

  /**
   * Resolves when the markers are there, at once where nothing speaks against it. Rejects with what may be
   * tried again when `signal` ends it, with TRANSACTION_MARKERS_LOST where one is missing for good.
   */
  async settle(signal: AbortSignal): Promise<void> {
    const last = this.#last;
    if (last === null || this.areSure) return;
    const attempt = async (): Promise<void> => {
      await this.#settleNow(last);
      if (this.#last === last) this.#last = null;
    };
    this.#settling ??= retrying(PAUSES, this.#closing, attempt).finally(() => {
      this.#settling = null;
    });
    try {
      await orAborted(this.#settling, signal);
    } catch (thrown: unknown) {
      if (thrown instanceof OutriggerError) throw thrown;
      // The runtime's own error of a timeout is none of ours.
      throw notYet(`markers of the last transaction of ${this.#transactionalId} are looked for`);
    }
  }

  /** Not to wait for a next transaction, which may never come, while readers wait for these records. */
  #settleBehind(): void {
    if (this.#last === null || this.#last.outcome === null || this.#closing.aborted) return;
    this.settle(this.#closing).catch((error: unknown) => {
      // Whoever writes next is told, too.
      if (error instanceof OutriggerError && error.recovery !== "retry") {
        this.#log?.error(error.message, { code: error.code });
      }
    });
  }

  async #settleNow(last: Ended): Promise<void> {
    const answer = await this.#describe();
    if (answer === null) return;
    const outcome = outcomeOf(answer.state, last.outcome);
    if (outcome === null) return;
    const { lost, unseen } = await lostMarkers(
      this.#cluster,
      last.producer ?? answer.producer,
      last.hasOffsets ? [...last.partitions, ...(await this.#offsets())] : last.partitions,
    );
    this.#sayUnseen(unseen);
    if (lost.length === 0) return;
    await writeMarkers(this.#cluster, lost, outcome);
    this.#log?.warn("the broker had lost markers of our last transaction: they are written", {
      outcome,
      partitions: named(lost),
    });
  }

  /** null where nothing can be told, for ever. */
  async #describe(): Promise<TransactionAnswer | null> {
    const id = this.#transactionalId;
    const what = `the transaction of ${id}`;
    const coordinator = await this.#cluster.coordinator("transaction", id, this.#closing);
    try {
      const answer = await this.#cluster.send(
        coordinator,
        "general",
        DESCRIBE_TRANSACTIONS,
        (version) => describeTransactionRequest(version, id),
      );
      if (answer === null || answer.error === ERROR.TRANSACTIONAL_ID_NOT_FOUND) return null;
      if (isPassing(answer.error)) throw notYet(`${what}: ${errorName(answer.error)}`);
      if (answer.error !== ERROR.NONE) {
        this.#sayUnseen([`${what}: ${errorName(answer.error)}`]);
        return null;
      }
      if (answer.state.startsWith("Prepare")) throw notYet(`${what} is being ended`);
      return answer;
    } catch (thrown: unknown) {
      this.#cluster.invalidateCoordinator("transaction", id);
      // A broker without KIP-664: there is nothing to be asked.
      if (thrown instanceof OutriggerError && thrown.code === "BROKER_INCOMPATIBLE") return null;
      throw thrown;
    }
  }

  /** Where the group's offsets are: they are written in the transaction, too. */
  async #offsets(): Promise<readonly TopicPartition[]> {
    const { topics } = await this.#cluster.describe([OFFSETS_TOPIC]);
    const [topic] = topics;
    if (topic === undefined || topic.error !== ERROR.NONE) {
      if (topic !== undefined && isPassing(topic.error)) {
        throw notYet(`${OFFSETS_TOPIC}: ${errorName(topic.error)}`);
      }
      this.#sayUnseen([`${OFFSETS_TOPIC}: ${errorName(topic?.error ?? ERROR.NONE)}`]);
      return [];
    }
    const partition = javaHash(this.#groupId) % topic.partitions.length;
    return [{ topic: OFFSETS_TOPIC, partition }];
  }

  #sayUnseen(unseen: readonly string[]): void {
    if (unseen.length === 0 || this.#saidUnseen) return;
    this.#saidUnseen = true;
    this.#log?.warn(
      "after a lost connection, lost markers of our last transaction cannot be found: grant READ on " +
        `what is written and on ${OFFSETS_TOPIC}`,
      { unseen: unseen.slice(0, 5).join("; ") },
    );
  }
}

/** What became of it; null where its coordinator has not ended it, and will. */
function outcomeOf(state: string, known: Outcome | null): Outcome | null {
  if (known !== null) return known;
  switch (state) {
    case "CompleteCommit":
      return "commit";
    case "CompleteAbort":
      return "abort";
    default:
      return null;
  }
}

/** `Utils.abs(groupId.hashCode())`: how brokers choose a group's partition. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash === -(2 ** 31) ? 0 : Math.abs(hash);
}
