import type { Fate, PartitionLog } from "./kafka/log.ts";
import type { ModelKafka } from "./kafka/model.ts";
import { encodeBatch, readSentBatch } from "./kafka/records.ts";
import type { Loop } from "./loop.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import { INPUT } from "./topologies.ts";

/** Event time begins here. */
const EVENT_TIME_MS = 1_000_000;
const BURST_MAX = 8;
/** A record of a transaction that is aborted: nobody may see it. */
const ABORTED = "aborted";

/**
 * Writes the inputs over the world's time: in bursts, a key always to the same partition, event times
 * mostly ascending. Where the plan says so in transactions, every fourth of which is aborted.
 */
export class Inputs {
  isDone = false;
  #left: number;
  #written = 0;
  #producers = 0;
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #kafka: ModelKafka;
  readonly #plan: Plan;

  constructor(loop: Loop, random: Random, kafka: ModelKafka, plan: Plan) {
    this.#loop = loop;
    this.#random = random;
    this.#kafka = kafka;
    this.#plan = plan;
    this.#left = plan.records;
  }

  start(): void {
    const { records, spanMs } = this.#plan;
    const bursts = Math.max(1, Math.ceil((records * 2) / BURST_MAX));
    this.#loop.after(this.#random.next() * 2 * (spanMs / bursts), null, () => {
      this.#burst();
      this.isDone = this.#left === 0;
      if (!this.isDone) this.start();
    });
  }

  #burst(): void {
    const random = this.#random;
    const { partitions, keys, transactionalInput } = this.#plan;
    const partition = random.int(0, partitions - 1);
    const log = this.#kafka.log(INPUT, partition);
    if (log === null) throw new Error("there is no input");
    const own = Array.from({ length: keys }, (_, key) => key).filter(
      (key) => key % partitions === partition,
    );
    const isAborted = transactionalInput && random.chance(0.3);
    const count = isAborted ? random.int(2, 4) : Math.min(this.#left, random.int(1, BURST_MAX));
    if (own.length === 0) return;
    const records = Array.from({ length: count }, () => {
      const empties = !isAborted && random.chance(this.#plan.empties) ? "x" : "";
      const name = isAborted ? ABORTED : `${empties}${partition}.${this.#written++}`;
      const late = random.chance(0.1) ? random.int(0, 3_000) : 0;
      const timestamp = EVENT_TIME_MS + Math.floor(this.#loop.nowMs) - late;
      return { key: Buffer.from(`k${random.pick(own)}`), value: Buffer.from(name), timestamp };
    });
    if (!isAborted) this.#left -= count;
    if (transactionalInput) this.#transaction(log, records, isAborted);
    else {
      log.appendPlain(records, this.#loop.nowMs);
      this.#grown();
    }
  }

  #transaction(
    log: PartitionLog,
    records: readonly { key: Buffer; value: Buffer; timestamp: number }[],
    isAborted: boolean,
  ): void {
    // A producer for each burst, and two batches: transactions overlap, as those of many producers do.
    const producerId = BigInt(10 + this.#producers++);
    const outcome = isAborted ? "abort" : "commit";
    const fate: Fate = { number: 0, outcome: "open" };
    const half = Math.ceil(records.length / 2);
    const send = (from: number, part: typeof records): void => {
      if (part.length === 0) return;
      const bytes = encodeBatch({
        baseOffset: 0,
        lastOffset: part.length - 1,
        leaderEpoch: 0,
        producerId,
        producerEpoch: 0,
        baseSequence: from,
        transactional: true,
        control: false,
        records: part.map((record, offset) => ({ ...record, offset })),
      });
      log.append(readSentBatch(bytes), fate, this.#loop.nowMs);
    };
    send(0, records.slice(0, half));
    const secondMs = this.#random.skewed(1, 150);
    this.#loop.after(secondMs, null, () => send(half, records.slice(half)));
    this.#loop.after(secondMs + this.#random.skewed(1, 150), null, () => {
      fate.outcome = outcome;
      log.mark(producerId, 0, outcome, this.#loop.nowMs);
      this.#grown();
    });
  }

  #grown(): void {
    for (const check of [...this.#kafka.grown]) check();
  }
}
