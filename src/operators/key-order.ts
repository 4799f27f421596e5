import { writeLong } from "../model/key-table.ts";
import type { Windows } from "../model/topology.ts";
import type { KeyOrder } from "./waiting.ts";

const TIME_BYTES = 8;

/** As their entries stand in a buffer: each with the time behind it. */
export function inBuffer(
  bytes: Buffer,
  position: number,
  length: number,
  otherPosition: number,
  otherLength: number,
  time: number,
): number {
  const shared = Math.min(length, otherLength);
  const found = compared(bytes, position, shared, otherPosition, shared);
  if (found !== 0 || length === otherLength) return found;
  // One begins as the other does: seldom enough for whole keys.
  const suffix = Buffer.alloc(TIME_BYTES);
  writeLong(suffix, 0, time);
  const entry = (at: number, size: number): Buffer =>
    Buffer.concat([bytes.subarray(at, at + size), suffix]);
  return entry(position, length).compare(entry(otherPosition, otherLength));
}

/** Windows of one start by the record's key; sessions of one end by their start, then by it. */
export function orderOfClosed(windows: Windows | null): KeyOrder {
  const times = windows?.kind === "session" ? 2 : 1;
  const suffix = times * TIME_BYTES;
  return (bytes, position, length, otherPosition, otherLength) => {
    const end = position + length - suffix;
    const otherEnd = otherPosition + otherLength - suffix;
    const byTimes = compared(bytes, end, suffix, otherEnd, suffix);
    if (byTimes !== 0) return byTimes;
    return compared(bytes, position, length - suffix, otherPosition, otherLength - suffix);
  };
}

/** Bytes as Kafka Streams compares them: unsigned, and the shorter first. */
function compared(
  bytes: Buffer,
  position: number,
  length: number,
  otherPosition: number,
  otherLength: number,
): number {
  const shared = Math.min(length, otherLength);
  for (let i = 0; i < shared; i++) {
    const difference = (bytes[position + i] as number) - (bytes[otherPosition + i] as number);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}
