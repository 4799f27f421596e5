import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StateRequestSchema, StateResponse } from "./gen/outrigger/v1/state_pb.ts";
import {
  elementOf,
  isElement,
  type ReceivedSegment,
  type ReceivedState,
} from "./received-batch.ts";
import type { Mutations } from "./result-frame.ts";
import { asBytes } from "./wire-writer.ts";

/** A value as bytes; null is a delete. */
type Value = Uint8Array | null;

/** What is asked of the sidecar about one store: keys, or a page of a range. */
export type Question = Pick<
  MessageInitShape<typeof StateRequestSchema>,
  "keys" | "range" | "written"
> & { readonly store: number };

/** Asks the sidecar for what did not travel with the batch. */
export type AskState = (question: Question) => Promise<StateResponse>;

/** A range of keys, `[from, to)` in the order of their bytes; null is an open end. */
export interface ByteRange {
  readonly from: Uint8Array | null;
  readonly to: Uint8Array | null;
  readonly reverse: boolean;
}

/** One write of the record being processed to a key that has no slot, so that it can be taken back. */
type Undo = () => void;

/**
 * One store within one batch: the values that travelled, what the batch has written since, and what
 * was asked for. A key has one entry, whether it is named by slot or by its bytes.
 */
export class BatchState {
  readonly index: number;
  readonly #columns: ReceivedState;
  /** Where each row's slots begin; null where each row has the slot of its own number. */
  readonly #rowStarts: readonly number[] | null;
  readonly #segments: readonly ReceivedSegment[];
  /** The row being processed, and the place of it that is known: a segment, and its first row. */
  #row = 0;
  #segment = 0;
  #segmentStart = 0;
  readonly #ask: AskState;
  /** What the batch has written, by slot, and the slots in the order in which they were first written. */
  readonly #bySlot: (Value | undefined)[] = [];
  readonly #slots: number[] = [];
  /** Of the record being processed: slots that it wrote, and what was there before. */
  readonly #undoSlots: number[] = [];
  readonly #undoValues: (Value | undefined)[] = [];
  #undoCount = 0;
  readonly #byKey = new Map<string, { readonly key: Uint8Array; readonly value: Value }>();
  readonly #asked = new Map<string, Uint8Array | null>();
  #slotOfKey: Map<string, number> | null = null;
  #undo: Undo[] = [];
  /** What the mutations will take in the result, at most. */
  bytes = 0;
  #bytesBefore = 0;

  constructor(columns: ReceivedState, segments: readonly ReceivedSegment[], ask: AskState) {
    this.index = columns.store;
    this.#columns = columns;
    this.#rowStarts =
      columns.slotCounts.length === 0 ? null : startsOf(columns.slotCounts, segments);
    this.#segments = segments;
    this.#ask = ask;
  }

  /** How many slots a row has; none for a record that came too late, or has no key. */
  slotCount(row: number): number {
    if (this.#rowStarts === null) return 1;
    return (this.#rowStarts[row + 1] as number) - (this.#rowStarts[row] as number);
  }

  /** One of a row's slots. */
  slotAt(row: number, index: number): number {
    const at = this.#rowStarts === null ? row : (this.#rowStarts[row] as number) + index;
    return this.#columns.slots.length === 0 ? at : (this.#columns.slots[at] ?? 0);
  }

  /** Start of a slot's window in ms. */
  windowStart(slot: number): number {
    const { windowBase, windowUnitMs, windowSteps, windowStarts } = this.#columns;
    if (windowStarts.length > 0) return windowStarts[slot] ?? 0;
    return windowBase + (windowSteps[slot] ?? 0) * windowUnitMs;
  }

  /** From a slot's session start to its end, in ms. */
  sessionLength(slot: number): number {
    return this.#columns.sessionLengths[slot] ?? 0;
  }

  getSlot(slot: number): Uint8Array | null {
    const written = this.#bySlot[slot];
    return written === undefined ? elementOf(this.#columns.values, slot) : written;
  }

  putSlot(slot: number, written: Value): void {
    const value = written === null ? null : asBytes(written);
    while (this.#bySlot.length <= slot) this.#bySlot.push(undefined);
    const before = this.#bySlot[slot];
    this.#undoSlots[this.#undoCount] = slot;
    this.#undoValues[this.#undoCount++] = before;
    this.#bySlot[slot] = value;
    this.bytes += (value?.length ?? 0) - (before?.length ?? 0);
    if (before !== undefined) return;
    this.#slots.push(slot);
    this.bytes += OVERHEAD_BYTES;
  }

  /** What the key has; undefined where only the sidecar knows. */
  knownOf(key: Uint8Array): Uint8Array | null | undefined {
    const own = this.#ownSlot(key);
    if (own >= 0) return this.getSlot(own);
    const name = nameOf(key);
    const slot = this.#slotFor(name);
    if (slot !== undefined) return this.getSlot(slot);
    const written = this.#byKey.get(name);
    return written === undefined ? this.#asked.get(name) : written.value;
  }

  /** Asks for what is not known. */
  async askFor(key: Uint8Array): Promise<Uint8Array | null> {
    const { values, absent } = await this.#ask({ store: this.index, keys: [key] });
    const found = absent.includes(0) ? null : (values[0] ?? null);
    this.#asked.set(nameOf(key), found);
    return found;
  }

  /** The entries of a range, page by page; each page sees what the batch has written when it is asked for. */
  async *range({ from, to, reverse }: ByteRange): AsyncGenerator<[Uint8Array, Uint8Array]> {
    let first = from;
    let end = to;
    for (;;) {
      const written = this.mutations();
      const range = {
        reverse,
        ...(first === null ? {} : { from: first }),
        ...(end === null ? {} : { to: end }),
      };
      const question = { store: this.index, range };
      const page = await this.#ask(written === null ? question : { ...question, written });
      for (const [index, key] of page.keys.entries()) yield [key, page.values[index] ?? EMPTY];
      const last = page.keys.at(-1);
      if (!page.more || last === undefined) return;
      if (reverse) end = last;
      else first = keyAfter(last);
    }
  }

  putKey(key: Uint8Array, written: Value): void {
    const value = written === null ? null : asBytes(written);
    const own = this.#ownSlot(key);
    if (own >= 0) this.putSlot(own, value);
    else this.#putNamed(key, nameOf(key), value);
  }

  #putNamed(key: Uint8Array, name: string, value: Value): void {
    const slot = this.#slotFor(name);
    if (slot !== undefined) {
      this.putSlot(slot, value);
      return;
    }
    const before = this.#byKey.get(name);
    this.#undo.push(() => {
      if (before === undefined) this.#byKey.delete(name);
      else this.#byKey.set(name, before);
    });
    this.#byKey.set(name, { key, value });
    this.bytes += (value?.length ?? 0) - (before?.value?.length ?? 0);
    if (before === undefined) this.bytes += key.length + OVERHEAD_BYTES;
  }

  /** The record is done: what it wrote stays. */
  keep(): void {
    this.#row += 1;
    this.#undoCount = 0;
    if (this.#undo.length > 0) this.#undo = [];
    this.#bytesBefore = this.bytes;
  }

  /** The record failed: what it wrote never was. */
  rollback(): void {
    while (this.#undoCount > 0) {
      const before = this.#undoValues[--this.#undoCount];
      this.#bySlot[this.#undoSlots[this.#undoCount] as number] = before;
      // It was the slot's first write: the last of those that are noted.
      if (before === undefined) this.#slots.pop();
    }
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.bytes = this.#bytesBefore;
  }

  /** What the batch has changed; null when nothing. */
  mutations(): Mutations | null {
    if (this.#slots.length === 0 && this.#byKey.size === 0) return null;
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    const deletes: number[] = [];
    const add = (value: Value): void => {
      if (value === null) deletes.push(values.length);
      values.push(value ?? EMPTY);
    };
    for (const slot of this.#slots) add(this.#bySlot[slot] ?? null);
    for (const { key, value } of this.#byKey.values()) {
      keys.push(key);
      add(value);
    }
    return { store: this.index, slots: [...this.#slots], keys, values, deletes };
  }

  /** The slot of the row being processed, where its key is this one; else -1. */
  #ownSlot(key: Uint8Array): number {
    let segment = this.#segments[this.#segment];
    while (segment !== undefined && this.#row - this.#segmentStart >= segment.count) {
      this.#segmentStart += segment.count;
      segment = this.#segments[++this.#segment];
    }
    if (segment === undefined || this.slotCount(this.#row) === 0) return -1;
    const isOwn = isElement(segment.keys, this.#row - this.#segmentStart, key);
    return isOwn ? this.slotAt(this.#row, 0) : -1;
  }

  /** Other keys are looked up by bytes only when somebody asks so; then every row's key is indexed. */
  #slotFor(name: string): number | undefined {
    if (this.#slotOfKey === null) {
      this.#slotOfKey = new Map();
      let row = 0;
      for (const { keys, count } of this.#segments) {
        for (let index = 0; index < count; index++, row++) {
          const key = elementOf(keys, index);
          if (key === null || this.slotCount(row) === 0) continue;
          this.#slotOfKey.set(nameOf(key), this.slotAt(row, 0));
        }
      }
    }
    return this.#slotOfKey.get(name);
  }
}

function startsOf(counts: readonly number[], segments: readonly ReceivedSegment[]): number[] {
  const rows = segments.reduce((sum, { count }) => sum + count, 0);
  const starts = [0];
  for (let row = 0; row < rows; row++) starts.push((starts[row] ?? 0) + (counts[row] ?? 0));
  return starts;
}

const EMPTY = new Uint8Array();
/** Bytes that a mutation takes besides its key and value, at most. */
const OVERHEAD_BYTES = 24;

/** The key that comes next after `key`: no other lies between them. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function nameOf(key: Uint8Array): string {
  if (Buffer.isBuffer(key)) return key.toString("latin1");
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
