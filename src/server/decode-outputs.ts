import { OUTPUT_STRIDE, type OutputColumns } from "../model/rows.ts";
import { Int32List } from "./columns-builder.ts";
import { type DecodedHeaders, readRowHeaders } from "./kafka-headers.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import { DELIMITED, VARINT } from "./protobuf-writer.ts";

const INPUTS = 1;
const SINKS = 2;
const KEYS = 3;
const VALUES = 4;
const NULL_KEYS = 5;
const NULL_VALUES = 6;
const TIMESTAMPS = 7;
const HEADERS = 8;

const VALUE_OFFSET = 2;
/** Kafka's "no timestamp". */
const TIMESTAMP_MIN = -1;

/** Reads `Outputs`, in as many pieces as the frame holds them, into positions over the frame. */
export class OutputsReader {
  readonly #inputs = new Int32List();
  readonly #sinks = new Int32List();
  readonly #positions = new Int32List();
  readonly #nullKeys = new Int32List();
  readonly #nullValues = new Int32List();
  readonly #timestamps: number[] = [];
  readonly #headers: DecodedHeaders[] = [];
  #keys = 0;
  #values = 0;

  /** Reads one `Outputs` message: the reader stands in it. */
  read(reader: ProtobufReader): void {
    while (reader.next()) {
      const { field, wireType } = reader;
      if (field === KEYS && wireType === DELIMITED) {
        this.#readBytes(reader, this.#keys++ * OUTPUT_STRIDE);
      } else if (field === VALUES && wireType === DELIMITED) {
        this.#readBytes(reader, this.#values++ * OUTPUT_STRIDE + VALUE_OFFSET);
      } else if (field === HEADERS && wireType === DELIMITED) {
        const outer = reader.enter();
        this.#headers.push(readRowHeaders(reader));
        reader.leave(outer);
      } else if (field === TIMESTAMPS) {
        readTimestamps(reader, this.#timestamps);
      } else {
        const list = this.#listOf(field);
        if (list === null) reader.skip();
        else readUint32s(reader, list);
      }
    }
  }

  #readBytes(reader: ProtobufReader, at: number): void {
    const length = reader.length();
    this.#positions.set(at, reader.position);
    this.#positions.set(at + 1, length);
    reader.position += length;
  }

  #listOf(field: number): Int32List | null {
    if (field === INPUTS) return this.#inputs;
    if (field === SINKS) return this.#sinks;
    if (field === NULL_KEYS) return this.#nullKeys;
    return field === NULL_VALUES ? this.#nullValues : null;
  }

  /** The columns, or what is wrong with them. */
  finish(bytes: Buffer): OutputColumns | string {
    const count = this.#inputs.length;
    const fault = this.#faultOfLengths(count) ?? this.#faultOfTimestamps();
    if (fault !== null) return fault;
    const nulls =
      nullify(this.#positions, this.#nullKeys, count, 1, "null_keys") ??
      nullify(this.#positions, this.#nullValues, count, VALUE_OFFSET + 1, "null_values");
    if (nulls !== null) return nulls;
    const headers = headersByOutput(this.#headers, count);
    if (typeof headers === "string") return headers;
    return {
      count,
      bytes,
      inputs: this.#inputs.finish(),
      sinks: this.#sinks.length === 0 ? null : this.#sinks.finish(),
      positions: this.#positions.finish(),
      timestamps: this.#timestamps.length === 0 ? null : Float64Array.from(this.#timestamps),
      headers,
    };
  }

  #faultOfLengths(count: number): string | null {
    const { length: sinks } = this.#sinks;
    const { length: timestamps } = this.#timestamps;
    if (this.#keys !== count || this.#values !== count) {
      return (
        `its outputs have ${count} inputs, ${this.#keys} keys and ${this.#values} values; ` +
        "the columns must be equally long"
      );
    }
    if (sinks !== 0 && sinks !== count) return `its ${count} outputs name ${sinks} sinks`;
    if (timestamps !== 0 && timestamps !== count) {
      return `its ${count} outputs have ${timestamps} timestamps`;
    }
    return null;
  }

  #faultOfTimestamps(): string | null {
    const index = this.#timestamps.findIndex((at) => !(at >= TIMESTAMP_MIN));
    if (index < 0) return null;
    return `output ${index} has a timestamp below ${TIMESTAMP_MIN} or beyond 2^53 ms`;
  }
}

/** Reads a packed or single uint32; skips any other wire type. */
export function readUint32s(reader: ProtobufReader, into: Int32List): void {
  if (reader.wireType === VARINT) {
    into.push(reader.uint32());
  } else if (reader.wireType === DELIMITED) {
    const outer = reader.enter();
    while (reader.position < reader.end) into.push(reader.uint32());
    reader.leave(outer);
  } else {
    reader.skip();
  }
}

function readTimestamps(reader: ProtobufReader, into: number[]): void {
  if (reader.wireType === VARINT) {
    into.push(reader.sint64());
  } else if (reader.wireType === DELIMITED) {
    const outer = reader.enter();
    while (reader.position < reader.end) into.push(reader.sint64());
    reader.leave(outer);
  } else {
    reader.skip();
  }
}

function nullify(
  positions: Int32List,
  nulls: Int32List,
  count: number,
  lengthOffset: number,
  name: string,
): string | null {
  let last = -1;
  for (let i = 0; i < nulls.length; i++) {
    const index = nulls.at(i);
    if (index <= last || index >= count) {
      return `${name} of its outputs holds ${index}; they must ascend and be below ${count}`;
    }
    positions.set(index * OUTPUT_STRIDE + lengthOffset, -1);
    last = index;
  }
  return null;
}

function headersByOutput(
  decoded: readonly DecodedHeaders[],
  count: number,
): ReadonlyMap<number, Buffer> | null | string {
  if (decoded.length === 0) return null;
  const headers = new Map<number, Buffer>();
  let last = -1;
  for (const { row, bytes } of decoded) {
    if (row <= last || row >= count) {
      return `the headers of its outputs name row ${row}; they must ascend and be below ${count}`;
    }
    headers.set(row, bytes);
    last = row;
  }
  return headers;
}
