import { Slices } from "../model/slices.ts";
import type { EntryColumns } from "./database.ts";
import { PREFIX_BYTES, storeKey } from "./layout.ts";

/** Of a key with its prefix, and of a value: what is longer is written from where it stands. */
const KEY_BYTES_MAX = 64;
const VALUE_BYTES_MAX = 64;
const SLOT_BYTES = KEY_BYTES_MAX + VALUE_BYTES_MAX;
export const SLOTS_EACH = 512;
/** Of all databases together: about half a kilobyte for each slot. */
export const SETS_MAX = 32;

/** What the binding reads of a put or a delete. */
export interface Operation {
  type: number;
  columnFamily: unknown;
  key: Uint8Array;
  value: Uint8Array;
}

/** How the binding calls what an operation does, and where. */
export interface Words {
  readonly put: number;
  readonly delete: number;
  readonly columnFamily: unknown;
}

/** No key is as short, with its prefix. */
const NOTHING = new Uint8Array(new ArrayBuffer(1), 0, 0);

const idle: PutSlots[] = [];
let made = 0;

/** Of all sets: they hold what they have last copied from. */
const keySlices = new Slices();
const valueSlices = new Slices();

/**
 * Operations that one write after the other uses, each with views of bytes of its own: to make an object and
 * two views for an entry, and to collect them, takes longer than to copy what is as short as most entries
 * are. A view is made anew where a length is another than in the last write.
 */
export class PutSlots {
  readonly #bytes = Buffer.alloc(SLOTS_EACH * SLOT_BYTES);
  readonly #operations: Operation[] = [];
  /** Whose key or value is a view of bytes of others. */
  readonly #lent: Operation[] = [];

  /** For one write; null where as many are in use as there may be. */
  static take(): PutSlots | null {
    const slots = idle.pop();
    if (slots !== undefined || made === SETS_MAX) return slots ?? null;
    made += 1;
    return new PutSlots();
  }

  /** After the write has ended, well or not: from here on the bytes are others'. */
  free(): void {
    for (const operation of this.#lent) {
      operation.key = NOTHING;
      operation.value = NOTHING;
    }
    this.#lent.length = 0;
    idle.push(this);
  }

  /** Appends the operations of the rows from `from` up to `to`, at most `SLOTS_EACH`. */
  fill(columns: EntryColumns, from: number, to: number, words: Words, into: Operation[]): void {
    const { positions } = columns.values;
    for (let row = from; row < to; row++) {
      const slot = row - from;
      const operation = this.#operations[slot] ?? this.#make();
      operation.columnFamily = words.columnFamily;
      this.#setKey(operation, slot * SLOT_BYTES, columns, row);
      const length = positions[row * 2 + 1] as number;
      operation.type = length < 0 ? words.delete : words.put;
      if (length >= 0) this.#setValue(operation, slot * SLOT_BYTES + KEY_BYTES_MAX, columns, row);
      into.push(operation);
    }
  }

  #make(): Operation {
    const operation = { type: 0, columnFamily: null, key: NOTHING, value: NOTHING };
    this.#operations.push(operation);
    return operation;
  }

  #setKey(operation: Operation, at: number, { prefix, keys }: EntryColumns, row: number): void {
    const position = keys.positions[row * 2] as number;
    const length = keys.positions[row * 2 + 1] as number;
    const bytes = this.#bytes;
    const whole = PREFIX_BYTES + length;
    if (whole > KEY_BYTES_MAX) {
      operation.key = storeKey(prefix, keys.bytes.subarray(position, position + length));
      this.#lent.push(operation);
      return;
    }
    if (operation.key.length !== whole) operation.key = viewOf(bytes, at, whole);
    bytes[at] = prefix >>> 8;
    bytes[at + 1] = prefix & 0xff;
    keySlices.copy(keys.bytes, position, bytes, at + PREFIX_BYTES, length);
  }

  #setValue(operation: Operation, at: number, { values }: EntryColumns, row: number): void {
    const position = values.positions[row * 2] as number;
    const length = values.positions[row * 2 + 1] as number;
    if (length > VALUE_BYTES_MAX) {
      operation.value = viewOf(values.bytes, position, length);
      this.#lent.push(operation);
      return;
    }
    if (operation.value.length !== length) operation.value = viewOf(this.#bytes, at, length);
    valueSlices.copy(values.bytes, position, this.#bytes, at, length);
  }
}

/** Of a plain array: a Buffer takes a fifth more. */
function viewOf({ buffer, byteOffset }: Buffer, position: number, length: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + position, length);
}
