import { commandOptions } from "./checkup.ts";
import type { Config } from "./config/config.ts";
import { connectKafka, type Kafka } from "./kafka/client.ts";
import type { Letter } from "./letters/letter.ts";
import { markKey, type ReplayMark, replaysTopicOf } from "./letters/replay-mark.ts";
import type { Selection } from "./letters/selection.ts";
import type { Log } from "./ports/log.ts";
import { readMarks } from "./replay/marks.ts";
import { describeLetters, readLetters } from "./replay/read-letters.ts";
import { type Replayed, type ReplayRequest, replay } from "./replay/replay.ts";
import { failpoint } from "./runtime/failpoint.ts";

/** A letter, and when it was replayed, if it was. */
export interface FoundLetter {
  readonly letter: Letter;
  readonly replayed: ReplayMark | null;
}

/** The dead letters of one topic, for a command. */
export class Letterbox {
  readonly #kafka: Kafka;
  readonly #config: Config;
  readonly #topic: string;

  private constructor(kafka: Kafka, config: Config, topic: string) {
    this.#kafka = kafka;
    this.#config = config;
    this.#topic = topic;
  }

  /** Rejects with BROKER_UNAVAILABLE when no broker answers, as `connectKafka` does. */
  static async open(config: Config, topic: string, log: Log): Promise<Letterbox> {
    return new Letterbox(await connectKafka(commandOptions(config, log)), config, topic);
  }

  /**
   * The selected letters in the order of partitions and offsets; each is a view of what was fetched, so
   * who keeps one copies it. Rejects with TOPIC_MISSING.
   */
  async *letters(selection: Selection): AsyncGenerator<FoundLetter, void, undefined> {
    const { admin, offsets } = this.#kafka;
    const described = await describeLetters(admin, this.#topic);
    const marks = await readMarks(admin, offsets, described);
    for await (const letter of readLetters(offsets, described, selection)) {
      yield { letter, replayed: marks.get(markKey(described.id, letter)) ?? null };
    }
  }

  /** `crashAt` kills the process at a moment of a transaction, for tests; see `failpoint`. */
  async replay(
    request: Omit<ReplayRequest, "replicationFactor">,
    crashAt: string | undefined,
  ): Promise<Replayed> {
    const { admin, offsets } = this.#kafka;
    const producer = this.#kafka.producer(replaysTopicOf(this.#topic));
    const { entered } = failpoint(crashAt);
    const parts = { admin, offsets, producer, topic: this.#topic, entered };
    try {
      const { replicationFactor } = this.#config;
      return await replay(parts, { ...request, replicationFactor });
    } finally {
      await producer.close();
    }
  }

  async close(): Promise<void> {
    await this.#kafka.close();
  }
}
