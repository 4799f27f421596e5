import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";

const isMalformed = (thrown: unknown) =>
  thrown instanceof OutriggerError && thrown.code === "BROKER_ANSWER_MALFORMED";

test("every primitive is read back as it was written", () => {
  const exactInt64 = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(
      fc.integer({ min: -128, max: 127 }),
      fc.integer({ min: -32768, max: 32767 }),
      fc.integer(),
      exactInt64,
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.option(fc.string({ unit: "grapheme" })),
      fc.uint8Array(),
      fc.array(fc.integer()),
      (int8, int16, int32, int64, uvarint, text, bytes, items) => {
        const uuid = "00112233445566778899aabbccddeeff";
        const writer = new WireWriter(1);
        writer.int8(int8).int16(int16).int32(int32).int64(int64).uvarint(uvarint).uuid(uuid);
        writer.bool(true).nullableString(text).compactNullableString(text).compactBytes(bytes);
        writer.compactArray(items, (item) => writer.int32(item)).emptyTags();
        const reader = new WireReader(writer.finish());
        assert.equal(reader.int8(), int8);
        assert.equal(reader.int16(), int16);
        assert.equal(reader.int32(), int32);
        assert.equal(reader.int64(), int64 + 0);
        assert.equal(reader.uvarint(), uvarint);
        assert.equal(reader.uuid(), uuid);
        assert.equal(reader.bool(), true);
        assert.equal(reader.nullableString(), text);
        assert.equal(reader.compactNullableString(), text);
        assert.deepEqual(new Uint8Array(reader.compactBytes()), bytes);
        assert.deepEqual(
          reader.compactArray(() => reader.int32()),
          items,
        );
        reader.tags();
        assert.equal(reader.remaining, 0);
      },
    ),
  );
});

test("an int64 has the bytes of a two's complement number", () => {
  const hex = (value: number) => new WireWriter().int64(value).finish().toString("hex");
  assert.equal(hex(-1), "ffffffffffffffff");
  assert.equal(hex(2 ** 31), "0000000080000000");
  assert.equal(hex(-(2 ** 31) - 1), "ffffffff7fffffff");
  assert.equal(hex(Number.MAX_SAFE_INTEGER), "001fffffffffffff");
});

test("an int64 beyond 2^53 is refused, not rounded", () => {
  const bytes = Buffer.from("0020000000000001", "hex");
  assert.throws(() => new WireReader(bytes).int64(), isMalformed);
  assert.throws(() => new WireReader(Buffer.alloc(8, 0x7f)).int64(), isMalformed);
});

test("a producer id may use all 63 bits", () => {
  const id = 0x7fff_ffff_ffff_fffdn;
  assert.equal(new WireReader(new WireWriter().bigint64(id).finish()).bigint64(), id);
});

test("a reader never reads past its buffer, wherever an answer is cut", () => {
  const writer = new WireWriter().int16(1).compactString("grüße").uuid("ab".repeat(16));
  writer.compactArray([1, 2, 3], (item) => writer.int64(item)).emptyTags();
  const whole = writer.finish();
  for (let length = 0; length < whole.length; length++) {
    const reader = new WireReader(whole.subarray(0, length));
    const readAll = () => {
      reader.int16();
      reader.compactString();
      reader.uuid();
      reader.compactArray(() => reader.int64());
      reader.tags();
    };
    assert.throws(readAll, isMalformed, `cut at ${length}`);
  }
});

test("a length that the buffer cannot hold is refused before memory is spent", () => {
  const huge = new WireWriter().uvarint(0xffffffff).finish();
  assert.throws(() => new WireReader(huge).compactArray(() => 0), isMalformed);
  assert.throws(() => new WireReader(huge).compactBytes(), isMalformed);
  const overlong = Buffer.from("ffffffffff01", "hex");
  assert.throws(() => new WireReader(overlong).uvarint(), isMalformed);
});

test("tagged fields that nobody asks for are stepped over, known ones are read in place", () => {
  const bytes = Buffer.from("02" + "00" + "03" + "aabbcc" + "07" + "04" + "0000002a" + "05", "hex");
  const skipping = new WireReader(bytes);
  skipping.tags();
  assert.equal(skipping.int8(), 5);
  const reading = new WireReader(bytes);
  let found = 0;
  reading.tags((tag) => {
    if (tag === 7) found = reading.int32();
  });
  assert.equal(found, 42);
  assert.equal(reading.int8(), 5);
});
