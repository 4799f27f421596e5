import type { NumberType, Operator } from "../model/topology.ts";

const TWO_TO_32 = 2 ** 32;

/**
 * One number for each slot of a batch, as Java's (de)serialisers write it, big-endian. Arrays, so that
 * a row costs no object: an int64 is two int32 words, added with a carry, and wraps as Java's long.
 */
export interface Numbers {
  /** Bytes of one number. */
  readonly width: number;
  /** Makes room for slots below `count`; new ones are empty. */
  reserve(count: number): void;
  has(slot: number): boolean;
  load(slot: number, bytes: Buffer, at: number): void;
  clear(slot: number): void;
  /** Folds in a row's value, which stands at `at`; an empty slot begins with it. */
  fold(slot: number, bytes: Buffer, at: number): void;
  /** Folds another slot's number into `slot`. */
  merge(slot: number, other: number): void;
  /** Takes over what another slot holds. */
  copy(slot: number, other: number): void;
  write(slot: number, to: Buffer, at: number): void;
}

/** What `kind` folds by; a count ignores what the rows hold. */
export type Fold = Operator["kind"];

/** Slots without a number: what a count, sum, min or max begins with. */
export function numbersFor(kind: Fold, number: NumberType): Numbers {
  switch (number) {
    case "int64":
      return new Longs(kind);
    case "float64":
      return new Elements(kind, FLOAT64);
    case "int32":
      return new Elements(kind, INT32);
  }
}

/** What they have in common: which slots hold something. */
class Held {
  held = new Uint8Array(0);

  has(slot: number): boolean {
    return this.held[slot] === 1;
  }

  clear(slot: number): void {
    this.held[slot] = 0;
  }
}

class Longs extends Held implements Numbers {
  readonly width = 8;
  readonly #kind: Fold;
  #high = new Int32Array(0);
  #low = new Int32Array(0);

  constructor(kind: Fold) {
    super();
    this.#kind = kind;
  }

  reserve(count: number): void {
    if (count <= this.held.length) return;
    this.held = grown(this.held, new Uint8Array(capacityFor(count)));
    this.#high = grown(this.#high, new Int32Array(this.held.length));
    this.#low = grown(this.#low, new Int32Array(this.held.length));
  }

  load(slot: number, bytes: Buffer, at: number): void {
    this.#set(slot, bytes.readInt32BE(at), bytes.readInt32BE(at + 4));
  }

  fold(slot: number, bytes: Buffer, at: number): void {
    if (this.#kind === "count") this.#fold(slot, 0, 1);
    else this.#fold(slot, bytes.readInt32BE(at), bytes.readInt32BE(at + 4));
  }

  merge(slot: number, other: number): void {
    if (!this.has(other)) return;
    this.#fold(slot, this.#high[other] as number, this.#low[other] as number);
  }

  copy(slot: number, other: number): void {
    this.#set(slot, this.#high[other] as number, this.#low[other] as number);
    this.held[slot] = this.held[other] as number;
  }

  write(slot: number, to: Buffer, at: number): void {
    to.writeInt32BE(this.#high[slot] as number, at);
    to.writeInt32BE(this.#low[slot] as number, at + 4);
  }

  #fold(slot: number, high: number, low: number): void {
    if (!this.has(slot)) {
      this.#set(slot, high, low);
      return;
    }
    const ownHigh = this.#high[slot] as number;
    const ownLow = this.#low[slot] as number;
    switch (this.#kind) {
      case "count":
      case "sum": {
        const sum = (ownLow >>> 0) + (low >>> 0);
        this.#set(slot, ownHigh + high + (sum >= TWO_TO_32 ? 1 : 0), sum);
        return;
      }
      case "min":
        if (high < ownHigh || (high === ownHigh && low >>> 0 < ownLow >>> 0)) {
          this.#set(slot, high, low);
        }
        return;
      case "max":
        if (high > ownHigh || (high === ownHigh && low >>> 0 > ownLow >>> 0)) {
          this.#set(slot, high, low);
        }
        return;
    }
  }

  /** Words above 32 bits wrap. */
  #set(slot: number, high: number, low: number): void {
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.held[slot] = 1;
  }
}

/** How a number that one element of an array holds is read and written. */
interface Format {
  readonly width: number;
  readonly array: (length: number) => Float64Array | Int32Array;
  readonly read: (bytes: Buffer, at: number) => number;
  readonly write: (value: number, to: Buffer, at: number) => void;
}

const FLOAT64: Format = {
  width: 8,
  array: (length) => new Float64Array(length),
  read: (bytes, at) => bytes.readDoubleBE(at),
  // A NaN is written as Java writes it, whatever its bits were.
  write: (value, to, at) => {
    to.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value, at);
  },
};

/** Assigning to an element wraps, as Java's int. */
const INT32: Format = {
  width: 4,
  array: (length) => new Int32Array(length),
  read: (bytes, at) => bytes.readInt32BE(at),
  write: (value, to, at) => {
    to.writeInt32BE(value, at);
  },
};

class Elements extends Held implements Numbers {
  readonly width: number;
  readonly #kind: Fold;
  readonly #format: Format;
  #values: Float64Array | Int32Array;

  constructor(kind: Fold, format: Format) {
    super();
    this.width = format.width;
    this.#kind = kind;
    this.#format = format;
    this.#values = format.array(0);
  }

  reserve(count: number): void {
    if (count <= this.held.length) return;
    this.held = grown(this.held, new Uint8Array(capacityFor(count)));
    this.#values = grown(this.#values, this.#format.array(this.held.length));
  }

  load(slot: number, bytes: Buffer, at: number): void {
    this.#values[slot] = this.#format.read(bytes, at);
    this.held[slot] = 1;
  }

  fold(slot: number, bytes: Buffer, at: number): void {
    this.#fold(slot, this.#format.read(bytes, at));
  }

  merge(slot: number, other: number): void {
    if (this.has(other)) this.#fold(slot, this.#values[other] as number);
  }

  copy(slot: number, other: number): void {
    this.#values[slot] = this.#values[other] as number;
    this.held[slot] = this.held[other] as number;
  }

  write(slot: number, to: Buffer, at: number): void {
    this.#format.write(this.#values[slot] as number, to, at);
  }

  #fold(slot: number, value: number): void {
    const own = this.#values[slot] as number;
    this.#values[slot] = this.has(slot) ? folded(this.#kind, own, value) : value;
    this.held[slot] = 1;
  }
}

/** Math.min and Math.max of both languages agree: NaN wins, and -0 is less than 0. */
function folded(kind: Fold, own: number, value: number): number {
  switch (kind) {
    case "count":
    case "sum":
      return own + value;
    case "min":
      return Math.min(own, value);
    case "max":
      return Math.max(own, value);
  }
}

function capacityFor(count: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(count)));
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
