import { commandOptions } from "./checkup.ts";
import type { Config } from "./config/config.ts";
import { connectKafka, type Kafka } from "./kafka/client.ts";
import type { Letter, LetterPlace } from "./letters/letter.ts";
import { describeParked, readParkedLetters } from "./parked/read-parked.ts";
import { type Asked, type ReleaseRequest, writeCommands } from "./parked/release.ts";
import type { Log } from "./ports/log.ts";
import { PATIENCE_MS } from "./replay/read-letters.ts";
import { failpoint } from "./runtime/failpoint.ts";
import { changelogTopic, controlTopic, PARKED_STORE } from "./topology/names.ts";

export type { ReleaseRequest } from "./parked/release.ts";

/** The parked records of one application, for a command. */
export class ParkedBox {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #control: string;

  private constructor(kafka: Kafka, applicationId: string) {
    this.#kafka = kafka;
    this.#topic = changelogTopic(applicationId, PARKED_STORE);
    this.#control = controlTopic(applicationId);
  }

  /** Rejects with BROKER_UNAVAILABLE when no broker answers, as `connectKafka` does. */
  static async open(config: Config, log: Log): Promise<ParkedBox> {
    return new ParkedBox(await connectKafka(commandOptions(config, log)), config.applicationId);
  }

  /** What is parked, in order; with value and headers at `whole`, alone. Rejects with TOPIC_MISSING. */
  async letters(whole: LetterPlace | null): Promise<Letter[]> {
    const { admin, offsets } = this.#kafka;
    const described = await describeParked(admin, this.#topic);
    const isWhole = (partition: number, sequence: number): boolean =>
      whole?.partition === partition && whole.offset === sequence;
    return await readParkedLetters(offsets, described, isWhole);
  }

  /** `crashAt` kills the process at a moment of the transaction, for tests; see `failpoint`. */
  async release(request: ReleaseRequest, crashAt: string | undefined): Promise<Asked> {
    const waiting = await this.letters(null);
    const producer = this.#kafka.producer(this.#control);
    const { entered } = failpoint(crashAt);
    const parts = { producer, topic: this.#control, entered };
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      return await writeCommands(parts, this.#control, waiting, request, signal);
    } finally {
      await producer.close();
    }
  }

  async close(): Promise<void> {
    await this.#kafka.close();
  }
}
