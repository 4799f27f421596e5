import type { RowRange } from "../model/rows.ts";
import type { Windows } from "../model/topology.ts";
import { GrowingRows, type Slice, sliceOf } from "./growing-rows.ts";
import { headersOfRow, type Waiting } from "./waiting.ts";

/** A batch's input, and the stream time before and after it; without records, time alone moves. */
export interface Moving {
  readonly input: RowRange;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** What becomes of rows as they arrive, and of what waits as stream time moves. */
export interface Holding {
  /** A row has arrived, at this stream time. */
  readonly take: (range: number, index: number) => void;
  /** Stream time is so far: what is due goes, for the sake of the record at `offset`. */
  readonly release: (timeMs: number, offset: number) => void;
}

/**
 * Takes stream time through a batch, record by record, with the rows that each has become: what is due at a
 * record goes as soon as its first row has been taken, so that it does not depend on the batches.
 */
export function moveThrough(
  rows: readonly RowRange[],
  { input, beforeMs, afterMs }: Moving,
  { take, release }: Holding,
): void {
  const { offsets, timestamps } = input.columns;
  let time = beforeMs;
  let range = 0;
  let index = rows[0]?.from ?? 0;
  for (let record = input.from; record < input.to; record++) {
    const offset = offsets[record] as number;
    time = Math.max(time, timestamps[record] as number);
    const known = range * 2 ** 32 + index;
    for (let current = rows[range]; current !== undefined; current = rows[range]) {
      if ((current.columns.offsets[index] as number) > offset) break;
      take(range, index);
      release(time, offset);
      index += 1;
      if (index < current.to) continue;
      range += 1;
      index = rows[range]?.from ?? 0;
    }
    if (range * 2 ** 32 + index === known) release(time, offset);
  }
  // Nobody's record.
  if (input.to === input.from) release(afterMs, 0);
}

/** The time of a windowed key, as rows have it: the start of its window, the end of its session. */
export function timeOfKey({ bytes, position, length }: Slice, windows: Windows): number {
  const at = position + length - (windows.kind === "session" ? 2 : 1) * 8;
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** The headers of the first row of each record, among rows that come in its order. */
class FirstHeaders {
  readonly #rows: readonly RowRange[];
  #range = 0;
  #index: number;

  constructor(rows: readonly RowRange[]) {
    this.#rows = rows;
    this.#index = rows[0]?.from ?? 0;
  }

  /** Of the record at `offset`, behind those that were asked for before; null where it has no row. */
  of(offset: number): Slice {
    for (
      let range = this.#rows[this.#range];
      range !== undefined;
      range = this.#rows[this.#range]
    ) {
      const { offsets } = range.columns;
      for (; this.#index < range.to; this.#index++) {
        const own = offsets[this.#index] as number;
        if (own < offset) continue;
        return own === offset ? headersOfRow(range, this.#index) : NO_HEADERS;
      }
      this.#range += 1;
      this.#index = this.#rows[this.#range]?.from ?? 0;
    }
    return NO_HEADERS;
  }
}

const NO_HEADERS = sliceOf();

/**
 * The windows of an aggregate that close: each with its last value, the time of that, and the headers of
 * the record that closes it, as Kafka Streams' emit on window close (KIP-825). `rows` are its updates,
 * `taken` what it made them of.
 */
export function closeWindows(
  rows: readonly RowRange[],
  taken: readonly RowRange[],
  waiting: Waiting,
  moving: Moving,
  { windows, delayMs }: { readonly windows: Windows; readonly delayMs: number },
): RowRange[] {
  const closed = new GrowingRows();
  const firstHeaders = new FirstHeaders(taken);
  moveThrough(rows, moving, {
    take: (range, index) => {
      const rowRange = rows[range] as RowRange;
      const slot = waiting.slotOfRow(rowRange, index);
      waiting.put(slot, range, index, timeOfKey(waiting.keyOf(slot), windows));
      // A session that another one has swallowed.
      if (waiting.valueOf(slot).length < 0) waiting.remove(slot);
    },
    release: (timeMs, offset) => {
      for (let slot = waiting.first; slot >= 0; slot = waiting.first) {
        if (waiting.timeOf(slot) + delayMs > timeMs) return;
        waiting.appendTo(closed, slot, offset, firstHeaders.of(offset));
        waiting.shift();
      }
    },
  });
  return rangesOf(closed, moving.input);
}

export function rangesOf({ columns }: GrowingRows, { source, partition }: RowRange): RowRange[] {
  const { count } = columns;
  return count === 0 ? [] : [{ source, partition, columns, from: 0, to: count }];
}
