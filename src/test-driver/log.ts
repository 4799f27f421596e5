import { invariant } from "../errors/invariant.ts";
import { RecordColumns, STRIDE } from "../model/columns.ts";

/** A record as a log holds it. */
export interface StoredRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In Kafka's record format. */
  readonly headers: Buffer;
  readonly timestamp: number;
}

/** One transaction: its records are seen by nobody before it has ended. */
export interface Transaction {
  outcome: "open" | "committed" | "aborted";
  readonly logs: Set<PartitionLog>;
}

interface Entry {
  /** null for the marker that ends a transaction: it has an offset, as in Kafka, and nobody reads it. */
  readonly record: StoredRecord | null;
  readonly transaction: Transaction | null;
  /** Over all logs, so that a topic can be read in the order it was written. */
  readonly order: number;
}

/** A record that readers of committed records see. */
export interface VisibleRecord extends StoredRecord {
  readonly offset: number;
  readonly order: number;
}

export interface Read {
  readonly records: readonly VisibleRecord[];
  /** Behind what was read: steps over markers and aborted records. */
  readonly nextOffset: number;
  readonly bytes: number;
}

/** One partition in memory, read committed: nothing from the first open transaction on. */
export class PartitionLog {
  readonly #entries: Entry[] = [];
  #stable = 0;

  get end(): number {
    return this.#entries.length;
  }

  /** The last stable offset. */
  get stable(): number {
    while (this.#entries[this.#stable]?.transaction?.outcome !== "open") {
      if (this.#stable === this.#entries.length) break;
      this.#stable += 1;
    }
    return this.#stable;
  }

  /** Returns the record's offset. */
  append(record: StoredRecord, transaction: Transaction | null, order: number): number {
    transaction?.logs.add(this);
    return this.#entries.push({ record, transaction, order }) - 1;
  }

  mark(order: number): void {
    this.#entries.push({ record: null, transaction: null, order });
  }

  /** Visible records from `from` on, as many as fit; one always does. */
  read(from: number, recordsMax: number, bytesMax: number): Read {
    invariant(from >= 0 && from <= this.end, `offset ${from} is outside of a log of ${this.end}`);
    const records: VisibleRecord[] = [];
    const stable = this.stable;
    let bytes = 0;
    let offset = from;
    for (; offset < stable && records.length < recordsMax && bytes < bytesMax; offset++) {
      const { record, transaction, order } = this.#entries[offset] as Entry;
      if (record === null || transaction?.outcome === "aborted") continue;
      records.push({ ...record, offset, order });
      bytes += sizeOf(record);
    }
    return { records, nextOffset: offset, bytes };
  }

  /** Whether anything is to be read from `from` on. */
  hasMore(from: number): boolean {
    return this.read(from, 1, 1).records.length > 0;
  }
}

export function sizeOf({ key, value, headers }: StoredRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + headers.length;
}

/** The records as a fetch brings them: columns over one buffer. */
export function columnsOf({ records, bytes }: Read): RecordColumns {
  const columns = new RecordColumns(Buffer.allocUnsafe(bytes), records.length);
  let at = 0;
  const put = (part: Buffer | null): [position: number, length: number] => {
    if (part === null) return [at, -1];
    const position = at;
    at += part.copy(columns.bytes, at);
    return [position, part.length];
  };
  for (const [row, { key, value, headers, offset, timestamp }] of records.entries()) {
    columns.positions.set([...put(key), ...put(value)], row * STRIDE);
    const [from, length] = put(headers);
    columns.positions.set([from, from + length], row * STRIDE + 4);
    columns.offsets[row] = offset;
    columns.timestamps[row] = timestamp;
  }
  columns.count = records.length;
  return columns;
}
