import { shared } from "./shared-serdes.ts";

/**
 * How a key or a value is written and read. `null` is a null key or a tombstone, which is not an
 * empty value; a serde that takes none throws, and the record fails with the reason. One that cannot
 * read yet throws a NotReadyError.
 */
export interface Serde<T> {
  // Functions, not methods: so that the compiler refuses a serde that takes less than it is given.
  readonly serialize: (value: T) => Uint8Array | null;
  readonly deserialize: (bytes: Uint8Array | null) => T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function present(bytes: Uint8Array | null, serde: string): Uint8Array {
  if (bytes !== null) return bytes;
  throw new TypeError(`it is null, and ${serde} takes none: use nullable(${serde})`);
}

function ofLength(bytes: Uint8Array, length: number, serde: string): DataView {
  if (bytes.length !== length) {
    throw new TypeError(`it has ${bytes.length} bytes, ${serde} takes ${length}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** Bytes as they are, null included. */
export const bytes: Serde<Uint8Array | null> = {
  serialize: (value) => {
    if (value === null || ArrayBuffer.isView(value)) return value;
    throw new TypeError(
      `it is of the type ${typeof value}, bytes takes Uint8Array: name its serde`,
    );
  },
  deserialize: (value) => value,
};

/** Text in UTF-8, as Kafka's StringSerializer. */
export const utf8: Serde<string> = {
  serialize: (value) => encoder.encode(value),
  deserialize: (value) => decoder.decode(present(value, "utf8")),
};

/** 64-bit integer, big-endian, as Kafka's LongSerializer. */
export const int64: Serde<bigint> = {
  serialize: (value) => {
    const written = new Uint8Array(8);
    new DataView(written.buffer).setBigInt64(0, value);
    return written;
  },
  deserialize: (value) => ofLength(present(value, "int64"), 8, "int64").getBigInt64(0),
};

/** The same as a number: what lies beyond 2^53 throws. For counts and ids that never get there. */
export const safeInt64: Serde<number> = {
  serialize: (value) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer within 2^53`);
    return int64.serialize(BigInt(value));
  },
  deserialize: (value) => {
    const number = Number(int64.deserialize(value));
    if (Number.isSafeInteger(number)) return number;
    throw new RangeError("it is an integer beyond 2^53: use int64");
  },
};

/** 32-bit integer, big-endian, as Kafka's IntegerSerializer. */
export const int32: Serde<number> = {
  serialize: (value) => {
    if ((value | 0) !== value) throw new RangeError(`${value} is no integer of 32 bits`);
    const written = new Uint8Array(4);
    new DataView(written.buffer).setInt32(0, value);
    return written;
  },
  deserialize: (value) => ofLength(present(value, "int32"), 4, "int32").getInt32(0),
};

/** IEEE 754 double, big-endian, as Kafka's DoubleSerializer. */
export const double: Serde<number> = {
  serialize: (value) => {
    const written = new Uint8Array(8);
    new DataView(written.buffer).setFloat64(0, value);
    return written;
  },
  deserialize: (value) => ofLength(present(value, "double"), 8, "double").getFloat64(0),
};

const anyJson: Serde<unknown> = {
  serialize: (value) => {
    const written: string | undefined = JSON.stringify(value);
    if (written === undefined) throw new TypeError(`JSON has no word for ${typeof value}`);
    return encoder.encode(written);
  },
  deserialize: (value) => JSON.parse(decoder.decode(present(value, "json()"))) as unknown,
};

/** JSON in UTF-8. The type is a promise of the writer: what is read is not checked against it. */
export function json<T = unknown>(): Serde<T> {
  return anyJson as Serde<T>;
}

/** The same serde, with null for a null key or a tombstone. */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  return shared(serde, "nullable", () => ({
    serialize: (value: T | null) => (value === null ? null : serde.serialize(value)),
    deserialize: (value) => (value === null ? null : serde.deserialize(value)),
  }));
}
