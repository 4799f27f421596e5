import kafkajs, { type Kafka, type Producer } from "kafkajs";
import type { Marks } from "../checker/conditions.ts";
import { inputs } from "../checker/inputs.ts";

const CHUNK = 25;
const EVERY_MS = 60;
const RETRY = { initialRetryTime: 50, maxRetryTime: 1_000, retries: 8 };

/**
 * Sends the workload's input from a record on, a chunk at a time, until it is stopped. What a send
 * that failed has left in the topic is not sent again: the checker counts the input by the topic.
 */
export class Feeder {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #seed: number;
  readonly #marks: Marks;
  #next = 0;
  #stopped = false;
  #running: Promise<void> | null = null;
  /** Chunks of which nobody knows whether they arrived. */
  lost = 0;

  constructor(
    kafka: Kafka,
    prefix: string,
    seed: number,
    { from = 0, marks = () => null }: { readonly from?: number; readonly marks?: Marks } = {},
  ) {
    this.#kafka = kafka;
    this.#topic = `${prefix}-in`;
    this.#seed = seed;
    this.#next = from;
    this.#marks = marks;
  }

  get sent(): number {
    return this.#next;
  }

  start(): void {
    this.#stopped = false;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let producer: Producer | null = null;
    while (!this.#stopped) {
      const startedAt = performance.now();
      try {
        producer ??= await this.#connect();
        const messages = inputs(this.#seed, this.#next, CHUNK, this.#marks).map((record) => {
          return { ...record, timestamp: String(record.timestamp) };
        });
        this.#next += CHUNK;
        await producer.send({ topic: this.#topic, acks: -1, messages });
      } catch {
        // Its sequence numbers are not known to the broker any more: another producer goes on.
        this.lost += 1;
        await producer?.disconnect().catch(() => {});
        producer = null;
      }
      const restMs = EVERY_MS - (performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, restMs)));
    }
    await producer?.disconnect().catch(() => {});
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    await producer.connect();
    return producer;
  }
}
