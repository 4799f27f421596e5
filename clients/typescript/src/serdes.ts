import {
  bigInt64At,
  bigInt64Bytes,
  doubleAt,
  doubleBytes,
  int64At,
  putInt64,
} from "./int64-bytes.ts";
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
/** A byte order mark is part of a text, as for Kafka's StringDeserializer: without it two keys were one. */
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Before JSON it is none of the text (RFC 8259, 8.1). */
const jsonDecoder = new TextDecoder("utf-8", { fatal: true });

function present(bytes: Uint8Array | null, serde: string): Uint8Array {
  if (bytes !== null) return bytes;
  throw new TypeError(`it is null, and ${serde} takes none: use nullable(${serde})`);
}

function ofLength(bytes: Uint8Array | null, length: number, serde: string): Uint8Array {
  const there = present(bytes, serde);
  if (there.length === length) return there;
  throw new TypeError(`it has ${there.length} bytes, ${serde} takes ${length}`);
}

/** UTF-8, from Node's pool: a TextEncoder makes a buffer for each. No Buffer: its `slice` copies nothing. */
function textBytes(text: string): Uint8Array {
  if (typeof text !== "string") return encoder.encode(text);
  const { buffer, byteOffset, length } = Buffer.from(text);
  return new Uint8Array(buffer, byteOffset, length);
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
  serialize: textBytes,
  deserialize: (value) => textDecoder.decode(present(value, "utf8")),
};

/** 64-bit integer, big-endian, as Kafka's LongSerializer. */
export const int64: Serde<bigint> = {
  serialize: bigInt64Bytes,
  deserialize: (value) => bigInt64At(ofLength(value, 8, "int64"), 0),
};

/** The same as a number: what lies beyond 2^53 throws. For counts and ids that never get there. */
export const safeInt64: Serde<number> = {
  serialize: (value) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer within 2^53`);
    const written = new Uint8Array(8);
    putInt64(written, 0, value);
    return written;
  },
  deserialize: (value) => {
    const number = int64At(ofLength(value, 8, "int64"), 0);
    if (Number.isSafeInteger(number)) return number;
    throw new RangeError("it is an integer beyond 2^53: use int64");
  },
};

/** 32-bit integer, big-endian, as Kafka's IntegerSerializer. */
export const int32: Serde<number> = {
  serialize: (value) => {
    if ((value | 0) !== value) throw new RangeError(`${value} is no integer of 32 bits`);
    return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
  },
  deserialize: (value) => {
    const [a = 0, b = 0, c = 0, d = 0] = ofLength(value, 4, "int32");
    return (a << 24) | (b << 16) | (c << 8) | d;
  },
};

/** IEEE 754 double, big-endian, as Kafka's DoubleSerializer. */
export const double: Serde<number> = {
  serialize: doubleBytes,
  deserialize: (value) => doubleAt(ofLength(value, 8, "double"), 0),
};

const anyJson: Serde<unknown> = {
  serialize: (value) => {
    const written: string | undefined = JSON.stringify(value);
    if (written === undefined) throw new TypeError(`JSON has no word for ${typeof value}`);
    return textBytes(written);
  },
  deserialize: (value) => JSON.parse(jsonDecoder.decode(present(value, "json()"))) as unknown,
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
