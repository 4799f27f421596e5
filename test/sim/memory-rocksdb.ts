import type { Process } from "./loop.ts";
import { virtual } from "./virtual-globals.ts";

/** What a directory holds: it outlives its process. Keys are latin1. */
export interface StoredDirectory {
  readonly path: string;
  data: Map<string, Buffer>;
  owner: Process | null;
  /** Opening finds damage, once. */
  corrupted: boolean;
  /** Reads and writes until one of them finds damage, once; null where none will. */
  rotsAfter: number | null;
  /** What others than RocksDB keep there, by name. */
  readonly files: Map<string, string>;
}

/** Every disk of the world, and who looks at what is written to it. */
export const disks = {
  directories: new Map<string, StoredDirectory>(),
  written: (_: StoredDirectory): void => {},
};

/** How long a hop to RocksDB's threads takes. */
function hopMs(): number {
  return virtual.random.skewed(0.01, 2);
}

const PUT = 1;
const DELETE = 2;

/** What is read as a batch is written, and not before. */
interface Operation {
  readonly type: number;
  readonly columnFamily: unknown;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** In the place of rocksdb-native in simulated code: same calls, atomic writes, a lock. */
class MemoryRocksDB {
  readonly #path: string;
  readonly #opener = virtual.loop.current;
  #directory: StoredDirectory | null = null;
  #writing = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async ready(): Promise<void> {
    await this.#hop();
    const found = disks.directories.get(this.#path);
    const directory = found ?? newDirectory(this.#path);
    if (directory.owner !== null) {
      throw new Error(`While lock file: ${this.#path}/LOCK: Resource temporarily unavailable`);
    }
    if (directory.corrupted) {
      directory.corrupted = false;
      throw damage(this.#path);
    }
    disks.directories.set(this.#path, directory);
    directory.owner = this.#opener;
    this.#directory = directory;
    this.#opener?.onEnd(() => this.#unlock());
  }

  /** Waits for what is under way, as the real one does. */
  async close(): Promise<void> {
    do await this.#hop();
    while (this.#writing > 0);
    this.#unlock();
  }

  read(): { get(key: Buffer): Promise<Buffer | null>; tryFlush(): void; destroy(): void } {
    let flush = (): void => {};
    let fail = (_: unknown): void => {};
    const flushed = new Promise<void>((resolve, reject) => {
      flush = resolve;
      fail = reject;
    });
    return {
      get: async (key) => {
        await flushed;
        return copyOf(this.#open().data.get(key.toString("latin1")));
      },
      tryFlush: () => {
        this.#hop()
          .then(() => this.#meetRot())
          .then(flush, fail);
      },
      destroy: () => {},
    };
  }

  /** Takes operations past `tryPut` too, as the real one does: see `src/stores/put-slots.ts`. */
  write(): {
    tryPut(key: Uint8Array, value: Uint8Array): void;
    tryDelete(key: Uint8Array): void;
    readonly _operations: Operation[];
    readonly _capacity: number;
    _resize(): void;
    destroy(): void;
    flush(): Promise<void>;
  } {
    const operations: Operation[] = [];
    return {
      tryPut: (key, value) => operations.push({ type: PUT, columnFamily: this, key, value }),
      tryDelete: (key) => operations.push({ type: DELETE, columnFamily: this, key, value: key }),
      _operations: operations,
      _capacity: Number.POSITIVE_INFINITY,
      _resize: () => {},
      destroy: () => {},
      flush: async () => {
        this.#writing += 1;
        // It is on disk before the caller knows: a crash may fall between.
        await this.#hop();
        try {
          this.#meetRot();
        } catch (error: unknown) {
          this.#writing -= 1;
          throw new Error("Batch was not applied", { cause: error });
        }
        const { data } = this.#open();
        for (const { type, key, value } of operations) {
          if (type === PUT) data.set(nameOf(key), Buffer.from(value));
          else data.delete(nameOf(key));
        }
        disks.written(this.#open());
        await this.#hop();
        this.#writing -= 1;
      },
    };
  }

  /** A stream as of its start; each entry is a copy. */
  iterator(
    { gte, lt }: { readonly gte: Buffer; readonly lt: Buffer },
    { reverse }: { readonly reverse: boolean },
  ): Rows {
    const [from, to] = [gte.toString("latin1"), lt.toString("latin1")];
    const rows = [...this.#open().data].filter(([key]) => key >= from && key < to);
    rows.sort(([a], [b]) => (a < b === reverse ? 1 : -1));
    const entries = rows.map(([key, value]) => {
      return { key: Buffer.from(key, "latin1"), value: Buffer.from(value) };
    });
    const stream = new Rows();
    void this.#hop().then(() => stream.run(entries));
    return stream;
  }

  #hop(): Promise<void> {
    return new Promise((resolve) => {
      virtual.loop.after(hopMs(), this.#opener, resolve);
    });
  }

  #meetRot(): void {
    const directory = this.#open();
    if (directory.rotsAfter === null) return;
    directory.rotsAfter -= 1;
    if (directory.rotsAfter > 0) return;
    directory.rotsAfter = null;
    throw damage(this.#path);
  }

  #open(): StoredDirectory {
    if (this.#directory === null) throw new Error(`${this.#path} is not open`);
    return this.#directory;
  }

  #unlock(): void {
    if (this.#directory?.owner === this.#opener) this.#directory.owner = null;
    this.#directory = null;
  }
}

function newDirectory(path: string): StoredDirectory {
  const files = new Map<string, string>();
  return { path, data: new Map(), owner: null, corrupted: false, rotsAfter: null, files };
}

function damage(path: string): Error {
  const text = `block checksum mismatch: in ${path}/000008.sst offset 0 size 9`;
  return Object.assign(new Error(text), { code: "EIO" });
}

function nameOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

function copyOf(value: Buffer | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}

// biome-ignore lint/style/noDefaultExport: the package that it stands in for has one.
export default MemoryRocksDB;

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

class Rows {
  #onData: (row: Row) => void = () => {};
  #onClose: () => void = () => {};
  #isDestroyed = false;

  on(event: "data" | "error" | "close", listener: (row: never) => void): void {
    if (event === "data") this.#onData = listener as (row: Row) => void;
    if (event === "close") this.#onClose = listener as () => void;
  }

  run(rows: readonly Row[]): void {
    for (const row of rows) if (!this.#isDestroyed) this.#onData(row);
    this.#onClose();
  }

  destroy(): void {
    this.#isDestroyed = true;
  }
}
