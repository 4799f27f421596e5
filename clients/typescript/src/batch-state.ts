import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  StateColumns,
  StateRequestSchema,
  StateResponse,
} from "./gen/outrigger/v1/state_pb.ts";

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

/** One write of the record being processed, so that it can be taken back. */
type Undo = () => void;

/**
 * One store within one batch: the values that travelled, what the batch has written since, and what
 * was asked for. A key has one entry, whether it is named by slot or by its bytes.
 */
export class BatchState {
  readonly index: number;
  readonly #columns: StateColumns;
  readonly #absent: ReadonlySet<number>;
  readonly #rowStarts: Uint32Array;
  readonly #keyOfRow: (row: number) => Uint8Array | null;
  readonly #ask: AskState;
  readonly #bySlot = new Map<number, Value>();
  readonly #byKey = new Map<string, { readonly key: Uint8Array; readonly value: Value }>();
  readonly #asked = new Map<string, Uint8Array | null>();
  #slotOfKey: Map<string, number> | null = null;
  #undo: Undo[] = [];
  /** What the mutations will take in the result, at most. */
  bytes = 0;
  #bytesBefore = 0;

  constructor(
    columns: StateColumns,
    rows: number,
    keyOfRow: (row: number) => Uint8Array | null,
    ask: AskState,
  ) {
    this.index = columns.store;
    this.#columns = columns;
    this.#absent = new Set(columns.absent);
    this.#keyOfRow = keyOfRow;
    this.#ask = ask;
    this.#rowStarts = new Uint32Array(rows + 1);
    for (let row = 0; row < rows; row++) {
      const count = columns.slotCounts.length === 0 ? 1 : (columns.slotCounts[row] ?? 0);
      this.#rowStarts[row + 1] = (this.#rowStarts[row] ?? 0) + count;
    }
  }

  /** The slots of a row; none for a record that came too late, or has no key. */
  slotsOf(row: number): readonly number[] {
    const first = this.#rowStarts[row] ?? 0;
    if (this.#rowStarts[row + 1] === first) return NO_SLOTS;
    const slots: number[] = [];
    for (let at = first; at < (this.#rowStarts[row + 1] ?? 0); at++) {
      slots.push(this.#columns.slots.length === 0 ? at : (this.#columns.slots[at] ?? 0));
    }
    return slots;
  }

  /** Start of a slot's window in ms. */
  windowStart(slot: number): number {
    const { windowBase, windowUnitMs, windowSteps, windowStarts } = this.#columns;
    if (windowStarts.length > 0) return Number(windowStarts[slot] ?? 0n);
    return Number(windowBase) + (windowSteps[slot] ?? 0) * Number(windowUnitMs);
  }

  /** From a slot's session start to its end, in ms. */
  sessionLength(slot: number): number {
    return Number(this.#columns.sessionLengths[slot] ?? 0n);
  }

  getSlot(slot: number): Uint8Array | null {
    const written = this.#bySlot.get(slot);
    if (written !== undefined) return written;
    return this.#absent.has(slot) ? null : (this.#columns.values[slot] ?? null);
  }

  putSlot(slot: number, value: Value): void {
    const before = this.#bySlot.get(slot);
    this.#undo.push(() => {
      if (before === undefined) this.#bySlot.delete(slot);
      else this.#bySlot.set(slot, before);
    });
    this.#bySlot.set(slot, value);
    this.bytes += (value?.length ?? 0) - (before?.length ?? 0);
    if (before === undefined) this.bytes += OVERHEAD_BYTES;
  }

  async getKey(key: Uint8Array): Promise<Uint8Array | null> {
    const name = nameOf(key);
    const slot = this.#slotFor(name);
    if (slot !== undefined) return this.getSlot(slot);
    const written = this.#byKey.get(name);
    if (written !== undefined) return written.value;
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const { values, absent } = await this.#ask({ store: this.index, keys: [key] });
    const found = absent.includes(0) ? null : (values[0] ?? null);
    this.#asked.set(name, found);
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

  putKey(key: Uint8Array, value: Value): void {
    const name = nameOf(key);
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
    if (this.#undo.length > 0) this.#undo = [];
    this.#bytesBefore = this.bytes;
  }

  /** The record failed: what it wrote never was. */
  rollback(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.bytes = this.#bytesBefore;
  }

  /** What the batch has changed; null when nothing. */
  mutations(): {
    store: number;
    slots: number[];
    keys: Uint8Array[];
    values: Uint8Array[];
    deletes: number[];
  } | null {
    if (this.#bySlot.size === 0 && this.#byKey.size === 0) return null;
    const keyed = [...this.#byKey.values()];
    const written = [...this.#bySlot.values(), ...keyed.map(({ value }) => value)];
    const deletes: number[] = [];
    for (const [index, value] of written.entries()) if (value === null) deletes.push(index);
    return {
      store: this.index,
      slots: [...this.#bySlot.keys()],
      keys: keyed.map(({ key }) => key),
      values: written.map((value) => value ?? EMPTY),
      deletes,
    };
  }

  /** Keys are looked up by bytes only when somebody asks so; then every row's key is indexed. */
  #slotFor(name: string): number | undefined {
    if (this.#slotOfKey === null) {
      this.#slotOfKey = new Map();
      for (let row = 0; row + 1 < this.#rowStarts.length; row++) {
        const key = this.#keyOfRow(row);
        const [slot] = this.slotsOf(row);
        if (key !== null && slot !== undefined) this.#slotOfKey.set(nameOf(key), slot);
      }
    }
    return this.#slotOfKey.get(name);
  }
}

const NO_SLOTS: readonly number[] = [];
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
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
