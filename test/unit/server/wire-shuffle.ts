/**
 * Writes a message as another encoder might: fields in another order, packed lists cut or unpacked,
 * submessages in pieces, unknown fields in between. What it means stays the same.
 */

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

interface Field {
  readonly no: number;
  readonly type: WireType;
  readonly data: Uint8Array;
}

/** Draws numbers below `bound`: makes the rewriting a function of the test's input. */
export type Draw = (bound: number) => number;

const PACKABLE = [ScalarType.UINT32, ScalarType.SINT32, ScalarType.SINT64];
const UNKNOWN_FIELD_MIN = 1000;

export function rewrite(schema: DescMessage, bytes: Uint8Array, draw: Draw): Buffer {
  const fields = read(bytes).flatMap((field) => vary(schema, field, draw));
  const writer = new BinaryWriter();
  for (const field of shuffled(fields, draw)) {
    if (draw(3) === 0) writeUnknown(writer, draw);
    writer.tag(field.no, field.type).raw(field.data);
  }
  return Buffer.from(writer.finish());
}

function read(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    fields.push({ no, type, data: reader.skip(type, no) });
  }
  return fields;
}

function vary(schema: DescMessage, field: Field, draw: Draw): Field[] {
  const known = schema.fields.find(({ number }) => number === field.no);
  if (known === undefined) return [field];
  if (known.message !== undefined) {
    const inner = rewrite(known.message, new BinaryReader(field.data).bytes(), draw);
    // Elements of a list are not merged, so only a single message may come in pieces.
    const pieces = known.fieldKind === "message" ? pieceTogether(inner, draw) : [inner];
    return pieces.map((piece) => delimited(field.no, piece));
  }
  return isPacked(known, field) ? repack(known, field, draw) : [field];
}

function pieceTogether(bytes: Uint8Array, draw: Draw): Uint8Array[] {
  const fields = read(bytes);
  const cut = draw(fields.length + 1);
  return [fields.slice(0, cut), fields.slice(cut)].map((some) => {
    const writer = new BinaryWriter();
    for (const { no, type, data } of some) writer.tag(no, type).raw(data);
    return writer.finish();
  });
}

function isPacked(known: DescField, field: Field): boolean {
  const scalar = known.fieldKind === "list" ? known.scalar : undefined;
  return (
    scalar !== undefined && PACKABLE.includes(scalar) && field.type === WireType.LengthDelimited
  );
}

function repack(known: DescField, field: Field, draw: Draw): Field[] {
  const reader = new BinaryReader(new BinaryReader(field.data).bytes());
  const numbers: Uint8Array[] = [];
  while (reader.pos < reader.len) numbers.push(reader.skip(WireType.Varint, known.number));
  if (draw(2) === 0) {
    return numbers.map((data) => ({ no: field.no, type: WireType.Varint, data }));
  }
  const cut = draw(numbers.length + 1);
  return [numbers.slice(0, cut), numbers.slice(cut)].map((some) =>
    delimited(field.no, Buffer.concat(some)),
  );
}

function delimited(no: number, content: Uint8Array): Field {
  return { no, type: WireType.LengthDelimited, data: new BinaryWriter().bytes(content).finish() };
}

/** Another order of the fields; those of one number keep theirs, because it means something. */
function shuffled(fields: readonly Field[], draw: Draw): Field[] {
  const rest = [...fields];
  const order: Field[] = [];
  while (rest.length > 0) {
    const { no } = rest[draw(rest.length)] ?? { no: 0 };
    const first = rest.findIndex((field) => field.no === no);
    order.push(...rest.splice(first, 1));
  }
  return order;
}

function writeUnknown(writer: BinaryWriter, draw: Draw): void {
  const no = UNKNOWN_FIELD_MIN + draw(9);
  switch (draw(5)) {
    case 0:
      writer.tag(no, WireType.Varint).int32(-1);
      return;
    case 1:
      writer.tag(no, WireType.Bit64).fixed64(7);
      return;
    case 2:
      writer.tag(no, WireType.LengthDelimited).bytes(new Uint8Array(draw(200)));
      return;
    case 3:
      writer.tag(no, WireType.StartGroup).tag(1, WireType.Varint).int32(-5);
      writer.tag(no, WireType.EndGroup);
      return;
    default:
      writer.tag(no, WireType.Bit32).fixed32(7);
  }
}
