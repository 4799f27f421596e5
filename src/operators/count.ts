import { OutriggerError } from "../errors/outrigger-error.ts";
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
import type { RowRange } from "../model/rows.ts";
import type { Operator } from "../model/topology.ts";
import type { SlotPlan } from "./windows.ts";

/** The distinct keys of a plan; see the store port's KeySet. */
interface SlotKeys {
  readonly count: number;
  readonly positions: Int32Array;
  readonly bytes: Buffer;
}

/** What a count leaves behind for a batch. */
export interface Counted {
  /** One row for each row counted: the new count, with the input's offset, time and headers. */
  readonly rows: RowRange[];
  /** The last count of each key. */
  readonly changes: {
    readonly store: number;
    readonly keys: Buffer[];
    readonly values: Buffer[];
  };
}

/** A count is an int64, big-endian, as Kafka's LongSerializer writes it. */
const COUNT_BYTES = 8;
/** The store's key ends in an int32 sequence number that the key of a windowed record lacks. */
const SEQUENCE_BYTES = 4;
const TWO_TO_32 = 2 ** 32;

/**
 * Counts the rows of a batch. `found` holds the stored count of each slot of `plan`, null for none.
 * Every update is forwarded, as Kafka Streams does with its cache at 0.
 */
export function applyCount(
  rows: readonly RowRange[],
  plan: SlotPlan,
  keys: SlotKeys,
  found: readonly (Buffer | null)[],
  operator: Operator,
): Counted {
  const counts = decodeCounts(found, keys.count, operator.node);
  const isWindowed = operator.windows !== null;
  const derived = new Derived(rows, plan, keys, isWindowed);
  let row = 0;
  let next = 0;
  for (const range of rows) {
    derived.startRange(range);
    for (let index = range.from; index < range.to; index++, row++) {
      if (plan.slotCounts !== null && plan.slotCounts[row] === 0) continue;
      const slot = plan.slots[next++] as number;
      const count = (counts[slot] as number) + 1;
      counts[slot] = count;
      derived.append(range, index, slot, count);
    }
    derived.endRange(range);
  }
  return { rows: derived.ranges, changes: changesOf(operator.store, keys, counts) };
}

/** Derived rows over one new buffer: the distinct keys first, then each row's value and headers. */
class Derived {
  readonly ranges: RowRange[] = [];
  readonly #bytes: Buffer;
  readonly #keyPositions: Int32Array;
  readonly #keyTail: number;
  #end: number;
  #columns: RecordColumns;

  constructor(rows: readonly RowRange[], plan: SlotPlan, keys: SlotKeys, isWindowed: boolean) {
    const keyBytes = endOfKeys(keys);
    const rowBytes = plan.slots.length * COUNT_BYTES + headerBytes(rows);
    this.#bytes = Buffer.allocUnsafe(keyBytes + rowBytes);
    keys.bytes.copy(this.#bytes, 0, 0, keyBytes);
    this.#keyPositions = keys.positions;
    this.#keyTail = isWindowed ? SEQUENCE_BYTES : 0;
    this.#end = keyBytes;
    this.#columns = new RecordColumns(this.#bytes);
  }

  startRange(range: RowRange): void {
    this.#columns = new RecordColumns(this.#bytes, range.to - range.from);
  }

  append(range: RowRange, index: number, slot: number, count: number): void {
    const { positions, offsets, timestamps, count: row } = this.#columns;
    const at = row * STRIDE;
    positions[at + KEY_POSITION] = this.#keyPositions[slot * 2] as number;
    positions[at + KEY_LENGTH] = (this.#keyPositions[slot * 2 + 1] as number) - this.#keyTail;
    positions[at + VALUE_POSITION] = this.#end;
    positions[at + VALUE_LENGTH] = COUNT_BYTES;
    writeCount(this.#bytes, this.#end, count);
    this.#end += COUNT_BYTES;
    positions[at + HEADERS_POSITION] = this.#end;
    this.#copyHeaders(range.columns, index);
    positions[at + HEADERS_END] = this.#end;
    offsets[row] = range.columns.offsets[index] as number;
    timestamps[row] = range.columns.timestamps[index] as number;
    this.#columns.count = row + 1;
  }

  endRange({ source, partition }: RowRange): void {
    const columns = this.#columns;
    if (columns.count === 0) return;
    this.ranges.push({ source, partition, columns, from: 0, to: columns.count });
  }

  #copyHeaders({ bytes, positions }: RecordColumns, index: number): void {
    const at = index * STRIDE;
    const end = positions[at + HEADERS_END] as number;
    // Byte by byte, because headers are mostly one byte long and Buffer.copy makes an object.
    for (let from = positions[at + HEADERS_POSITION] as number; from < end; from++) {
      this.#bytes[this.#end++] = bytes[from] as number;
    }
  }
}

function decodeCounts(
  found: readonly (Buffer | null)[],
  slots: number,
  node: string,
): Float64Array {
  const counts = new Float64Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    const value = found[slot] ?? null;
    if (value === null) continue;
    if (value.length !== COUNT_BYTES) {
      throw new OutriggerError(
        "STORE_CORRUPTED",
        `node "${node}" found a count of ${value.length} bytes; it must have ${COUNT_BYTES}: ` +
          "delete the state directory, so that it is restored, or reset the application",
      );
    }
    counts[slot] = value.readInt32BE(0) * TWO_TO_32 + value.readUInt32BE(4);
  }
  return counts;
}

function writeCount(bytes: Buffer, at: number, count: number): void {
  bytes.writeInt32BE(Math.floor(count / TWO_TO_32), at);
  bytes.writeUInt32BE(count % TWO_TO_32, at + 4);
}

function changesOf(store: number, keys: SlotKeys, counts: Float64Array): Counted["changes"] {
  const encoded = Buffer.allocUnsafe(keys.count * COUNT_BYTES);
  const changed: Buffer[] = [];
  const values: Buffer[] = [];
  for (let slot = 0; slot < keys.count; slot++) {
    const position = keys.positions[slot * 2] as number;
    const length = keys.positions[slot * 2 + 1] as number;
    writeCount(encoded, slot * COUNT_BYTES, counts[slot] as number);
    changed.push(keys.bytes.subarray(position, position + length));
    values.push(encoded.subarray(slot * COUNT_BYTES, (slot + 1) * COUNT_BYTES));
  }
  return { store, keys: changed, values };
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
