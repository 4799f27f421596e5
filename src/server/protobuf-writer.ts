/**
 * Protobuf's primitives over one buffer of exactly the right size: a message is sized first, allocated
 * once, then written. Every function that writes takes a position and returns the next one.
 */

import { Slices } from "../model/slices.ts";

export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

/** Fields above 15 do not occur in the hot messages, so a tag is one byte. */
export function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

const slices = new Slices();

/** Bytes of an unsigned varint below 2^53. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 0x8_0000_0000) return 5;
  if (value < 0x400_0000_0000) return 6;
  if (value < 0x2_0000_0000_0000) return 7;
  return 8;
}

/** Writes an unsigned varint below 2^53. */
export function writeVarint(to: Buffer, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    // The low bits of a double below 2^53 are exact, so `&` may truncate the rest to 32 bits.
    to[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    to[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[at++] = rest;
  return at;
}

/** Zigzag of an int32. */
export function zigzag32(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

/** Beyond this, zigzag leaves the numbers that a double holds exactly. */
const ZIGZAG_EXACT_MAX = 2 ** 52;

/** Bytes of a sint64 whose magnitude is below 2^53. */
export function zigzagSize(value: number): number {
  if (value < ZIGZAG_EXACT_MAX && value >= -ZIGZAG_EXACT_MAX) return varintSize(zigzag(value));
  return 8;
}

/** Writes a sint64 whose magnitude is below 2^53. */
export function writeZigzag(to: Buffer, position: number, value: number): number {
  if (value < ZIGZAG_EXACT_MAX && value >= -ZIGZAG_EXACT_MAX) {
    return writeVarint(to, position, zigzag(value));
  }
  let at = position;
  let rest = value < 0 ? -BigInt(value) * 2n - 1n : BigInt(value) * 2n;
  while (rest > 0x7fn) {
    to[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  to[at++] = Number(rest);
  return at;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Bytes of a number field with a one-byte tag; proto3 leaves zero out. */
export function uintFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

export function writeUintField(to: Buffer, position: number, field: number, value: number): number {
  if (value === 0) return position;
  to[position] = tag(field, VARINT);
  return writeVarint(to, position + 1, value);
}

export function sintFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + zigzagSize(value);
}

export function writeSintField(to: Buffer, position: number, field: number, value: number): number {
  if (value === 0) return position;
  to[position] = tag(field, VARINT);
  return writeZigzag(to, position + 1, value);
}

/** Bytes of a length-delimited field with a one-byte tag, content included. */
export function delimitedSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/** The same, but a field without content is left out: packed lists, strings. */
export function optionalSize(length: number): number {
  return length === 0 ? 0 : delimitedSize(length);
}

/** Writes tag and length; the content follows. */
export function writeDelimited(
  to: Buffer,
  position: number,
  field: number,
  length: number,
): number {
  to[position] = tag(field, DELIMITED);
  return writeVarint(to, position + 1, length);
}

export function copyBytes(
  to: Buffer,
  position: number,
  from: Buffer,
  start: number,
  length: number,
): number {
  slices.copy(from, start, to, position, length);
  return position + length;
}
