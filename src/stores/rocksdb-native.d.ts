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

  interface Operation {
    type: number;
    columnFamily: unknown;
    key: Uint8Array;
    value: Uint8Array;
  }

  export interface WriteBatch {
    /** Buffers must not change before `flush` resolves: they are not copied. */
    tryPut(key: Uint8Array, value: Uint8Array): void;
    tryDelete(key: Uint8Array): void;
    /**
     * What a flush reads, and how many of it have room: it is not checked there. None of the three is
     * public: the version is pinned, and tests read back what was written so.
     */
    readonly _operations: Operation[];
    readonly _capacity: number;
    /** Makes room for all operations. */
    _resize(): void;
    /** Of one that is not flushed. */
    destroy(): void;
    /** One atomic write. */
    flush(): Promise<void>;
  }

  interface Range {
    readonly gte?: Buffer;
    readonly lt?: Buffer;
  }

  interface IteratorOptions {
    readonly reverse?: boolean;
    readonly limit?: number;
    /** Rows read ahead: one hop to a thread for each so many. */
    readonly capacity?: number;
  }

  /** A stream of entries, in the order of their keys. */
  interface RangeIterator {
    on(event: "data", listener: (entry: { key: Buffer; value: Buffer }) => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    /** After the end, an error or `destroy`. */
    on(event: "close", listener: () => void): void;
    destroy(): void;
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
    iterator(range: Range, options?: IteratorOptions): RangeIterator;
    read(options?: BatchOptions): ReadBatch;
    write(options?: BatchOptions): WriteBatch;
  }

  export default RocksDB;
}
