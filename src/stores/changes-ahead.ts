import { type ChangeColumns, columnsOf, type StoreChanges } from "../model/changes.ts";

interface Ahead {
  readonly changes: StoreChanges;
  readonly columns: ChangeColumns;
}

/** Changes that run ahead of a hop, each with a number: the next is one higher. */
export class ChangesAhead {
  /** From number `#first` on; null has arrived. */
  #all: (Ahead | null)[] = [];
  #first = 1;

  /** The number of the newest; 0 where there was never one. */
  get last(): number {
    return this.#first + this.#all.length - 1;
  }

  add(changes: StoreChanges): { readonly number: number; readonly columns: ChangeColumns } {
    const columns = columnsOf(changes);
    this.#all.push({ changes, columns });
    return { number: this.last, columns };
  }

  columns(number: number): ChangeColumns {
    return (this.#all[number - this.#first] as Ahead).columns;
  }

  /** These have arrived: the number that they had, 0 where they did not run ahead. */
  arrive(changes: StoreChanges): { readonly number: number; readonly columns: ChangeColumns } {
    const at = this.#all.findIndex((one) => one?.changes === changes);
    if (at < 0) return { number: 0, columns: columnsOf(changes) };
    const { columns } = this.#all[at] as Ahead;
    const number = this.#first + at;
    this.#all[at] = null;
    while (this.#all.length > 0 && this.#all[0] === null) {
      this.#all.shift();
      this.#first += 1;
    }
    return { number, columns };
  }

  clear(): void {
    this.#first += this.#all.length;
    this.#all = [];
  }

  /** Those that have not arrived, the eldest first. */
  *waiting(): Iterable<ChangeColumns> {
    for (const one of this.#all) if (one !== null) yield one.columns;
  }
}
