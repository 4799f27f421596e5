/** An Int32Array that grows while a frame is read. */
export class Int32List {
  length = 0;
  #values = new Int32Array(64);

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
    this.#values[index] = value;
    if (index >= this.length) this.length = index + 1;
  }

  /** What was pushed, not copied: the list must not be used afterwards. */
  finish(): Int32Array {
    return this.#values.subarray(0, this.length);
  }

  #grow(needed: number): void {
    const grown = new Int32Array(Math.max(needed, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}
