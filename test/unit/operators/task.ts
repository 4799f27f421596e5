import { HEADERS_END, HEADERS_POSITION, STRIDE } from "../../../src/model/columns.ts";
import { KeyTable } from "../../../src/model/key-table.ts";
import type { RowRange } from "../../../src/model/rows.ts";
import type { Operator, SessionWindows, SlidingWindows } from "../../../src/model/topology.ts";
import { packValues } from "../../../src/model/value-columns.ts";
import {
  type Applied,
  applyAggregate,
  applySessions,
  applySliding,
} from "../../../src/operators/aggregate.ts";
import type { SlotKeys } from "../../../src/operators/derived.ts";
import { type Entries, type KeyRows, planKeys } from "../../../src/operators/key-rows.ts";
import { planSessions } from "../../../src/operators/sessions.ts";
import { planSliding, slidingReach } from "../../../src/operators/sliding.ts";
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
    if (applied === null) {
      for (const half of halvesOf(rows)) this.run(half);
      return;
    }
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

  #apply(rows: readonly RowRange[]): Applied | null {
    const { windows } = this.#operator;
    if (windows?.kind === "session") return this.#applySessions(rows, windows);
    if (windows?.kind === "sliding") return this.#applySliding(rows, windows);
    const table = new KeyTable();
    const plan = planSlots(rows, this.#operator, this.streamTime, table);
    this.dropped += plan.droppedRows;
    const keys = table.keys();
    const found = keysOf(keys).map((key) => this.store.get(key.toString("hex")) ?? null);
    return applyAggregate(rows, plan, keys, packValues(found), this.#operator);
  }

  #applySessions(rows: readonly RowRange[], windows: SessionWindows): Applied | null {
    const { takes = "keyed" } = this.#operator;
    const keyRows = planKeys(rows, takes, windows.gapMs, Number.POSITIVE_INFINITY);
    const stored = this.#times(keyRows, 16);
    const table = new KeyTable();
    const plan = planSessions(rows, windows, this.streamTime, keyRows, stored, table);
    if (plan.isAmbiguous) return null;
    this.dropped += plan.droppedRows;
    return applySessions(rows, plan, table.keys(), this.#operator);
  }

  #applySliding(rows: readonly RowRange[], windows: SlidingWindows): Applied {
    const { beforeMs, afterMs } = slidingReach(windows);
    const keyRows = planKeys(rows, "valued", beforeMs, afterMs, 0);
    const table = new KeyTable();
    const stored = this.#times(keyRows, 12);
    const plan = planSliding(rows, windows, this.streamTime, keyRows, stored, table);
    this.dropped += plan.droppedRows;
    return applySliding(rows, plan, table.keys(), this.#operator);
  }

  /** As a store finds them. */
  #times({ keys, from, to }: KeyRows, suffixBytes: number): Entries[] {
    return keysOf(keys).map((wanted, index) => {
      const found = [...this.store]
        .map(([hex, value]) => [Buffer.from(hex, "hex"), value] as const)
        .filter(([key]) => {
          if (!key.subarray(0, -suffixBytes).equals(wanted)) return false;
          if (key.length !== wanted.length + suffixBytes) return false;
          const time = Number(key.readBigInt64BE(wanted.length));
          return time >= (from[index] ?? 0) && time <= (to[index] ?? 0);
        })
        .sort(([left], [right]) => left.compare(right));
      return { keys: found.map(([key]) => key), values: found.map(([, value]) => value) };
    });
  }
}

function keysOf({ count, positions, bytes }: SlotKeys): Buffer[] {
  return Array.from({ length: count }, (_, slot) => {
    const position = positions[slot * 2] ?? 0;
    return bytes.subarray(position, position + (positions[slot * 2 + 1] ?? 0));
  });
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

/** As the runtime does where rows are to be planned in smaller batches. */
function halvesOf(rows: readonly RowRange[]): RowRange[][] {
  const single = rows.flatMap((range) =>
    Array.from({ length: range.to - range.from }, (_, i) => ({
      ...range,
      from: range.from + i,
      to: range.from + i + 1,
    })),
  );
  const middle = Math.ceil(single.length / 2);
  return [single.slice(0, middle), single.slice(middle)];
}
