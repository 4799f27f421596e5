/**
 * The fields of an entry of a state table, side by side in one array: an entry that is looked up is one line
 * of the processor's cache, where an array for each field would be one each.
 */
export const HASH = 0;
/** Where the key stands; of a free entry the next one, or -1. */
export const KEY_POSITION = 1;
/** -1 for an entry that is free. */
export const KEY_LENGTH = 2;
/** The number of the changes that the head value is of, 0 for none, and its place in them. */
export const HEAD = 3;
export const HEAD_PLACE = 4;
/** Where the staged value stands, and its length: at least 0, ABSENT, or UNKNOWN for none. */
export const STAGED_POSITION = 5;
export const STAGED_LENGTH = 6;
/** The place in the cut + 1; 0 for none. */
export const CUT_PLACE = 7;
/** Where the committed value stands, and its length: at least 0, ABSENT or UNKNOWN. */
export const VALUE_POSITION = 8;
export const VALUE_LENGTH = 9;
/** Bytes of the committed value's block; 0 for none. */
export const VALUE_ROOM = 10;
export const MARKS = 11;
/** Of a listed entry: the next and the previous one in the list of its window's start; -1 for none. */
export const NEXT = 12;
export const PREVIOUS = 13;

/**
 * Marks: the committed value is not on the disk; it was used since the hand passed; the entry is listed by
 * the start of its window; its key is on the disk, and in the index of times.
 */
export const UNWRITTEN = 1;
export const USED = 2;
export const LISTED = 4;
export const INDEXED = 8;

/** There is no value. */
export const ABSENT = -1;
/** The layer does not know: an older one, or the disk, is to be asked. */
export const UNKNOWN = -2;

const FIELDS = 16;
const ENTRIES_MIN = 64;

/** Entries by number. */
export class EntryFields {
  fields = new Int32Array(ENTRIES_MIN * FIELDS);
  capacity = ENTRIES_MIN;

  get(entry: number, field: number): number {
    return this.fields[entry * FIELDS + field] as number;
  }

  set(entry: number, field: number, value: number): void {
    this.fields[entry * FIELDS + field] = value;
  }

  hasMark(entry: number, mark: number): boolean {
    return (this.get(entry, MARKS) & mark) !== 0;
  }

  mark(entry: number, marks: number): void {
    this.set(entry, MARKS, this.get(entry, MARKS) | marks);
  }

  unmark(entry: number, marks: number): void {
    this.set(entry, MARKS, this.get(entry, MARKS) & ~marks);
  }

  /** An entry of a key that has no value in any layer. */
  clear(entry: number): void {
    const at = entry * FIELDS;
    this.fields.fill(0, at, at + FIELDS);
    this.fields[at + STAGED_LENGTH] = UNKNOWN;
    this.fields[at + VALUE_LENGTH] = UNKNOWN;
  }

  grow(): void {
    this.capacity *= 2;
    const fields = new Int32Array(this.capacity * FIELDS);
    fields.set(this.fields);
    this.fields = fields;
  }
}
