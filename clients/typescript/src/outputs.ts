import type { ProcessedRecord } from "./record.ts";
import type { TopologyNode } from "./topology.ts";

/** The columns of `Outputs`, filled row by row. */
export class Outputs {
  readonly inputs: number[] = [];
  readonly sinks: number[] = [];
  readonly keys: Uint8Array[] = [];
  readonly values: Uint8Array[] = [];
  readonly nullKeys: number[] = [];
  readonly nullValues: number[] = [];
  readonly timestamps: bigint[] = [];
  readonly headers: { row: number; headers: { key: string; value?: Uint8Array }[] }[] = [];
  readonly #sinkIndexes: ReadonlyMap<string, number>;
  #hasOwnTimestamps = false;

  constructor(sinkIndexes: ReadonlyMap<string, number>) {
    this.#sinkIndexes = sinkIndexes;
  }

  get count(): number {
    return this.inputs.length;
  }

  add(
    sink: TopologyNode,
    record: ProcessedRecord<unknown, unknown>,
    of: { readonly row: number; readonly ownTimestamp: boolean; readonly ownHeaders: boolean },
  ): void {
    if (sink.sink === null) return;
    const key = sink.sink.key.serialize(record.key);
    const value = sink.sink.value.serialize(record.value);
    const index = this.count;
    this.inputs.push(of.row);
    this.sinks.push(this.#sinkIndexes.get(sink.name) ?? 0);
    if (key === null) this.nullKeys.push(index);
    if (value === null) this.nullValues.push(index);
    this.keys.push(key ?? EMPTY);
    this.values.push(value ?? EMPTY);
    this.timestamps.push(BigInt(Math.trunc(record.timestamp)));
    this.#hasOwnTimestamps ||= of.ownTimestamp;
    if (!of.ownHeaders) return;
    const headers = record.headers.map(({ key: name, value: bytes }) =>
      bytes === null ? { key: name } : { key: name, value: bytes },
    );
    this.headers.push({ row: index, headers });
  }

  /** Forgets everything from output `count` on: their record failed. */
  truncate(count: number): void {
    for (const column of [this.inputs, this.sinks, this.keys, this.values, this.timestamps]) {
      column.length = count;
    }
    for (const list of [this.nullKeys, this.nullValues]) {
      while ((list.at(-1) ?? -1) >= count) list.pop();
    }
    while ((this.headers.at(-1)?.row ?? -1) >= count) this.headers.pop();
  }

  /** As the message wants it: columns that say nothing are left out. */
  finish(): Omit<typeof this, "finish" | "add" | "truncate" | "count"> {
    if (this.sinks.every((sink) => sink === 0)) this.sinks.length = 0;
    if (!this.#hasOwnTimestamps) this.timestamps.length = 0;
    return this;
  }
}

const EMPTY = new Uint8Array();
