import type { KeyColumns } from "../model/key-table.ts";
import { Slices } from "../model/slices.ts";
import { type EntryFields, HASH, KEY_LENGTH, KEY_POSITION } from "./entry-fields.ts";

/** Copies the keys of entries, one after the other. */
export function packEntries(
  bytes: Buffer,
  entries: EntryFields,
  numbers: { readonly length: number; at(index: number): number },
): KeyColumns {
  const count = numbers.length;
  let size = 0;
  for (let i = 0; i < count; i++) size += entries.get(numbers.at(i), KEY_LENGTH);
  const packed = Buffer.allocUnsafe(size);
  const positions = new Int32Array(count * 2);
  const hashes = new Int32Array(count);
  const slices = new Slices();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const entry = numbers.at(i);
    const length = entries.get(entry, KEY_LENGTH);
    slices.copy(bytes, entries.get(entry, KEY_POSITION), packed, at, length);
    positions[i * 2] = at;
    positions[i * 2 + 1] = length;
    hashes[i] = entries.get(entry, HASH);
    at += length;
  }
  return { count, bytes: packed, positions, hashes };
}
