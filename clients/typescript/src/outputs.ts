import type { Header } from "./record.ts";
import { asBytes, WireWriter } from "./wire-writer.ts";

/** Bytes of an output's numbers, at most. */
const NUMBERS_BYTES = 30;
/** Before the first output: gRPC's prefix, and the tags and lengths of what they stand in. */
const ROOM_BYTES = 24;
const ROWS_FIRST = 512;
const ROWS_KEPT_MAX = 64 * 1024;
const EMPTY = new Uint8Array();

const INPUTS = 1;
const SINKS = 2;
const KEYS = 3;
const VALUES = 4;
const NULL_KEYS = 5;
const NULL_VALUES = 6;
const TIMESTAMPS = 7;
const HEADERS = 8;

/**
 * `Outputs`, written row by row: what an output carries goes into the frame at once, its numbers into
 * columns that follow. Used again for the next batch.
 */
export class Outputs {
  /** Never less than what the message will take. */
  bytes = 0;
  count = 0;
  readonly #to = new WireWriter();
  #inputs = new Int32Array(ROWS_FIRST);
  #sinks = new Int32Array(ROWS_FIRST);
  #timestamps = new Float64Array(ROWS_FIRST);
  readonly #nullKeys: number[] = [];
  readonly #nullValues: number[] = [];
  /** How many outputs stand before the first with a timestamp of its own, and with a sink that is not 0. */
  #timestampsInherited = 0;
  #sinksLeftOut = 0;

  /** Begins anew, for another batch. */
  reset(): void {
    this.#to.reset(ROOM_BYTES);
    this.truncate(0, 0, ROOM_BYTES);
    if (this.#inputs.length > ROWS_KEPT_MAX) this.#resize(ROWS_FIRST);
  }

  /** Where the next output will be written, for `truncate`. */
  get position(): number {
    return this.#to.position;
  }

  /** `headers` of null are the input's. */
  add(
    row: number,
    sink: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    inputTimestamp: number,
    headers: readonly Header[] | null,
  ): void {
    const index = this.count;
    if (index === this.#inputs.length) this.#resize(2 * index);
    if (key === null) this.#nullKeys.push(index);
    if (value === null) this.#nullValues.push(index);
    if (timestamp === inputTimestamp && this.#timestampsInherited === index) {
      this.#timestampsInherited = index + 1;
    }
    if (sink === 0 && this.#sinksLeftOut === index) this.#sinksLeftOut = index + 1;
    this.#inputs[index] = row;
    this.#sinks[index] = sink;
    this.#timestamps[index] = timestamp;
    const { position } = this.#to;
    this.#to.delimited(KEYS, key === null ? EMPTY : asBytes(key));
    this.#to.delimited(VALUES, value === null ? EMPTY : asBytes(value));
    this.bytes += this.#to.position - position + NUMBERS_BYTES;
    if (headers !== null) this.#addHeaders(index, headers);
    this.count = index + 1;
  }

  #addHeaders(index: number, headers: readonly Header[]): void {
    const { position } = this.#to;
    const at = this.#to.begin(HEADERS);
    this.#to.uint(1, index);
    for (const { key, value } of headers) {
      const header = this.#to.begin(2);
      this.#to.string(1, key);
      if (value !== null) this.#to.delimited(2, value);
      this.#to.end(header);
    }
    this.#to.end(at);
    this.bytes += this.#to.position - position;
  }

  /** Forgets everything from output `count` on, which took `bytes` to there: their record failed. */
  truncate(count: number, bytes: number, position: number): void {
    this.bytes = bytes;
    this.count = count;
    this.#to.position = position;
    this.#timestampsInherited = Math.min(this.#timestampsInherited, count);
    this.#sinksLeftOut = Math.min(this.#sinksLeftOut, count);
    for (const list of [this.#nullKeys, this.#nullValues]) {
      while ((list.at(-1) ?? -1) >= count) list.pop();
    }
  }

  /** Ends the message, whose columns are left out where they say nothing, and begins what it stands in. */
  finish(field: number): WireWriter {
    const to = this.#to;
    const { count } = this;
    to.packed(INPUTS, this.#inputs, count);
    if (this.#sinksLeftOut < count) to.packed(SINKS, this.#sinks, count);
    to.packed(NULL_KEYS, this.#nullKeys);
    to.packed(NULL_VALUES, this.#nullValues);
    if (this.#timestampsInherited < count) to.packedSint64(TIMESTAMPS, this.#timestamps, count);
    to.enclose(ROOM_BYTES, field);
    return to;
  }

  #resize(rows: number): void {
    const [inputs, sinks, timestamps] = [this.#inputs, this.#sinks, this.#timestamps];
    this.#inputs = new Int32Array(rows);
    this.#sinks = new Int32Array(rows);
    this.#timestamps = new Float64Array(rows);
    if (rows < inputs.length) return;
    this.#inputs.set(inputs);
    this.#sinks.set(sinks);
    this.#timestamps.set(timestamps);
  }
}
