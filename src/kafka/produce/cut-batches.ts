import { OutriggerError } from "../../errors/outrigger-error.ts";
import { BATCH_BYTES_MAX } from "../../model/batch-bytes.ts";
import type { BufferPool } from "../../model/buffer-pool.ts";
import type { AppendedRecord, CutRecords } from "../../ports/producer.ts";
import type { CodecName } from "../codecs/codec.ts";
import { RecordBatchBuilder } from "../records/record-batch-builder.ts";
import { partitionOf } from "./murmur2.ts";

/** The batches of one partition, in the order that they are to be appended. */
export interface PartitionBatches {
  readonly topic: string;
  readonly partition: number;
  readonly builders: RecordBatchBuilder[];
}

const BATCH_BYTES_FIRST = 8 * 1024;

/** As many as Node's thread pool has threads. */
const COMPRESSED_AT_ONCE_MAX = 4;

interface Topic {
  readonly partitions: (PartitionBatches | undefined)[];
  /** Where records without a key go: one partition per cut. */
  readonly sticky: number;
}

/** The records of one cut in record batches, unsealed: they can be produced again after an abort. */
export class CutBatches implements CutRecords {
  readonly all: PartitionBatches[] = [];
  records = 0;
  /** How often they were given to be sent: more than once after an abort. */
  produced = 0;
  readonly #partitionCounts: ReadonlyMap<string, number>;
  readonly #buffers: BufferPool;
  readonly #topics = new Map<string, Topic>();
  readonly #sticky: number;
  #lastName = "";
  #last: Topic | null = null;

  /** `sticky` chooses the partition of records without a key. */
  constructor(partitionCounts: ReadonlyMap<string, number>, sticky: number, buffers: BufferPool) {
    this.#partitionCounts = partitionCounts;
    this.#buffers = buffers;
    this.#sticky = sticky;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { builders } of this.all) for (const builder of builders) bytes += builder.bytes;
    return bytes;
  }

  byTopic(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { topic, builders } of this.all) {
      let count = counts.get(topic) ?? 0;
      for (const builder of builders) count += builder.count;
      counts.set(topic, count);
    }
    return counts;
  }

  /** Compresses every batch, a few at once; a second call finds it done. */
  async compress(codec: CodecName): Promise<void> {
    if (codec === "none") return;
    const builders = this.all.flatMap((batches) => batches.builders);
    const next = builders.values();
    const compressor = async (): Promise<void> => {
      for (const builder of next) await builder.compress(codec);
    };
    await Promise.all(Array.from({ length: COMPRESSED_AT_ONCE_MAX }, compressor));
  }

  /** The bytes of all batches are free to be used again; their counts stay. */
  release(): void {
    for (const { builders } of this.all) for (const builder of builders) builder.release();
  }

  append(record: AppendedRecord): void {
    const topic =
      record.topic === this.#lastName && this.#last ? this.#last : this.#find(record.topic);
    const partition = record.partition >= 0 ? record.partition : partitionFor(record, topic);
    const batches = topic.partitions[partition] ?? this.#start(record.topic, topic, partition);
    const { builders } = batches;
    const current = builders[builders.length - 1];
    if (current === undefined || !current.append(record)) {
      const next = new RecordBatchBuilder({
        bytesMax: BATCH_BYTES_MAX,
        transactional: true,
        initialBytes: current === undefined ? BATCH_BYTES_FIRST : BATCH_BYTES_MAX,
        buffers: this.#buffers,
      });
      // An empty batch takes one record of any size; `producer.max.request.size` was checked before.
      next.append(record);
      builders.push(next);
    }
    this.records += 1;
  }

  #find(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const count = this.#partitionCounts.get(name);
      if (count === undefined) {
        const text = `a record is for ${name}, which was not prepared: it is no sink or changelog`;
        throw new OutriggerError("TOPIC_MISSING", text);
      }
      topic = { partitions: new Array(count), sticky: this.#sticky % count };
      this.#topics.set(name, topic);
    }
    this.#lastName = name;
    this.#last = topic;
    return topic;
  }

  #start(name: string, topic: Topic, partition: number): PartitionBatches {
    const batches = { topic: name, partition, builders: [] };
    topic.partitions[partition] = batches;
    this.all.push(batches);
    return batches;
  }
}

function partitionFor(record: AppendedRecord, { partitions, sticky }: Topic): number {
  if (record.keyLength < 0) return sticky;
  const { keyBytes, keyPosition, keyLength } = record;
  return partitionOf(keyBytes, keyPosition, keyLength, partitions.length);
}
