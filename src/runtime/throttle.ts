/** Whether a task takes more input: not from the bound on, until half of it is gone. */
export class Throttle {
  readonly #bytesMax: number;
  #isThrottled = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What changes with so many bytes waiting; null where nothing does. */
  changeAt(bytes: number): boolean | null {
    const isThrottled = this.#isThrottled ? bytes > this.#bytesMax / 2 : bytes >= this.#bytesMax;
    if (isThrottled === this.#isThrottled) return null;
    this.#isThrottled = isThrottled;
    return isThrottled;
  }
}
