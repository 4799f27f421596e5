import { OutriggerError } from "../errors/outrigger-error.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import { type Slice, sliceOf } from "./growing-rows.ts";
import type { Kept } from "./waiting.ts";

/**
 * An update in a buffer: `int64 timestamp | int32 bytes of the headers | headers, as Kafka's record format
 * has them | int8 1 | value`, and for a null value `int8 0` alone at the end.
 */
export type Held = Kept;

const HEADERS_AT = 12;
const FLAG_BYTES = 1;

export function heldBytes(value: Slice, headers: Slice): number {
  return HEADERS_AT + Math.max(0, headers.length) + FLAG_BYTES + Math.max(0, value.length);
}

export function writeHeld(timestamp: number, value: Slice, headers: Slice): Buffer {
  const held = Buffer.allocUnsafe(heldBytes(value, headers));
  const headersLength = Math.max(0, headers.length);
  writeLong(held, 0, timestamp);
  held.writeInt32BE(headersLength, HEADERS_AT - 4);
  headers.bytes.copy(held, HEADERS_AT, headers.position, headers.position + headersLength);
  const at = HEADERS_AT + headersLength;
  held[at] = value.length < 0 ? 0 : 1;
  const end = value.position + Math.max(0, value.length);
  value.bytes.copy(held, at + FLAG_BYTES, value.position, end);
  return held;
}

/** Throws STORE_CORRUPTED where it is none. */
export function readHeld(held: Buffer, node: string): Held {
  const headersLength = held.length < HEADERS_AT + FLAG_BYTES ? -1 : held.readInt32BE(8);
  const at = HEADERS_AT + headersLength;
  if (headersLength < 0 || at >= held.length) {
    throw new OutriggerError(
      "STORE_CORRUPTED",
      `node "${node}" found an entry of ${held.length} bytes in its buffer, and it is no update: delete ` +
        "the state directory, so that it is restored, or reset the application",
    );
  }
  const from = at + FLAG_BYTES;
  return {
    timestamp: readLong(held, 0),
    headers: sliceOf(held, HEADERS_AT, headersLength),
    value: sliceOf(held, from, held[at] === 0 ? -1 : held.length - from),
  };
}
