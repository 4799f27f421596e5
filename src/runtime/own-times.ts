import { KEY_LENGTH, STRIDE, VALUE_LENGTH } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { StoreSpec, TakenRows } from "../model/topology.ts";
import { countRows } from "./batch.ts";

/**
 * Stream time of the windowed stores behind code that may change timestamps: the greatest of the rows that
 * came as far, as in Kafka Streams. Derived state, as the task's own is: a batch has its value after its
 * last row, a cut that of its last batch.
 */
export class OwnTimes {
  /** After the batch at hand, by store; what its rows have not reached is left out. */
  readonly after = new Map<number, number>();
  readonly #before: (store: number) => number;

  /** `before` is asked when the rows are there: only then have all batches before them gone as far. */
  constructor(before: (store: number) => number) {
    this.#before = before;
  }

  of(store: number): number {
    return this.after.get(store) ?? this.#before(store);
  }
}

/** The time that each of the rows sees: one that the store does not take leaves it. */
export function ownTimesOf(
  rows: readonly RowRange[],
  takes: TakenRows,
  beforeMs: number,
): Float64Array {
  const times = new Float64Array(countRows(rows));
  let time = beforeMs;
  let at = 0;
  for (const { columns, from, to } of rows) {
    const { positions, timestamps } = columns;
    for (let row = from; row < to; row++) {
      const hasKey = (positions[row * STRIDE + KEY_LENGTH] as number) >= 0;
      const hasValue = (positions[row * STRIDE + VALUE_LENGTH] as number) >= 0;
      if (hasKey && (hasValue || takes === "keyed"))
        time = Math.max(time, timestamps[row] as number);
      times[at++] = time;
    }
  }
  return times;
}

/** By name, as they are committed. */
export function namedTimes(
  times: ReadonlyMap<number, number>,
  stores: readonly StoreSpec[],
): Map<string, number> {
  return new Map([...times].map(([store, ms]) => [stores[store]?.name ?? "", ms]));
}

/** By number, as they were committed. */
export function numberedTimes(
  times: ReadonlyMap<string, number>,
  stores: readonly StoreSpec[],
): Map<number, number> {
  return new Map(
    stores.flatMap(({ name, ownTime }, store) => {
      const ms = ownTime === true ? times.get(name) : undefined;
      return ms === undefined ? [] : [[store, ms] as const];
    }),
  );
}
