import type { TimerColumns } from "../model/rows.ts";
import { Int32List } from "./columns-builder.ts";
import { readUint32s } from "./decode-outputs.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import { DELIMITED, VARINT } from "./protobuf-writer.ts";

const NODE = 1;
const KEYS = 2;
const NAMES = 3;
const CLOCKS = 4;
const TIMES = 5;
const DELETES = 6;

/** Reads one `Timers`: the reader stands in it. Returns what is wrong with it as a string. */
export function readTimers(reader: ProtobufReader): TimerColumns | string {
  let node = "";
  const keys = new Int32List();
  const names = new Int32List();
  const clocks = new Int32List();
  const times: number[] = [];
  const deletes = new Int32List();
  while (reader.next()) {
    const { field, wireType } = reader;
    if (field === NODE && wireType === DELIMITED) node = reader.string();
    else if (field === KEYS && wireType === DELIMITED) readSpan(reader, keys);
    else if (field === NAMES && wireType === DELIMITED) readSpan(reader, names);
    else if (field === CLOCKS) readUint32s(reader, clocks);
    else if (field === TIMES) readTimes(reader, times);
    else if (field === DELETES) readUint32s(reader, deletes);
    else reader.skip();
  }
  const fault = faultOf(node, keys, names, clocks, times, deletes);
  if (fault !== null) return fault;
  return {
    node,
    bytes: reader.bytes,
    keys: keys.finish(),
    names: names.finish(),
    clocks: clocks.length === 0 ? null : clocks.finish(),
    times: Float64Array.from(times),
  };
}

/** Checks the columns against each other, and turns the times of what is cancelled into -1. */
function faultOf(
  node: string,
  keys: Int32List,
  names: Int32List,
  clocks: Int32List,
  times: number[],
  deletes: Int32List,
): string | null {
  const count = keys.length / 2;
  const areClocks = clocks.length === 0 || clocks.length === count;
  if (names.length / 2 !== count || times.length !== count || !areClocks) {
    return (
      `its timers of node "${node}" have ${count} keys, ${names.length / 2} names, ${clocks.length} clocks ` +
      `and ${times.length} times; there must be one of each for each key`
    );
  }
  const cancelled = new Set<number>();
  let last = -1;
  for (let i = 0; i < deletes.length; i++) {
    const index = deletes.at(i);
    if (index <= last || index >= count) {
      return `deletes of the timers of node "${node}" holds ${index}; they must ascend and be below ${count}`;
    }
    cancelled.add(index);
    last = index;
  }
  for (const [index, time] of times.entries()) {
    if (cancelled.has(index)) times[index] = -1;
    else if (!(time >= 0)) {
      const said = Number.isNaN(time) ? "beyond 2^53" : String(time);
      return `timer ${index} of node "${node}" is set to ${said}; it must be ms since the epoch, 0 or more`;
    }
  }
  return null;
}

function readTimes(reader: ProtobufReader, into: number[]): void {
  if (reader.wireType === VARINT) into.push(reader.sint64());
  else if (reader.wireType === DELIMITED) {
    const outer = reader.enter();
    while (reader.position < reader.end) into.push(reader.sint64());
    reader.leave(outer);
  } else reader.skip();
}

function readSpan(reader: ProtobufReader, into: Int32List): void {
  const length = reader.length();
  into.push(reader.position);
  into.push(length);
  reader.position += length;
}
