import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReadStoreRequestSchema, StoreEntry } from "./gen/outrigger/v1/testdriver_pb.ts";
import type { Serde } from "./serdes.ts";

/** What of a store is asked for. */
export type Wanted = Omit<MessageInitShape<typeof ReadStoreRequestSchema>, "$typeName" | "store">;

/** Reads a store; see `TestDriver.store`. */
export class TestStore<K, V> {
  readonly #serdes: { readonly key: Serde<K>; readonly value: Serde<V> };
  readonly #read: (wanted: Wanted) => Promise<StoreEntry[]>;

  constructor(
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
    read: (wanted: Wanted) => Promise<StoreEntry[]>,
  ) {
    this.#serdes = serdes;
    this.#read = read;
  }

  /** The value of a key, in the window that begins at `windowStart` for a windowed store. */
  async get(key: K, windowStart?: number): Promise<V | undefined> {
    const start = windowStart === undefined ? {} : { windowStart: BigInt(windowStart) };
    const [found] = await this.#read({ ...this.#keyOf(key), ...start });
    return found === undefined ? undefined : this.#serdes.value.deserialize(found.value);
  }

  /** Every entry, or every window of one key, in order. */
  async entries(key?: K): Promise<TestEntry<K, V>[]> {
    const found = await this.#read(key === undefined ? {} : this.#keyOf(key));
    return found.map((entry) => ({
      key: this.#serdes.key.deserialize(entry.key),
      value: this.#serdes.value.deserialize(entry.value),
      windowStart: entry.windowStart === undefined ? null : Number(entry.windowStart),
      ...(entry.timestamp === undefined ? {} : { timestamp: Number(entry.timestamp) }),
    }));
  }

  #keyOf(key: K): Wanted {
    return { key: this.#serdes.key.serialize(key) ?? new Uint8Array() };
  }
}

export interface TestEntry<K, V> {
  readonly key: K;
  readonly value: V;
  /** null for a store without windows. */
  readonly windowStart: number | null;
  /** Of a timestamped key-value store, in ms; left out for others. */
  readonly timestamp?: number;
}
