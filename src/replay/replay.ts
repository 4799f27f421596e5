import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Letter } from "../letters/letter.ts";
import {
  encodeMark,
  isDue,
  isStale,
  markKey,
  type ReplayMark,
  type ReplayMarks,
  replaysTopicOf,
} from "../letters/replay-mark.ts";
import { placeName, type Selection } from "../letters/selection.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Offsets } from "../ports/consumer.ts";
import type { AppendedRecord, CutRecords } from "../ports/producer.ts";
import { prepareMarks, readMarks } from "./marks.ts";
import { Patience } from "./patience.ts";
import { describeLetters, PATIENCE_MS, readLetters } from "./read-letters.ts";
import { commitReplay, type TransactionParts } from "./replay-transaction.ts";

export interface ReplayParts extends TransactionParts {
  readonly admin: Admin;
  readonly offsets: Offsets;
}

export interface ReplayRequest {
  readonly selection: Selection;
  /** The topic to send to; null for the one that each record was given up from. */
  readonly to: string | null;
  /** Replays also what was replayed by commands started before this; null for what never was, alone. */
  readonly againBeforeMs: number | null;
  /** When this command was started, in ms: written to the marks. */
  readonly startedAtMs: number;
  /** Letters of one transaction. */
  readonly batchMax: number;
  readonly replicationFactor: number;
  /** Told of how many letters have been replayed, after each commit. */
  readonly progress: (replayed: number) => void;
}

export interface Replayed {
  readonly replayed: number;
  /** Of those selected: how many were left alone, because they had been replayed. */
  readonly already: number;
  /** How many records went where. */
  readonly topics: ReadonlyMap<string, number>;
  /** Places that were asked for and hold no letter. */
  readonly missing: readonly string[];
}

/** Bytes of a transaction after which it is committed, however few its letters. */
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * Sends letters back as the records that they were. Each is produced in one transaction with a mark that
 * it was; the marks are read when this producer has fenced every other of the same dead-letter topic, so
 * that nobody else can add to them. So a letter is replayed once however often the command dies, and
 * however many run at the same time.
 */
export async function replay(parts: ReplayParts, request: ReplayRequest): Promise<Replayed> {
  const { admin, offsets, producer, topic } = parts;
  const letters = await describeLetters(admin, topic);
  await prepareMarks(admin, letters, request.replicationFactor);
  const patience = new Patience(PATIENCE_MS, `the transactions of ${replaysTopicOf(topic)}`);
  try {
    const ready = await producer.initialize(patience.signal);
    if (ready.kind !== "ready") throw ready.error;
    await producer.prepare([replaysTopicOf(topic)], patience.signal);
  } finally {
    patience.end();
  }
  // Only now: whoever was replaying is fenced, and its last transaction has ended.
  const marks = await readMarks(admin, offsets, letters);
  return await new Replay(parts, request, letters, marks).run();
}

class Replay {
  readonly #parts: ReplayParts;
  readonly #request: ReplayRequest;
  readonly #letters: TopicDescription;
  readonly #marks: ReplayMarks;
  /** Partitions of the topics that are sent to. */
  readonly #targets = new Map<string, number>();
  readonly #topics = new Map<string, number>();
  readonly #record = emptyRecord();
  #cut: CutRecords;
  #inCut = 0;
  #replayed = 0;
  #already = 0;

  constructor(
    parts: ReplayParts,
    request: ReplayRequest,
    letters: TopicDescription,
    marks: ReplayMarks,
  ) {
    this.#parts = parts;
    this.#request = request;
    this.#letters = letters;
    this.#marks = marks;
    this.#cut = parts.producer.begin();
  }

  async run(): Promise<Replayed> {
    const { selection, againBeforeMs, batchMax } = this.#request;
    const missing = new Set(selection.places?.map(placeName));
    for await (const letter of readLetters(this.#parts.offsets, this.#letters, selection)) {
      missing.delete(placeName(letter));
      const key = markKey(this.#letters.id, letter);
      const mark = this.#marks.get(key);
      if (!isDue(mark, againBeforeMs)) {
        this.#already += 1;
        continue;
      }
      const to = await this.#send(letter);
      const { startedAtMs } = this.#request;
      this.#appendMark(key, { atMs: startedAtMs, to, times: (mark?.times ?? 0) + 1 });
      this.#inCut += 1;
      if (this.#inCut >= batchMax || this.#cut.bytes >= BYTES_MAX) await this.#commit();
    }
    await this.#commit();
    await this.#forgetStale();
    return {
      replayed: this.#replayed,
      already: this.#already,
      topics: this.#topics,
      missing: [...missing],
    };
  }

  async #send(letter: Letter): Promise<string> {
    const { source } = letter.cause;
    const topic = this.#request.to ?? source?.topic ?? null;
    if (topic === null) throw homeless(this.#letters.name, letter);
    const partitions = this.#targets.get(topic) ?? (await this.#learn(topic, letter));
    const home = topic === source?.topic && source.partition < partitions ? source.partition : -1;
    const record = this.#record;
    record.topic = topic;
    // Where it came from, whoever partitioned it: there is the state of its key.
    record.partition = home;
    record.timestamp = letter.timestamp;
    setKey(record, letter.key);
    setValue(record, letter.value);
    record.headersBytes = letter.headersBytes;
    record.headersPosition = 0;
    record.headersEnd = letter.headersBytes?.length ?? 0;
    this.#cut.append(record);
    this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + 1);
    return topic;
  }

  async #learn(topic: string, letter: Letter): Promise<number> {
    const { admin, producer } = this.#parts;
    const described = (await admin.describeTopics([topic])).get(topic);
    if (described === undefined) {
      const text = `the letter ${placeName(letter)} of ${this.#letters.name} belongs to ${topic}`;
      throw new OutriggerError(
        "TOPIC_MISSING",
        `${text}, which does not exist; create it, or use --to`,
      );
    }
    await producer.prepare([topic], AbortSignal.timeout(PATIENCE_MS));
    this.#targets.set(topic, described.partitions);
    return described.partitions;
  }

  #appendMark(key: string, mark: ReplayMark | null): void {
    const record = this.#record;
    record.topic = replaysTopicOf(this.#letters.name);
    record.partition = 0;
    record.timestamp = this.#request.startedAtMs;
    setKey(record, Buffer.from(key));
    setValue(record, mark === null ? null : Buffer.from(encodeMark(mark)));
    record.headersBytes = null;
    this.#cut.append(record);
  }

  async #commit(): Promise<void> {
    if (this.#cut.records === 0) return;
    await commitReplay(this.#parts, this.#cut);
    this.#cut = this.#parts.producer.begin();
    if (this.#inCut === 0) return;
    this.#replayed += this.#inCut;
    this.#inCut = 0;
    this.#request.progress(this.#replayed);
  }

  /** Marks of letters that are gone: without this they would be kept for ever. */
  async #forgetStale(): Promise<void> {
    const { name, id, partitions } = this.#letters;
    const patience = new Patience(PATIENCE_MS, name);
    const starts = new Map<number, number>();
    try {
      for (let partition = 0; partition < partitions; partition++) {
        const at = { topic: name, partition };
        starts.set(partition, (await this.#parts.offsets.range(at, patience.signal)).start);
        patience.renew();
      }
    } finally {
      patience.end();
    }
    for (const key of this.#marks.keys()) {
      if (!isStale(key, id, starts)) continue;
      this.#appendMark(key, null);
      if (this.#cut.bytes >= BYTES_MAX) await this.#commit();
    }
    await this.#commit();
  }
}

function homeless(topic: string, letter: Letter): OutriggerError {
  const text =
    `the record ${placeName(letter)} of ${topic} does not say which topic it came from: it is no dead ` +
    "letter of Kafka Streams or Outrigger; say by --to where to send it, or leave it out";
  return new OutriggerError("CONFIG_INVALID", text);
}

const NOTHING = Buffer.alloc(0);

function emptyRecord(): AppendedRecord {
  return {
    topic: "",
    partition: -1,
    timestamp: 0,
    keyBytes: NOTHING,
    keyPosition: 0,
    keyLength: -1,
    valueBytes: NOTHING,
    valuePosition: 0,
    valueLength: -1,
    headersBytes: null,
    headersPosition: 0,
    headersEnd: 0,
  };
}

function setKey(record: AppendedRecord, key: Buffer | null): void {
  record.keyBytes = key ?? NOTHING;
  record.keyLength = key === null ? -1 : key.length;
}

function setValue(record: AppendedRecord, value: Buffer | null): void {
  record.valueBytes = value ?? NOTHING;
  record.valueLength = value === null ? -1 : value.length;
}
