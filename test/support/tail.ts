import kafkajs, { type Kafka } from "kafkajs";
import type { JudgedRecord } from "./judges.ts";
import { type Child, eventually } from "./sidecar-process.ts";
import { watch } from "./topics.ts";

const MARK = "end mark of the test";
let marks = 0;

/** A topic that is read to its end again and again: what has come since the last time. */
export class Tail {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #records: JudgedRecord[];
  readonly #stop: () => Promise<void>;
  #taken = 0;

  private constructor(kafka: Kafka, topic: string, watched: Awaited<ReturnType<typeof watch>>) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#records = watched.records;
    this.#stop = () => watched.stop();
  }

  static async of(kafka: Kafka, topic: string): Promise<Tail> {
    return new Tail(kafka, topic, await watch(kafka, topic));
  }

  /** Waits until at least so many new records are there; fails when one of the children ends. */
  async reaches(count: number, children: readonly Child[], timeoutMs = 60_000): Promise<void> {
    const what = `${count} records of ${this.#topic}`;
    const isThere = (): boolean => {
      const ended = children.find(({ isRunning }) => !isRunning);
      if (ended !== undefined) throw new Error(`${ended.name} has ended:\n${ended.output}`);
      return this.#records.length - this.#taken >= count;
    };
    await eventually(what, isThere, children, timeoutMs);
  }

  /**
   * What has come since the last call, all of it: an end mark goes into each partition, and whatever
   * stands before the mark has been read when the mark comes back. Nobody else may write any more.
   */
  async take(): Promise<JudgedRecord[]> {
    const partitions = await this.#partitions();
    const value = `${MARK} ${marks++}`;
    const producer = this.#kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const messages = partitions.map((partition) => ({ partition, key: MARK, value }));
    await producer.send({ topic: this.#topic, acks: -1, messages });
    await producer.disconnect();
    const isMark = (record: JudgedRecord): boolean => String(record.value) === value;
    const back = (): boolean => this.#records.filter(isMark).length === partitions.length;
    await eventually(`the end of ${this.#topic}`, back);
    const since = this.#records.slice(this.#taken);
    this.#taken = this.#records.length;
    return since.filter(({ key }) => String(key) !== MARK);
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  async #partitions(): Promise<number[]> {
    const admin = this.#kafka.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [this.#topic] });
    await admin.disconnect();
    return (topics[0]?.partitions ?? []).map(({ partitionId }) => partitionId);
  }
}
