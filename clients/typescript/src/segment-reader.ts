import type { Segment } from "./gen/outrigger/v1/records_pb.ts";
import { type Header, type Origin, StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import { type Firing, firingOf } from "./timers.ts";
import type { Serdes } from "./topology.ts";

const NO_HEADERS: readonly Header[] = [];
const NO_ROWS: ReadonlySet<number> = new Set();

export interface ReaderScope {
  readonly sources: readonly string[];
  readonly applicationId: string;
  /** By source. */
  readonly timerSources: ReadonlyMap<number, string>;
}

/** Makes records of a segment's rows. */
export class SegmentReader {
  readonly #segment: Segment;
  readonly #timersOf: string | undefined;
  readonly #origin: Origin;
  readonly #nullKeys: ReadonlySet<number>;
  readonly #nullValues: ReadonlySet<number>;
  readonly #headers: ReadonlyMap<number, readonly Header[]>;
  readonly #baseTimestamp: number;

  constructor({ sources, applicationId, timerSources }: ReaderScope, segment: Segment) {
    const { partition, baseOffset, offsetDeltas, nullKeys, nullValues } = segment;
    const topic = sources[segment.source];
    if (topic === undefined) throw new Error(`the sidecar's batch has no source ${segment.source}`);
    this.#segment = segment;
    this.#timersOf = timerSources.get(segment.source);
    this.#origin = { topic, partition, baseOffset, offsetDeltas, applicationId };
    this.#nullKeys = nullKeys.length === 0 ? NO_ROWS : new Set(nullKeys);
    this.#nullValues = nullValues.length === 0 ? NO_ROWS : new Set(nullValues);
    this.#headers = new Map(
      segment.headers.map(({ row, headers }) => [
        row,
        headers.map(({ key, value }) => ({ key, value: value ?? null })),
      ]),
    );
    this.#baseTimestamp = Number(segment.baseTimestamp);
  }

  /** The node whose timers its rows are; undefined where they are records. */
  get timersOf(): string | undefined {
    return this.#timersOf;
  }

  get count(): number {
    return this.#segment.keys.length;
  }

  timestamp(index: number): number {
    return this.#baseTimestamp + (this.#segment.timestampDeltas[index] ?? 0);
  }

  /** The same list for the same row, so that whoever forwards it forwards the input's headers. */
  headers(index: number): readonly Header[] {
    return this.#headers.get(index) ?? NO_HEADERS;
  }

  record(index: number, serdes: Serdes): StreamRecord {
    const key = this.#nullKeys.has(index) ? null : (this.#segment.keys[index] ?? null);
    const value = this.#nullValues.has(index) ? null : (this.#segment.values[index] ?? null);
    const fields = {
      key: this.#read("key", index, serdes.key, key),
      value: this.#read("value", index, serdes.value, value),
      timestamp: this.timestamp(index),
      headers: this.headers(index),
    };
    return new StreamRecord(fields, this.#origin, index);
  }

  /** A row that tells of a timer or a punctuation. */
  fired(index: number, key: Serde<unknown>): { record: StreamRecord; firing: Firing } {
    const firing = firingOf(this.#segment.values[index]);
    const bytes = this.#nullKeys.has(index) ? null : (this.#segment.keys[index] ?? null);
    const fields = {
      key: firing.isPunctuation ? null : this.#read("key", index, key, bytes),
      value: null,
      timestamp: this.timestamp(index),
      headers: this.headers(index),
    };
    return { record: new StreamRecord(fields, this.#origin, index), firing };
  }

  #read(what: string, index: number, serde: Serde<unknown>, bytes: Uint8Array | null): unknown {
    try {
      return serde.deserialize(bytes);
    } catch (error: unknown) {
      const reason = error instanceof Error ? error.message : String(error);
      const fields = { key: null, value: null, timestamp: 0, headers: NO_HEADERS };
      const { idempotencyKey } = new StreamRecord(fields, this.#origin, index);
      const text = `the ${what} of ${idempotencyKey} cannot be read: ${reason}`;
      throw new TypeError(text, { cause: error });
    }
  }
}
