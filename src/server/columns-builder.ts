/** Rooms that are used again: a list of a hot message is as long as the one before it. */
const SPARE_MAX = 8;
const SPARE_LENGTH_MAX = 65_536;
const spare: Int32Array<ArrayBuffer>[] = [];
const NO_ROOM = new Int32Array(0);

/** An Int32Array that grows while a frame is read. */
export class Int32List {
  length = 0;
  #values = NO_ROOM;

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow(this.length + 1);
    this.#values[this.length++] = value;
  }

  /** The element, or -1 beyond the end. */
  at(index: number): number {
    return index < this.length ? (this.#values[index] as number) : -1;
  }

  /** Makes sure that `index` exists; what is new is 0. */
  set(index: number, value: number): void {
    if (index >= this.#values.length) this.#grow(index + 1);
    const { length } = this;
    if (index > length) this.#values.fill(0, length, index);
    if (index >= length) this.length = index + 1;
    this.#values[index] = value;
  }

  /** A copy of what was pushed: the list must not be used afterwards. */
  finish(): Int32Array {
    const values = this.#values.slice(0, this.length);
    const isWorthIt = this.#values.length > 0 && this.#values.length <= SPARE_LENGTH_MAX;
    if (isWorthIt && spare.length < SPARE_MAX) spare.push(this.#values);
    this.#values = NO_ROOM;
    return values;
  }

  #grow(needed: number): void {
    const values = this.#values;
    const found = values === NO_ROOM ? spare.pop() : undefined;
    if (found !== undefined && found.length >= needed) {
      this.#values = found;
      return;
    }
    const grown = new Int32Array(Math.max(needed, values.length * 2, 64));
    grown.set(values);
    this.#values = grown;
  }
}
