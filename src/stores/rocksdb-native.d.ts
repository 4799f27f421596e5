/** What we use of rocksdb-native, which ships no types. */
declare module "rocksdb-native" {
  interface Options {
    readonly writeBufferSize?: number;
    readonly maxWriteBufferNumber?: number;
    readonly blockCache?: boolean;
    readonly tableCacheIndexAndFilterBlocks?: boolean;
    readonly maxBackgroundJobs?: number;
    readonly maxOpenFiles?: number;
  }

  interface ReadBatch {
    /** Resolves after the flush; null for a missing key. */
    get(key: Buffer): Promise<Buffer | null>;
    tryFlush(): void;
  }

  interface WriteBatch {
    /** Buffers must not change before `flush` resolves: they are not copied. */
    tryPut(key: Buffer, value: Buffer): void;
    tryDelete(key: Buffer): void;
    /** One atomic write. */
    flush(): Promise<void>;
  }

  interface BatchOptions {
    readonly capacity?: number;
    /** Without it a batch that is never destroyed makes `close` wait for ever. */
    readonly autoDestroy?: boolean;
  }

  class RocksDB {
    constructor(path: string, options?: Options);
    ready(): Promise<void>;
    close(): Promise<void>;
    get(key: Buffer): Promise<Buffer | null>;
    read(options?: BatchOptions): ReadBatch;
    write(options?: BatchOptions): WriteBatch;
  }

  export default RocksDB;
}
