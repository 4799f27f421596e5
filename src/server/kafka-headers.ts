/**
 * Headers between Kafka's record format (varint count; then each: varint key length, key, varint value
 * length with -1 for null, value; varints are zigzag) and the protocol's `RowHeaders`.
 */

import { isUtf8 } from "node:buffer";
import { HeaderWalk } from "../model/header-walk.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import {
  copyBytes,
  DELIMITED,
  delimitedSize,
  optionalSize,
  uintFieldSize,
  varintSize,
  writeDelimited,
  writeUintField,
  writeVarint,
  zigzag32,
} from "./protobuf-writer.ts";

const ROW = 1;
const ROW_HEADERS = 2;
const HEADER_KEY = 1;
const HEADER_VALUE = 2;

const walk = new HeaderWalk();

/** Bytes of the `RowHeaders` of one row, without tag and length. */
export function rowHeadersSize(row: number, bytes: Buffer, position: number, end: number): number {
  let size = uintFieldSize(row);
  for (let rest = walk.start(bytes, position, end); rest > 0; rest--) {
    walk.next();
    size += delimitedSize(headerSize(repairedKey(bytes)));
  }
  return size;
}

/** Writes the `RowHeaders` of one row, without tag and length. */
export function writeRowHeaders(
  to: Buffer,
  start: number,
  row: number,
  bytes: Buffer,
  position: number,
  end: number,
): number {
  let at = writeUintField(to, start, ROW, row);
  for (let rest = walk.start(bytes, position, end); rest > 0; rest--) {
    walk.next();
    const repaired = repairedKey(bytes);
    at = writeDelimited(to, at, ROW_HEADERS, headerSize(repaired));
    const keyLength = repaired?.length ?? walk.keyLength;
    if (keyLength > 0) {
      at = writeDelimited(to, at, HEADER_KEY, keyLength);
      at = copyBytes(to, at, repaired ?? bytes, repaired ? 0 : walk.keyPosition, keyLength);
    }
    if (walk.valueLength >= 0) {
      at = writeDelimited(to, at, HEADER_VALUE, walk.valueLength);
      at = copyBytes(to, at, bytes, walk.valuePosition, walk.valueLength);
    }
  }
  return at;
}

function headerSize(repaired: Buffer | null): number {
  const key = optionalSize(repaired?.length ?? walk.keyLength);
  return key + (walk.valueLength < 0 ? 0 : delimitedSize(walk.valueLength));
}

/**
 * Kafka's brokers take any bytes as a header's key, but protobuf's readers refuse a frame whose
 * strings are not UTF-8: one such record would stop its partition. So what is not UTF-8 is replaced,
 * as Java's client does when it makes a String of it. Null when the key is fine, which costs a loop.
 */
function repairedKey(bytes: Buffer): Buffer | null {
  const end = walk.keyPosition + walk.keyLength;
  let at = walk.keyPosition;
  while (at < end && (bytes[at] as number) < 0x80) at++;
  if (at === end) return null;
  const key = bytes.subarray(walk.keyPosition, end);
  return isUtf8(key) ? null : Buffer.from(key.toString("utf8"));
}

/** Headers of one row of an answer. */
export interface DecodedHeaders {
  readonly row: number;
  /** In Kafka's record format. */
  readonly bytes: Buffer;
}

/** Reads one `RowHeaders`: the reader stands in it. Makes one Buffer, sized first. */
export function readRowHeaders(reader: ProtobufReader): DecodedHeaders {
  const start = reader.position;
  let row = 0;
  let count = 0;
  let size = 0;
  while (reader.next()) {
    if (reader.field === ROW && reader.wireType === 0) {
      row = reader.uint32();
    } else if (reader.field === ROW_HEADERS && reader.wireType === DELIMITED) {
      count++;
      readHeader(reader);
      size += signedSize(span.keyLength) + span.keyLength;
      size += signedSize(span.valueLength) + Math.max(0, span.valueLength);
    } else {
      reader.skip();
    }
  }
  const bytes = Buffer.allocUnsafe(signedSize(count) + size);
  let at = writeVarint(bytes, 0, zigzag32(count));
  const again = new ProtobufReader(reader.bytes, start, reader.end);
  while (again.next()) {
    if (again.field !== ROW_HEADERS || again.wireType !== DELIMITED) {
      again.skip();
      continue;
    }
    readHeader(again);
    at = writeVarint(bytes, at, zigzag32(span.keyLength));
    at = copyBytes(bytes, at, again.bytes, span.keyPosition, span.keyLength);
    at = writeVarint(bytes, at, zigzag32(span.valueLength));
    at = copyBytes(bytes, at, again.bytes, span.valuePosition, Math.max(0, span.valueLength));
  }
  return { row, bytes };
}

/** Where the header read last stands in its frame. */
const span = { keyPosition: 0, keyLength: 0, valuePosition: 0, valueLength: -1 };

function readHeader(reader: ProtobufReader): void {
  const outer = reader.enter();
  span.keyLength = 0;
  span.valueLength = -1;
  while (reader.next()) {
    if (reader.wireType !== DELIMITED || reader.field > HEADER_VALUE) {
      reader.skip();
      continue;
    }
    const length = reader.length();
    if (reader.field === HEADER_KEY) {
      span.keyPosition = reader.position;
      span.keyLength = length;
    } else {
      span.valuePosition = reader.position;
      span.valueLength = length;
    }
    reader.position += length;
  }
  reader.leave(outer);
}

function signedSize(value: number): number {
  return varintSize(zigzag32(value));
}
