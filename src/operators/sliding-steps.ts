/** The window takes the row in. */
export const FOLD = 0;
/** It begins with the row. */
export const START = 1;
/** It begins with what another window holds, and the row. */
export const EXTEND = 2;
/** It takes over what another holds, unsaid. */
export const COPY = 3;
/** It is said what it holds. */
export const FORWARD = 4;

const CAPACITY_MIN = 256;

/** What happens to windows, in order, as columns that grow. */
export class StepList {
  count = 0;
  /** How many of them forward. */
  forwards = 0;
  kinds = new Uint8Array(CAPACITY_MIN);
  slots = new Int32Array(CAPACITY_MIN);
  /** The slot that is copied; -1 for none. */
  sources = new Int32Array(CAPACITY_MIN);
  /** The window's time after the step, in ms. */
  times = new Float64Array(CAPACITY_MIN);

  push(kind: number, slot: number, source: number, time: number): void {
    if (this.count === this.slots.length) this.#grow();
    const at = this.count++;
    this.kinds[at] = kind;
    this.slots[at] = slot;
    this.sources[at] = source;
    this.times[at] = time;
    if (kind !== COPY) this.forwards++;
  }

  #grow(): void {
    const capacity = this.count * 2;
    const grown = <T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.kinds = grown(this.kinds, new Uint8Array(capacity));
    this.slots = grown(this.slots, new Int32Array(capacity));
    this.sources = grown(this.sources, new Int32Array(capacity));
    this.times = grown(this.times, new Float64Array(capacity));
  }
}
