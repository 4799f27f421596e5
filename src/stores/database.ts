import { mkdirSync } from "node:fs";
import RocksDB, { type WriteBatch } from "rocksdb-native";
import { invariant } from "../errors/invariant.ts";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import type { KeyColumns } from "../model/key-table.ts";
import type { ValueColumns } from "../model/value-columns.ts";
import type { PageLimits } from "../ports/store.ts";
import { storeKeys } from "./layout.ts";
import { PutSlots, SLOTS_EACH, type Words } from "./put-slots.ts";
import { openError, operationError } from "./store-errors.ts";

export interface DatabaseOptions {
  readonly writeBufferBytes: number;
  readonly blockCache: boolean;
}

/** Entries by columns; a value of length -1 deletes. */
export interface EntryColumns {
  readonly count: number;
  /** Stands before each key. */
  readonly prefix: number;
  readonly keys: Pick<KeyColumns, "bytes" | "positions">;
  readonly values: Pick<ValueColumns, "bytes" | "positions">;
}

export type Entry = readonly [key: Buffer, value: Buffer | null];

/** What a scan found. */
export interface Scanned {
  readonly entries: readonly (readonly [key: Buffer, value: Buffer])[];
  readonly more: boolean;
}

const READ_CAPACITY = 512;
const SCAN_CAPACITY = 256;
const OPEN_FILES_MAX = 256;
const BACKGROUND_JOBS_MAX = 2;
/** With fewer entries a set of slots is not worth its turn. */
const SLOTTED_MIN = SLOTS_EACH / 2;
/** The binding keeps smaller batches for later writes, with the room that they have. */
const UNKEPT_BATCH = 32;

/**
 * One RocksDB: opened, read and written by whole batches. The only user of `rocksdb-native`. What it
 * finds damaged rejects with STORE_CORRUPTED, and the directory is marked to be emptied; whatever
 * else goes wrong with STORE_FAILED.
 */
export class Database {
  readonly path: string;
  readonly #db: RocksDB;
  readonly #words: Words;

  private constructor(path: string, db: RocksDB) {
    this.path = path;
    this.#db = db;
    this.#words = wordsOf(db);
  }

  /**
   * Opens or creates the directory. It is locked while open, against this and every other process;
   * the lock ends with the process, however it ends. Rejects with STATE_DIRECTORY_LOCKED too.
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    makeDirectory(path);
    const db = new RocksDB(path, {
      writeBufferSize: options.writeBufferBytes,
      maxWriteBufferNumber: 2,
      blockCache: options.blockCache,
      tableCacheIndexAndFilterBlocks: options.blockCache,
      maxBackgroundJobs: BACKGROUND_JOBS_MAX,
      maxOpenFiles: OPEN_FILES_MAX,
    });
    try {
      await db.ready();
    } catch (error: unknown) {
      throw openError(path, error);
    }
    return new Database(path, db);
  }

  async get(key: Buffer): Promise<Buffer | null> {
    const [value] = await this.getMany([key]);
    return value ?? null;
  }

  /** One multi-get; null for a missing key. */
  async getMany(keys: readonly Buffer[]): Promise<(Buffer | null)[]> {
    if (keys.length === 0) return [];
    const batch = this.#db.read({ capacity: READ_CAPACITY, autoDestroy: true });
    const values = keys.map((key) => batch.get(key));
    batch.tryFlush();
    try {
      return await Promise.all(values);
    } catch (error: unknown) {
      throw operationError(this.path, `reading ${keys.length} keys of`, error);
    }
  }

  /**
   * Entries of `[from, to)` in the order asked for, without those of `hides`, until `limits` are
   * reached; `more` when they were. By events: no promise per entry.
   */
  async scan(
    { from, to, reverse }: { from: Buffer; to: Buffer; reverse: boolean },
    { entriesMax, bytesMax }: PageLimits,
    hides: (key: Buffer) => boolean,
  ): Promise<Scanned> {
    const entries: [Buffer, Buffer][] = [];
    let bytes = 0;
    let more = false;
    const capacity = Math.min(entriesMax + 1, SCAN_CAPACITY);
    const rows = this.#db.iterator({ gte: from, lt: to }, { reverse, capacity });
    await new Promise<void>((resolve, reject) => {
      rows.on("data", ({ key, value }) => {
        if (more || hides(key)) return;
        more = entries.length >= entriesMax || (bytes >= bytesMax && entries.length > 0);
        if (more) return rows.destroy();
        entries.push([key, value]);
        bytes += key.length + value.length;
      });
      rows.on("error", (error) => reject(operationError(this.path, "reading a range of", error)));
      rows.on("close", resolve);
    });
    return { entries, more };
  }

  /** One atomic batch. A write that is rejected is fatal: nobody knows what later writes would do. */
  async write(entries: readonly Entry[], columns: readonly EntryColumns[] = []): Promise<void> {
    let count = entries.length;
    for (const each of columns) count += each.count;
    const batch = this.#db.write({ capacity: Math.max(8, count), autoDestroy: true });
    const slots: PutSlots[] = [];
    try {
      for (const each of columns) putColumns(batch, each, slots, this.#words);
      for (const [key, value] of entries) {
        if (value === null) batch.tryDelete(key);
        else batch.tryPut(key, value);
      }
      invariant(batch._operations.length === count, "a batch has all that is to be written");
      invariant(batch._capacity >= count, "a batch has room for what is to be written");
      await batch.flush().catch((error: unknown) => {
        throw operationError(this.path, `writing ${count} entries to`, error);
      });
    } finally {
      for (const each of slots) each.free();
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

/** How the binding names things: as it does in operations of its own. */
function wordsOf(db: RocksDB): Words {
  const batch = db.write({ capacity: UNKEPT_BATCH });
  const nothing = Buffer.alloc(1);
  batch.tryPut(nothing, nothing);
  batch.tryDelete(nothing);
  const [put, del] = batch._operations;
  batch.destroy();
  invariant(put !== undefined && del !== undefined, "a batch has the operations it was given");
  invariant(put.columnFamily === del.columnFamily, "a database has one family of columns");
  return { put: put.type, delete: del.type, columnFamily: put.columnFamily };
}

function putColumns(
  batch: WriteBatch,
  columns: EntryColumns,
  taken: PutSlots[],
  words: Words,
): void {
  const { count } = columns;
  let next = 0;
  while (count - next >= SLOTTED_MIN) {
    const slots = PutSlots.take();
    if (slots === null) break;
    taken.push(slots);
    const end = Math.min(count, next + SLOTS_EACH);
    slots.fill(columns, next, end, words, batch._operations);
    next = end;
  }
  // A batch that was used before has the room of then, whatever was asked for.
  batch._resize();
  if (next < count) putRest(batch, columns, next);
}

/** Views of plain arrays: a Buffer of each takes a fifth more. */
function putRest(
  batch: WriteBatch,
  { count, prefix, keys: { bytes, positions }, values }: EntryColumns,
  from: number,
): void {
  const left = { count: count - from, bytes, positions: positions.subarray(from * 2) };
  const keys = storeKeys(prefix, left);
  const [source, to] = [keys.bytes.buffer, values.bytes.buffer];
  const [keyOrigin, valueOrigin] = [keys.bytes.byteOffset, values.bytes.byteOffset];
  for (let i = 0; i < left.count; i++) {
    const at = keyOrigin + (keys.positions[i * 2] as number);
    const key = new Uint8Array(source, at, keys.positions[i * 2 + 1] as number);
    const row = (from + i) * 2;
    const length = values.positions[row + 1] as number;
    if (length < 0) batch.tryDelete(key);
    else {
      const position = valueOrigin + (values.positions[row] as number);
      batch.tryPut(key, new Uint8Array(to, position, length));
    }
  }
}

/** In Node, because RocksDB's own creation spins for ever where a parent cannot be made. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error: unknown) {
    throw new OutriggerError(
      "STORE_FAILED",
      `the state directory ${path} cannot be made (${asError(error).message}): set state.dir to a ` +
        "directory that this user may write",
      { cause: error },
    );
  }
}
