import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { NotReadyError } from "./errors.ts";
import { json, type Serde } from "./serdes.ts";

/** What a serde asks of a registry; the client of `@confluentinc/schemaregistry` is one. */
export interface SchemaClient {
  /** Registers a schema where it is new, and says its id. */
  register(subject: string, schema: SchemaText, normalize: boolean): Promise<number>;
  getBySubjectAndId(subject: string, id: number): Promise<SchemaText>;
}

export interface SchemaText {
  readonly schema: string;
  readonly schemaType?: string;
}

/** Writes and reads what stands behind the schema's id, without waiting for anything. */
export interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (payload: Uint8Array) => T;
}

export interface SchemaSerdeOptions<T> {
  readonly client: SchemaClient;
  /** By Confluent's default `<topic>-value` or `<topic>-key`. */
  readonly subject: string;
  /** What is written by. */
  readonly schema: string;
  readonly schemaType: "AVRO" | "JSON" | "PROTOBUF";
  /** Makes the codec that reads what was written by the schema given. */
  readonly codec: (writer: string) => Codec<T>;
}

const HEADER_BYTES = 5;

/**
 * A serde of Confluent's wire format: a zero byte, the schema's id, the payload. The schema is
 * registered here, once; schemas that others wrote by are fetched when the first record of each comes,
 * which then begins anew. So no record but those few waits for a promise.
 */
export async function schemaSerde<T>(options: SchemaSerdeOptions<T>): Promise<Serde<T>> {
  const { client, subject, schema, schemaType, codec } = options;
  const ownId = await client.register(subject, { schema, schemaType }, false);
  const own = codec(schema);
  const codecs = new Map<number, Codec<T>>([[ownId, own]]);
  const fetches = new Map<number, Promise<void>>();

  async function fetchCodec(id: number): Promise<void> {
    try {
      const writer = await client.getBySubjectAndId(subject, id);
      codecs.set(id, codec(writer.schema));
    } catch (cause: unknown) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`schema ${id} of ${subject} cannot be had: ${reason}`, { cause });
    } finally {
      fetches.delete(id);
    }
  }

  return {
    serialize: (value) => {
      const payload = own.encode(value);
      const written = new Uint8Array(HEADER_BYTES + payload.length);
      new DataView(written.buffer).setUint32(1, ownId);
      written.set(payload, HEADER_BYTES);
      return written;
    },
    deserialize: (bytes) => {
      const id = idOf(bytes);
      const known = codecs.get(id);
      if (known !== undefined && bytes !== null) return known.decode(bytes.subarray(HEADER_BYTES));
      // Several records of different partitions may meet the schema at once: one fetch serves all.
      const fetching = fetches.get(id) ?? fetchCodec(id);
      fetches.set(id, fetching);
      fetching.catch(() => {});
      throw new NotReadyError(`schema ${id} of ${subject} is not here yet`, fetching);
    },
  };
}

function idOf(bytes: Uint8Array | null): number {
  if (bytes === null) throw new TypeError("it is null: wrap the serde in nullable()");
  if (bytes.length < HEADER_BYTES || bytes[0] !== 0) {
    throw new TypeError("it is not in a schema registry's format: it begins with no schema id");
  }
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
}

/** JSON; `check` may refuse a value by the schema, with a validator of your choice such as ajv's. */
export function jsonSchema<T>(check: (value: T) => void = () => {}): () => Codec<T> {
  const { serialize, deserialize } = json<T>();
  return () => ({
    encode: (value) => {
      check(value);
      return serialize(value) ?? new Uint8Array();
    },
    decode: (payload) => {
      const value = deserialize(payload);
      check(value);
      return value;
    },
  });
}

/** Protobuf, by protobuf-es: fields that the message does not know are kept. */
export function protobuf<Desc extends DescMessage>(message: Desc): () => Codec<MessageShape<Desc>> {
  const path = pathOf(message);
  // The first message of a file, which nearly all are, is one zero byte.
  const indexes = path.every((index) => index === 0) && path.length === 1 ? [0] : zigzag(path);
  return () => ({
    encode: (value) => Buffer.concat([Uint8Array.from(indexes), toBinary(message, value)]),
    decode: (payload) => fromBinary(message, payload.subarray(lengthOfIndexes(payload))),
  });
}

/** Where the message stands in its file: its index, after those of the messages around it. */
function pathOf({ parent, file, ...message }: DescMessage): number[] {
  const siblings = parent === undefined ? file.messages : parent.nestedMessages;
  const index = siblings.findIndex(({ typeName }) => typeName === message.typeName);
  return [...(parent === undefined ? [] : pathOf(parent)), index];
}

function zigzag(path: readonly number[]): number[] {
  return [path.length, ...path].flatMap((index) => varint(index * 2));
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** The list of indexes at the front: its length, then each, all as varints in zigzag. */
function lengthOfIndexes(payload: Uint8Array): number {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = payload[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value / 2;
    }
    throw new TypeError("its list of message indexes has no end");
  };
  for (let left = next(); left > 0; left--) next();
  return at;
}
