import type { MutationColumns } from "../model/rows.ts";
import { Int32List } from "./columns-builder.ts";
import { readUint32s } from "./decode-outputs.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import { DELIMITED, VARINT } from "./protobuf-writer.ts";

const STORE = 1;
const SLOTS = 2;
const KEYS = 3;
const VALUES = 4;
const DELETES = 5;

/** Reads one `Mutations`: the reader stands in it. Returns what is wrong with it as a string. */
export function readMutations(reader: ProtobufReader): MutationColumns | string {
  let store = 0;
  const slots = new Int32List();
  const keys = new Int32List();
  const values = new Int32List();
  const deletes = new Int32List();
  while (reader.next()) {
    const { field, wireType } = reader;
    if (field === STORE && wireType === VARINT) store = reader.uint32();
    else if (field === SLOTS) readUint32s(reader, slots);
    else if (field === KEYS && wireType === DELIMITED) readSpan(reader, keys);
    else if (field === VALUES && wireType === DELIMITED) readSpan(reader, values);
    else if (field === DELETES) readUint32s(reader, deletes);
    else reader.skip();
  }
  const count = values.length / 2;
  if (slots.length + keys.length / 2 !== count) {
    return (
      `its mutations of store ${store} have ${slots.length} slots, ${keys.length / 2} keys and ` +
      `${count} values; there must be one value for each slot and key`
    );
  }
  let last = -1;
  for (let i = 0; i < deletes.length; i++) {
    const index = deletes.at(i);
    if (index <= last || index >= count) {
      return `deletes of store ${store} holds ${index}; they must ascend and be below ${count}`;
    }
    values.set(index * 2 + 1, -1);
    last = index;
  }
  return {
    store,
    bytes: reader.bytes,
    slots: slots.finish(),
    keys: keys.finish(),
    values: values.finish(),
  };
}

function readSpan(reader: ProtobufReader, into: Int32List): void {
  const length = reader.length();
  into.push(reader.position);
  into.push(length);
  reader.position += length;
}
