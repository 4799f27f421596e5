const SLOTS_MIN = 64;

/** Slots in the order of what `isBefore` says of two of them: a binary heap. */
export class SlotQueue {
  readonly #isBefore: (slot: number, other: number) => boolean;
  #slots = new Int32Array(SLOTS_MIN);
  #count = 0;

  constructor(isBefore: (slot: number, other: number) => boolean) {
    this.#isBefore = isBefore;
  }

  /** The first slot; -1 where there is none. */
  get first(): number {
    return this.#count === 0 ? -1 : (this.#slots[0] as number);
  }

  push(slot: number): void {
    if (this.#count === this.#slots.length) {
      const grown = new Int32Array(this.#count * 2);
      grown.set(this.#slots);
      this.#slots = grown;
    }
    let at = this.#count++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#slots[above] as number;
      if (!this.#isBefore(slot, other)) break;
      this.#slots[at] = other;
      at = above;
    }
    this.#slots[at] = slot;
  }

  shift(): void {
    const last = this.#slots[--this.#count] as number;
    let at = 0;
    for (let below = 1; below < this.#count; below = at * 2 + 1) {
      const right = below + 1;
      if (right < this.#count && this.#isBefore(this.#at(right), this.#at(below))) below = right;
      if (!this.#isBefore(this.#at(below), last)) break;
      this.#slots[at] = this.#at(below);
      at = below;
    }
    this.#slots[at] = last;
  }

  #at(index: number): number {
    return this.#slots[index] as number;
  }
}
