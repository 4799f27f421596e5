import { HEADERS_END, HEADERS_POSITION, STRIDE } from "../../../src/model/columns.ts";
import { KeyTable } from "../../../src/model/key-table.ts";
import type { RowRange } from "../../../src/model/rows.ts";
import type { Operator } from "../../../src/model/topology.ts";
import { type Applied, applyAggregate } from "../../../src/operators/aggregate.ts";
import { planSlots } from "../../../src/operators/windows.ts";
import type { Output } from "./naive.ts";

/** A task in small: a store, stream time, and one aggregation run batch by batch. */
export class Task {
  readonly store = new Map<string, Buffer>();
  readonly outputs: Output[] = [];
  streamTime = Number.NEGATIVE_INFINITY;
  dropped = 0;
  readonly #operator: Operator;

  constructor(operator: Operator) {
    this.#operator = operator;
  }

  run(rows: readonly RowRange[]): void {
    const applied = this.#apply(rows);
    for (const [i, key] of applied.changes.keys.entries()) {
      const value = applied.changes.values[i] ?? null;
      if (value === null) this.store.delete(key.toString("hex"));
      else this.store.set(key.toString("hex"), value);
    }
    for (const { columns, from, to } of rows) {
      for (let row = from; row < to; row++) {
        this.streamTime = Math.max(this.streamTime, columns.timestamps[row] ?? 0);
      }
    }
    for (const range of applied.rows) this.outputs.push(...outputsOf(range));
  }

  #apply(rows: readonly RowRange[]): Applied {
    const table = new KeyTable();
    const plan = planSlots(rows, this.#operator, this.streamTime, table);
    this.dropped += plan.droppedRows;
    const { count, positions, bytes } = table.keys();
    const found = Array.from({ length: count }, (_, slot) => {
      const position = positions[slot * 2] ?? 0;
      const key = bytes.subarray(position, position + (positions[slot * 2 + 1] ?? 0));
      return this.store.get(key.toString("hex")) ?? null;
    });
    return applyAggregate(rows, plan, table.keys(), found, this.#operator);
  }
}

function outputsOf({ columns, from, to }: RowRange): Output[] {
  return Array.from({ length: to - from }, (_, i) => {
    const row = from + i;
    const at = row * STRIDE;
    const headers = columns.bytes.subarray(
      columns.positions[at + HEADERS_POSITION],
      columns.positions[at + HEADERS_END],
    );
    return {
      key: columns.key(row)?.toString("latin1") ?? "null",
      value: columns.value(row)?.toString("latin1") ?? null,
      offset: columns.offsets[row],
      timestamp: columns.timestamps[row],
      headers: headers.toString("latin1"),
    };
  });
}
