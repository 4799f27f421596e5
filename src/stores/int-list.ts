/** Whole numbers in the order in which they came. */
export class IntList {
  #numbers = new Int32Array(64);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const numbers = new Int32Array(this.length * 2);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers[this.length++] = number;
  }

  at(index: number): number {
    return this.#numbers[index] as number;
  }
}
