import { type BatchState, type ByteRange, keyAfter } from "./batch-state.ts";
import { int64At, putInt64 } from "./int64-bytes.ts";
import type { Serde } from "./serdes.ts";
import {
  isTimestamped,
  type KeyValueStore,
  type KeyValueStoreDefinition,
  type RangeOptions,
  type TimestampedKeyValueStore,
  type ValueAndTimestamp,
} from "./stores.ts";

/** Bytes of the timestamp before a value. */
const STAMP_BYTES = 8;

/** What the record being processed gives to its stores. */
export interface StoreScope {
  readonly timestamp: number;
  /** Throws once the record is done. */
  mustBeOpen(what: string): void;
}

/** The store as a handler sees it: of whichever kind was declared. */
export function openStore<K, V>(
  definition: KeyValueStoreDefinition<K, V>,
  state: BatchState,
  scope: StoreScope,
): KeyValueStore<K, V> & TimestampedKeyValueStore<K, V> {
  const { key, value } = definition;
  const isStamped = isTimestamped(definition);
  const codec = isStamped ? stamped(value) : plain(value);
  const keyBytes = <T>(given: T, serde: Serde<T>): Uint8Array => {
    scope.mustBeOpen(`store "${definition.name}"`);
    const bytes = serde.serialize(given);
    if (bytes === null) throw new TypeError(`the store "${definition.name}" has no null keys`);
    return bytes;
  };
  const entries = async function* (range: ByteRange): AsyncGenerator<readonly [K, unknown]> {
    for await (const [found, bytes] of state.range(range)) {
      scope.mustBeOpen("a range");
      yield [key.deserialize(found), codec.read(bytes)];
    }
  };
  const opened = {
    get: async (given: K) => {
      const bytes = keyBytes(given, key);
      const known = state.knownOf(bytes);
      const found = known === undefined ? await state.askFor(bytes) : known;
      return found === null ? undefined : codec.read(found);
    },
    put: (given: K, next: V, timestamp = scope.timestamp) =>
      state.putKey(keyBytes(given, key), codec.write(next, timestamp)),
    delete: (given: K) => state.putKey(keyBytes(given, key), null),
    range: (from: K | null, to: K | null, { reverse = false }: RangeOptions = {}) =>
      entries({
        from: from === null ? null : keyBytes(from, key),
        to: to === null ? null : keyAfter(keyBytes(to, key)),
        reverse,
      }),
    all: ({ reverse = false }: RangeOptions = {}) => entries({ from: null, to: null, reverse }),
    prefix: <P>(
      prefix: P,
      { reverse = false, serde }: { reverse?: boolean; serde?: Serde<P> } = {},
    ) => {
      const from = keyBytes(prefix, serde ?? (key as unknown as Serde<P>));
      return entries({ from, to: prefixEnd(from), reverse });
    },
  };
  return opened as unknown as KeyValueStore<K, V> & TimestampedKeyValueStore<K, V>;
}

function wholeMs(timestamp: number): number {
  if (Number.isSafeInteger(timestamp)) return timestamp;
  throw new RangeError(`the timestamp ${timestamp} is no whole number of ms`);
}

/** The first key behind all that begin with these bytes; null where none is. */
function prefixEnd(prefix: Uint8Array): Uint8Array | null {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return null;
  const end = prefix.slice(0, last + 1);
  end[last] = (end[last] as number) + 1;
  return end;
}

interface Codec<V> {
  read(bytes: Uint8Array): unknown;
  write(value: V, timestamp: number): Uint8Array | null;
}

function plain<V>(serde: Serde<V>): Codec<V> {
  return { read: (bytes) => serde.deserialize(bytes), write: (value) => serde.serialize(value) };
}

/** `int64 timestamp | value`, as Kafka Streams' ValueAndTimestampSerializer. */
function stamped<V>(serde: Serde<V>): Codec<V> {
  return {
    read: (bytes): ValueAndTimestamp<V> => ({
      value: serde.deserialize(bytes.subarray(STAMP_BYTES)),
      timestamp: int64At(bytes, 0),
    }),
    write: (value, timestamp) => {
      const written = serde.serialize(value);
      if (written === null) return null;
      const bytes = new Uint8Array(STAMP_BYTES + written.length);
      putInt64(bytes, 0, wholeMs(timestamp));
      bytes.set(written, STAMP_BYTES);
      return bytes;
    },
  };
}
