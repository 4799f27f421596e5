import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutputsSchema } from "./gen/outrigger/v1/records_pb.ts";
import type { Header } from "./record.ts";

/** One record for a sink, serialized. */
export interface Output {
  readonly row: number;
  readonly sink: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  /** null takes the input's. */
  readonly headers: readonly Header[] | null;
}

/** Bytes that an output takes besides its key and value, at most. */
const OVERHEAD_BYTES = 40;
const EMPTY = new Uint8Array();

/** The columns of `Outputs`, filled row by row. */
export class Outputs {
  /** Never less than what the message will take. */
  bytes = 0;
  readonly #inputs: number[] = [];
  readonly #sinks: number[] = [];
  readonly #keys: Uint8Array[] = [];
  readonly #values: Uint8Array[] = [];
  readonly #nullKeys: number[] = [];
  readonly #nullValues: number[] = [];
  readonly #timestamps: number[] = [];
  readonly #headers: { row: number; headers: readonly Header[] }[] = [];
  /** How many outputs stand before the first with a timestamp of its own. */
  #timestampsInherited = 0;

  get count(): number {
    return this.#inputs.length;
  }

  add({ row, sink, key, value, timestamp, headers }: Output, inputTimestamp: number): void {
    const index = this.count;
    if (key === null) this.#nullKeys.push(index);
    if (value === null) this.#nullValues.push(index);
    if (headers !== null) this.#headers.push({ row: index, headers });
    if (timestamp === inputTimestamp && this.#timestampsInherited === index) {
      this.#timestampsInherited = index + 1;
    }
    this.#inputs.push(row);
    this.#sinks.push(sink);
    this.#keys.push(key ?? EMPTY);
    this.#values.push(value ?? EMPTY);
    this.#timestamps.push(timestamp);
    this.bytes +=
      (key?.length ?? 0) + (value?.length ?? 0) + OVERHEAD_BYTES + headersBytes(headers);
  }

  /** Forgets everything from output `count` on, which took `bytes` to there: their record failed. */
  truncate(count: number, bytes: number): void {
    this.bytes = bytes;
    this.#timestampsInherited = Math.min(this.#timestampsInherited, count);
    for (const column of [this.#inputs, this.#sinks, this.#timestamps]) column.length = count;
    for (const column of [this.#keys, this.#values]) column.length = count;
    for (const list of [this.#nullKeys, this.#nullValues]) {
      while ((list.at(-1) ?? -1) >= count) list.pop();
    }
    while ((this.#headers.at(-1)?.row ?? -1) >= count) this.#headers.pop();
  }

  /** As the message wants it: columns that say nothing are left out. */
  finish(): MessageInitShape<typeof OutputsSchema> {
    const areInherited = this.#timestampsInherited === this.count;
    return {
      inputs: this.#inputs,
      sinks: this.#sinks.every((sink) => sink === 0) ? [] : this.#sinks,
      keys: this.#keys,
      values: this.#values,
      nullKeys: this.#nullKeys,
      nullValues: this.#nullValues,
      timestamps: areInherited ? [] : this.#timestamps.map((timestamp) => BigInt(timestamp)),
      headers: this.#headers.map(({ row, headers }) => ({
        row,
        headers: headers.map(({ key, value }) => (value === null ? { key } : { key, value })),
      })),
    };
  }
}

function headersBytes(headers: readonly Header[] | null): number {
  let bytes = 0;
  for (const { key, value } of headers ?? []) {
    bytes += Buffer.byteLength(key) + (value?.length ?? 0) + OVERHEAD_BYTES;
  }
  return bytes;
}
