import type { Cluster } from "../network/cluster.ts";
import { firstSignal } from "../network/first-signal.ts";
import { delay, orAborted } from "../network/retry.ts";
import { ERROR } from "../protocol/error-codes.ts";
import {
  DESCRIBE_TRANSACTIONS,
  describeTransactionRequest,
} from "../protocol/transaction-markers.ts";

/** Most markers are written by then, and with commits each 6 ms or more nothing follows sooner. */
const ASK_FIRST_MS = 3;
const ASK_EACH_MS = 1;

/**
 * Waits until the coordinator has completed the transaction that it was told to end. It answers EndTxn before
 * the markers are written, and takes no batch of the next transaction until they are. With transactions v2
 * the leader does not say so: it holds the batch back and asks again after 20 ms
 * (`add.partitions.to.txn.retry.backoff.ms`), though most are written within 3. So the coordinator is asked
 * first, where the next transaction follows soon; where the last one did, meanwhile. That is for speed
 * alone: whatever goes wrong with it, the batch is sent.
 */
export class Completion {
  readonly #cluster: Cluster;
  readonly #transactionalId: string;
  readonly #closing: AbortSignal;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #followsSoon = false;
  #asking: Promise<void> | null = null;
  #canAsk = true;

  constructor(cluster: Cluster, transactionalId: string, closing: AbortSignal) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#closing = closing;
  }

  /** EndTxn was answered. */
  ended(): void {
    this.#endedAtMs = performance.now();
    this.#asking = this.#followsSoon ? this.#ask(ASK_FIRST_MS) : null;
  }

  /** Resolves when the next transaction may begin, as far as can be told; never rejects. */
  async awaited(): Promise<void> {
    const sinceMs = performance.now() - this.#endedAtMs;
    this.#followsSoon = sinceMs < this.#cluster.limits.completionAskedMs;
    this.#endedAtMs = Number.NEGATIVE_INFINITY;
    if (this.#followsSoon) await (this.#asking ?? this.#ask(0));
    this.#asking = null;
  }

  async #ask(afterMs: number): Promise<void> {
    if (!this.#canAsk) return;
    const { completionWaitMaxMs } = this.#cluster.limits;
    const either = firstSignal([this.#closing, AbortSignal.timeout(completionWaitMaxMs)]);
    try {
      if (afterMs > 0) await delay(afterMs, either.signal);
      while ((await orAborted(this.#state(either.signal), either.signal)).startsWith("Prepare")) {
        await delay(ASK_EACH_MS, either.signal);
      }
    } catch {
      // Whoever sends the batch meets the reason, too; brokers without KIP-664 cannot be asked.
    } finally {
      either.release();
    }
  }

  /** Empty where it is not told. */
  async #state(signal: AbortSignal): Promise<string> {
    const id = this.#transactionalId;
    const coordinator = await this.#cluster.coordinator("transaction", id, signal);
    const answer = await this.#cluster.send(
      coordinator,
      "general",
      DESCRIBE_TRANSACTIONS,
      (version) => describeTransactionRequest(version, id),
    );
    if (answer?.error === ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) this.#canAsk = false;
    return answer?.error === ERROR.NONE ? answer.state : "";
  }
}
