import { OutriggerError } from "../errors/outrigger-error.ts";
import { ChosenKeys, ColumnChanges, type StoreChanges } from "../model/changes.ts";
import { STAMP_BYTES } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import type { Operator } from "../model/topology.ts";
import type { SlotKeys } from "./derived.ts";
import { type Numbers, numbersFor } from "./numbers.ts";

/** What a built-in node has in its store for each slot of a batch, and has changed of it. */
export class SlotValues {
  readonly numbers: Numbers;
  /** Time of each slot's value in ms: the latest of its records. Only where values carry it. */
  times = new Float64Array(0);
  readonly #operator: Operator;
  readonly #stampBytes: number;
  /** Whether the store has the slot, and whether the batch has written to it. */
  #isStored = new Uint8Array(0);
  #isWritten = new Uint8Array(0);

  constructor(operator: Operator) {
    this.#operator = operator;
    this.numbers = numbersFor(operator.kind, operator.number ?? "int64");
    this.#stampBytes = operator.isTimestamped === true ? STAMP_BYTES : 0;
  }

  reserve(count: number): void {
    this.numbers.reserve(count);
    if (count <= this.#isStored.length) return;
    const capacity = Math.max(64, count * 2);
    const grown = <T extends Uint8Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.times = grown(this.times, new Float64Array(capacity));
    this.#isStored = grown(this.#isStored, new Uint8Array(capacity));
    this.#isWritten = grown(this.#isWritten, new Uint8Array(capacity));
  }

  /** What the store holds for the slot. Throws STORE_CORRUPTED where that is none of its values. */
  load(slot: number, bytes: Buffer, position: number, length: number): void {
    const { numbers } = this;
    const stamp = this.#stampBytes;
    if (length !== stamp + numbers.width) {
      const { node, kind } = this.#operator;
      throw new OutriggerError(
        "STORE_CORRUPTED",
        `node "${node}" found a ${kind} of ${length} bytes; it must have ` +
          `${stamp + numbers.width}: delete the state directory, so that it is restored, or reset ` +
          "the application",
      );
    }
    if (stamp > 0) this.times[slot] = readLong(bytes, position);
    numbers.load(slot, bytes, position + stamp);
    this.#isStored[slot] = 1;
  }

  /** A record of this time is about to be folded in. */
  stamp(slot: number, timestamp: number): void {
    const before = this.numbers.has(slot) ? (this.times[slot] as number) : timestamp;
    this.times[slot] = Math.max(before, timestamp);
  }

  written(slot: number): void {
    this.#isWritten[slot] = 1;
  }

  /** The last value of each slot that the batch wrote to; none where it has none any more. */
  changes(keys: SlotKeys): StoreChanges {
    const { numbers } = this;
    const width = this.#stampBytes + numbers.width;
    const bytes = Buffer.allocUnsafe(keys.count * width);
    const positions = new Int32Array(keys.count * 2);
    const changed = new ChosenKeys(keys, keys.count);
    for (let slot = 0; slot < keys.count; slot++) {
      const isHeld = numbers.has(slot);
      // What came and went within the batch was never there.
      if (this.#isWritten[slot] === 0 || !(isHeld || this.#isStored[slot] === 1)) continue;
      const place = changed.count;
      const at = place * width;
      changed.add(slot);
      positions[place * 2] = at;
      positions[place * 2 + 1] = isHeld ? width : -1;
      if (!isHeld) continue;
      if (this.#stampBytes > 0) writeLong(bytes, at, this.times[slot] as number);
      numbers.write(slot, bytes, at + this.#stampBytes);
    }
    const values = { count: changed.count, bytes, positions };
    return new ColumnChanges(this.#operator.store, changed.columns(), values);
  }
}
