import { type ChangeColumns, ColumnChanges, type StoreChanges } from "../model/changes.ts";
import {
  KEY_LENGTH,
  KEY_POSITION,
  type RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import { STAMP_BYTES } from "../model/entry-time.ts";
import { hashOf, writeLong } from "../model/key-table.ts";
import { Slices } from "../model/slices.ts";
import type { FetchedChunk } from "../ports/consumer.ts";

/**
 * Entries of one write while restoring: with more of them what stands for each survives the collector's
 * first look, with fewer the hops to RocksDB's threads count.
 */
const ENTRIES_MAX = 2_048;
const BUCKETS = ENTRIES_MAX * 4;

/** A part of a changelog, and the offset behind it. */
export interface RestoredPiece {
  readonly changes: StoreChanges;
  readonly position: number;
}

/**
 * A chunk of a changelog as pieces to be written one by one: each has the last value of every key that it
 * changes, and none but what stands before its position. A null value deletes; a record without a key is none
 * of ours. Where values carry their time it is put before them.
 */
export class RestoredPieces {
  readonly #store: number;
  readonly #isStamped: boolean;
  /** Slot + 1 of what a bucket holds; what is not above `#floor` is of an earlier piece. */
  readonly #buckets = new Int32Array(BUCKETS);
  #floor = 0;
  readonly #slices = new Slices();

  constructor(store: number, isStamped: boolean) {
    this.#store = store;
    this.#isStamped = isStamped;
  }

  *of({ columns, nextOffset }: FetchedChunk): Generator<RestoredPiece, void, undefined> {
    for (let row = 0; ; ) {
      const piece = new Piece(Math.min(ENTRIES_MAX, columns.count - row));
      row = this.#fill(piece, columns, row);
      const position = row < columns.count ? (columns.offsets[row] as number) : nextOffset;
      const { keys, values } = this.#columnsOf(piece, columns);
      yield { changes: new ColumnChanges(this.#store, keys, values), position };
      if (row >= columns.count) return;
    }
  }

  /** Takes rows until there are as many keys as a write may have. Returns the next row. */
  #fill(piece: Piece, columns: RecordColumns, from: number): number {
    const { bytes, positions } = columns;
    this.#nextFloor();
    let row = from;
    for (; row < columns.count; row++) {
      const at = row * STRIDE;
      const position = positions[at + KEY_POSITION] as number;
      const length = positions[at + KEY_LENGTH] as number;
      if (length < 0) continue;
      const hash = hashOf(bytes, position, length);
      const bucket = this.#bucketOf(piece, bytes, hash, position, length);
      let slot = (this.#buckets[bucket] as number) - this.#floor - 1;
      if (slot < 0) {
        if (piece.count === piece.rows.length) break;
        slot = piece.count++;
        this.#buckets[bucket] = this.#floor + slot + 1;
        piece.hashes[slot] = hash;
        piece.keys[slot * 2] = position;
        piece.keys[slot * 2 + 1] = length;
      }
      piece.rows[slot] = row;
    }
    return row;
  }

  /** Where the key stands, or would. */
  #bucketOf(piece: Piece, bytes: Buffer, hash: number, position: number, length: number): number {
    for (let bucket = hash & (BUCKETS - 1); ; bucket = (bucket + 1) & (BUCKETS - 1)) {
      const slot = (this.#buckets[bucket] as number) - this.#floor - 1;
      if (slot < 0) return bucket;
      if (piece.hashes[slot] !== hash || piece.keys[slot * 2 + 1] !== length) continue;
      if (this.#slices.equal(bytes, piece.keys[slot * 2] as number, bytes, position, length)) {
        return bucket;
      }
    }
  }

  /** Empties the buckets without touching them, but once in a long while. */
  #nextFloor(): void {
    this.#floor += ENTRIES_MAX;
    if (this.#floor < 2 ** 30) return;
    this.#floor = 0;
    this.#buckets.fill(0);
  }

  #columnsOf({ count, rows, keys, hashes }: Piece, columns: RecordColumns): ChangeColumns {
    const { bytes } = columns;
    const values = this.#isStamped ? stamped(rows, count, columns) : plain(rows, count, columns);
    return { keys: { count, bytes, positions: keys, hashes }, values };
  }
}

/** The keys of a piece, each with the row that has its last value. */
class Piece {
  count = 0;
  readonly rows: Int32Array;
  readonly keys: Int32Array;
  readonly hashes: Int32Array;

  constructor(keysMax: number) {
    this.rows = new Int32Array(keysMax);
    this.keys = new Int32Array(keysMax * 2);
    this.hashes = new Int32Array(keysMax);
  }
}

/** The values where they arrived. */
function plain(rows: Int32Array, count: number, columns: RecordColumns): ChangeColumns["values"] {
  const positions = new Int32Array(count * 2);
  for (let slot = 0; slot < count; slot++) {
    const at = (rows[slot] as number) * STRIDE;
    positions[slot * 2] = columns.positions[at + VALUE_POSITION] as number;
    positions[slot * 2 + 1] = columns.positions[at + VALUE_LENGTH] as number;
  }
  return { count, bytes: columns.bytes, positions };
}

/** The values behind the times of their records. */
function stamped(rows: Int32Array, count: number, columns: RecordColumns): ChangeColumns["values"] {
  const { positions, bytes } = plain(rows, count, columns);
  let size = 0;
  for (let slot = 0; slot < count; slot++) {
    if ((positions[slot * 2 + 1] as number) >= 0) size += positions[slot * 2 + 1] as number;
  }
  const into = Buffer.allocUnsafe(size + count * STAMP_BYTES);
  const slices = new Slices();
  let at = 0;
  for (let slot = 0; slot < count; slot++) {
    const length = positions[slot * 2 + 1] as number;
    if (length < 0) continue;
    writeLong(into, at, columns.timestamps[rows[slot] as number] as number);
    slices.copy(bytes, positions[slot * 2] as number, into, at + STAMP_BYTES, length);
    positions[slot * 2] = at;
    positions[slot * 2 + 1] = length + STAMP_BYTES;
    at += length + STAMP_BYTES;
  }
  return { count, bytes: into, positions };
}
