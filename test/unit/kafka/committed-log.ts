import type { AbortedTransaction } from "../../../src/kafka/protocol/fetch.ts";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";
import { RecordBatchBuilder } from "../../../src/kafka/records/record-batch-builder.ts";
import { JAVA_BATCHES } from "./java-bytes.ts";

/** A log of one partition as a broker keeps it: batches of several producers, and markers. */
export class CommittedLog {
  readonly #batches: Buffer[] = [];
  readonly #aborted: (AbortedTransaction & { readonly markerOffset: number })[] = [];
  end = 0;
  /** First offset of each producer's open transaction. */
  readonly #open = new Map<number, number>();

  /** One batch of a transaction; -1 for a producer without one. */
  append(producerId: number, keys: readonly (string | Buffer)[]): this {
    const transactional = producerId >= 0;
    const builder = new RecordBatchBuilder({ bytesMax: 1 << 20, transactional });
    const value = Buffer.from("value");
    for (const key of keys) {
      const keyBytes = Buffer.from(key);
      builder.append({
        timestamp: 1000,
        keyBytes,
        keyPosition: 0,
        keyLength: keyBytes.length,
        valueBytes: value,
        valuePosition: 0,
        valueLength: value.length,
        headersBytes: null,
        headersPosition: 0,
        headersEnd: 0,
      });
    }
    if (transactional && !this.#open.has(producerId)) this.#open.set(producerId, this.end);
    return this.#add(Buffer.from(builder.seal(BigInt(producerId), 0, 0)), keys.length);
  }

  commit(producerId: number): this {
    return this.#mark(producerId, JAVA_BATCHES.commit);
  }

  abort(producerId: number): this {
    const firstOffset = this.#open.get(producerId) ?? this.end;
    this.#aborted.push({ producerId: BigInt(producerId), firstOffset, markerOffset: this.end });
    return this.#mark(producerId, JAVA_BATCHES.abort);
  }

  /** What a broker answers to a fetch: the batch of `offset` and what follows, up to `bytesMax`. */
  fetched(offset: number, bytesMax = Number.POSITIVE_INFINITY) {
    const first = this.#batches.findIndex((batch) => lastOffset(batch) >= offset);
    const bytes = Buffer.concat(first < 0 ? [] : this.#batches.slice(first));
    const whole = first < 0 ? 0 : (this.#batches[first]?.length ?? 0);
    const end = Math.min(bytes.length, Math.max(bytesMax, whole));
    // Those that ended before are of no interest to the reader, and would mislead it.
    const aborted = this.#aborted.filter(({ markerOffset }) => markerOffset >= offset);
    return { bytes, start: 0, end, aborted };
  }

  #mark(producerId: number, marker: Buffer): this {
    this.#open.delete(producerId);
    const batch = Buffer.from(marker);
    batch.writeBigInt64BE(BigInt(producerId), 43);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    return this.#add(batch, 1);
  }

  #add(batch: Buffer, records: number): this {
    batch.writeBigInt64BE(BigInt(this.end), 0);
    this.#batches.push(batch);
    this.end += records;
    return this;
  }
}

function lastOffset(batch: Buffer): number {
  return Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23);
}
