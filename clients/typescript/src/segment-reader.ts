import { elementOf, type ReceivedSegment } from "./received-batch.ts";
import { type Header, type Origin, StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import { type Firing, firingOf } from "./timers.ts";
import type { Serdes } from "./topology.ts";

const NO_HEADERS: readonly Header[] = [];

export interface ReaderScope {
  readonly sources: readonly string[];
  readonly applicationId: string;
  /** By source. */
  readonly timerSources: ReadonlyMap<number, string>;
}

/** Makes records of a segment's rows. */
export class SegmentReader {
  readonly #segment: ReceivedSegment;
  readonly #timersOf: string | undefined;
  readonly #origin: Origin;

  constructor({ sources, applicationId, timerSources }: ReaderScope, segment: ReceivedSegment) {
    const { partition, baseOffset, offsetDeltas } = segment;
    const topic = sources[segment.source];
    if (topic === undefined) throw new Error(`the sidecar's batch has no source ${segment.source}`);
    this.#segment = segment;
    this.#timersOf = timerSources.get(segment.source);
    this.#origin = { topic, partition, baseOffset, offsetDeltas, applicationId };
  }

  /** The node whose timers its rows are; undefined where they are records. */
  get timersOf(): string | undefined {
    return this.#timersOf;
  }

  get count(): number {
    return this.#segment.count;
  }

  timestamp(index: number): number {
    return this.#segment.baseTimestamp + (this.#segment.timestampDeltas[index] ?? 0);
  }

  /** The same list for the same row, so that whoever forwards it forwards the input's headers. */
  headers(index: number): readonly Header[] {
    return this.#segment.headers?.get(index) ?? NO_HEADERS;
  }

  record(
    index: number,
    serdes: Serdes,
    timestamp: number,
    headers: readonly Header[],
  ): StreamRecord {
    const { keys, values } = this.#segment;
    const key = this.#read("key", index, serdes.key, elementOf(keys, index));
    const value = this.#read("value", index, serdes.value, elementOf(values, index));
    return new StreamRecord(key, value, timestamp, headers, this.#origin, index);
  }

  /** A row that tells of a timer or a punctuation. */
  fired(index: number, serde: Serde<unknown>): { record: StreamRecord; firing: Firing } {
    const { keys, values } = this.#segment;
    const firing = firingOf(elementOf(values, index));
    const bytes = firing.isPunctuation ? null : elementOf(keys, index);
    const key = firing.isPunctuation ? null : this.#read("key", index, serde, bytes);
    const [timestamp, headers] = [this.timestamp(index), this.headers(index)];
    return { record: new StreamRecord(key, null, timestamp, headers, this.#origin, index), firing };
  }

  #read(what: string, index: number, serde: Serde<unknown>, bytes: Uint8Array | null): unknown {
    try {
      return serde.deserialize(bytes);
    } catch (error: unknown) {
      const reason = error instanceof Error ? error.message : String(error);
      const { idempotencyKey } = new StreamRecord(null, null, 0, NO_HEADERS, this.#origin, index);
      const text = `the ${what} of ${idempotencyKey} cannot be read: ${reason}`;
      throw new TypeError(text, { cause: error });
    }
  }
}
