import { readLong } from "../model/key-table.ts";

const LONG_BYTES = 8;

/** Names of entries by the time in them, in its order: what is due is found, and nothing else looked at. */
export class NamesByTime {
  readonly #timeBytes: number;
  readonly #names = new Map<number, Set<string>>();
  /** The times that there are, ascending. New ones are mostly the latest. */
  readonly #times: number[] = [];
  readonly #long = Buffer.alloc(LONG_BYTES);

  /** The time, an int64, begins so many bytes before the end of a name. */
  constructor(timeBytes: number) {
    this.#timeBytes = timeBytes;
  }

  /** Those of a time within `(afterMs, upToMs]`, by time; unordered within one. */
  *within(afterMs: number, upToMs: number): Iterable<string> {
    for (let index = this.#behind(afterMs); index < this.#times.length; index++) {
      const time = this.#times[index] as number;
      if (time > upToMs) return;
      yield* this.#names.get(time) ?? [];
    }
  }

  add(name: string): void {
    const time = this.#timeOf(name);
    const names = this.#names.get(time);
    if (names !== undefined) {
      names.add(name);
      return;
    }
    this.#names.set(time, new Set([name]));
    this.#times.splice(this.#behind(time), 0, time);
  }

  delete(name: string): void {
    const time = this.#timeOf(name);
    const names = this.#names.get(time);
    names?.delete(name);
    if (names?.size !== 0) return;
    this.#names.delete(time);
    this.#times.splice(this.#behind(time) - 1, 1);
  }

  clear(): void {
    this.#names.clear();
    this.#times.length = 0;
  }

  /** The index of the first time above. */
  #behind(time: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #timeOf(name: string): number {
    const at = name.length - this.#timeBytes;
    this.#long.write(name.slice(at, at + LONG_BYTES), "latin1");
    return readLong(this.#long, 0);
  }
}
