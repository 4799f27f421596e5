import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import type { FoundKeys } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Numbers } from "./numbers.ts";

/** The distinct keys of a plan; see the store port's KeySet. */
export interface SlotKeys {
  readonly count: number;
  readonly positions: Int32Array;
  readonly bytes: Buffer;
  readonly hashes?: Int32Array;
  readonly found?: FoundKeys;
}

/** The store's key of a window ends in an int32 sequence number that the key of a record lacks. */
const SEQUENCE_BYTES = 4;

/** Which part of a slot's key is the key of the record. */
export type SlotKeyKind = "keyValue" | "window" | "session";

/**
 * Rows that built-in nodes derive, over one new buffer: the distinct keys first, then the headers of
 * each input row, once, and each derived row's value. A derived row has its input's offset.
 */
export class Derived {
  readonly ranges: RowRange[] = [];
  readonly #bytes: Buffer;
  readonly #keyPositions: Int32Array;
  readonly #keyTail: number;
  #end: number;
  #columns: RecordColumns;
  #headersFrom = 0;
  #headersTo = 0;

  /** At most `rowsMax` rows, with a number of `width` bytes each. */
  constructor(
    rows: readonly RowRange[],
    keys: SlotKeys,
    kind: SlotKeyKind,
    rowsMax: number,
    width: number,
  ) {
    const keyBytes = endOfKeys(keys);
    const headers = kind === "session" ? countRows(rows) : headerBytes(rows);
    this.#bytes = Buffer.allocUnsafe(keyBytes + rowsMax * width + headers);
    keys.bytes.copy(this.#bytes, 0, 0, keyBytes);
    this.#keyPositions = keys.positions;
    this.#keyTail = kind === "window" ? SEQUENCE_BYTES : 0;
    this.#end = keyBytes;
    this.#columns = new RecordColumns(this.#bytes);
  }

  startRange(range: RowRange): void {
    this.#columns = new RecordColumns(this.#bytes, range.to - range.from);
  }

  /** What is appended next is of this row, with its headers. */
  startRow({ columns: { bytes, positions } }: RowRange, index: number): void {
    const at = index * STRIDE;
    const end = positions[at + HEADERS_END] as number;
    this.#headersFrom = this.#end;
    // Byte by byte, because headers are mostly one byte long and Buffer.copy makes an object.
    for (let from = positions[at + HEADERS_POSITION] as number; from < end; from++) {
      this.#bytes[this.#end++] = bytes[from] as number;
    }
    this.#headersTo = this.#end;
  }

  /** What is appended next is of this row, without headers. */
  startBareRow(): void {
    this.#headersFrom = this.#end;
    this.#bytes[this.#end++] = 0;
    this.#headersTo = this.#end;
  }

  /** The number of a slot, under the slot's key. */
  append(
    { columns: input }: RowRange,
    index: number,
    slot: number,
    numbers: Numbers,
    timestamp: number,
  ): void {
    const at = this.#put(input, index, slot, timestamp);
    const { positions } = this.#columns;
    positions[at + VALUE_POSITION] = this.#end;
    positions[at + VALUE_LENGTH] = numbers.width;
    numbers.write(slot, this.#bytes, this.#end);
    this.#end += numbers.width;
  }

  /** A value that is there already, under the slot's key; null where it has gone. */
  appendBytes(
    range: RowRange,
    index: number,
    slot: number,
    value: Buffer | null,
    timestamp: number,
  ): void {
    if (value === null) {
      this.appendNull(range, index, slot, timestamp);
      return;
    }
    const at = this.#put(range.columns, index, slot, timestamp);
    const { positions } = this.#columns;
    positions[at + VALUE_POSITION] = this.#end;
    positions[at + VALUE_LENGTH] = value.length;
    this.#end += value.copy(this.#bytes, this.#end);
  }

  /** The slot's key with a null value: it has gone. */
  appendNull({ columns: input }: RowRange, index: number, slot: number, timestamp: number): void {
    const at = this.#put(input, index, slot, timestamp);
    const { positions } = this.#columns;
    positions[at + VALUE_POSITION] = 0;
    positions[at + VALUE_LENGTH] = -1;
  }

  endRange({ source, partition }: RowRange): void {
    const columns = this.#columns;
    if (columns.count === 0) return;
    this.ranges.push({ source, partition, columns, from: 0, to: columns.count });
  }

  #put(input: RecordColumns, index: number, slot: number, timestamp: number): number {
    const columns = this.#columns;
    columns.reserve(1);
    const { positions, offsets, timestamps, count: row } = columns;
    const at = row * STRIDE;
    positions[at + KEY_POSITION] = this.#keyPositions[slot * 2] as number;
    positions[at + KEY_LENGTH] = (this.#keyPositions[slot * 2 + 1] as number) - this.#keyTail;
    positions[at + HEADERS_POSITION] = this.#headersFrom;
    positions[at + HEADERS_END] = this.#headersTo;
    offsets[row] = input.offsets[index] as number;
    timestamps[row] = timestamp;
    columns.count = row + 1;
    return at;
  }
}

function endOfKeys({ count, positions }: SlotKeys): number {
  let end = 0;
  for (let slot = 0; slot < count; slot++) {
    end = Math.max(end, (positions[slot * 2] as number) + (positions[slot * 2 + 1] as number));
  }
  return end;
}

function headerBytes(rows: readonly RowRange[]): number {
  let total = 0;
  for (const { columns, from, to } of rows) {
    for (let index = from; index < to; index++) {
      const at = index * STRIDE;
      const { positions } = columns;
      total +=
        (positions[at + HEADERS_END] as number) - (positions[at + HEADERS_POSITION] as number);
    }
  }
  return total;
}

function countRows(rows: readonly RowRange[]): number {
  let total = 0;
  for (const { from, to } of rows) total += to - from;
  return total;
}
