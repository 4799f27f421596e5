import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyTable } from "../../../src/model/key-table.ts";

test("equal keys share a slot, slots count up, and every key comes back as it was", () => {
  const key = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.constantFrom(...["", "a", "b", "ab"].map((text) => Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 400 }), (given) => {
      const table = new KeyTable();
      const slots = new Map<string, number>();
      for (const bytes of given) {
        const padded = Buffer.concat([Buffer.from("pad"), bytes, Buffer.from("pad")]);
        const slot = table.add(padded, 3, bytes.length);
        const name = Buffer.from(bytes).toString("hex");
        assert.equal(slot, slots.get(name) ?? slots.size);
        slots.set(name, slot);
      }
      const { count, positions, bytes } = table.keys();
      assert.equal(count, slots.size);
      for (const [name, slot] of slots) {
        const at = positions[slot * 2] ?? 0;
        assert.equal(bytes.toString("hex", at, at + (positions[slot * 2 + 1] ?? 0)), name);
      }
    }),
  );
});

test("a windowed key is the key, the start as int64 and a zero int32, also before 1970", () => {
  for (const start of [0, -86_400_000, 978_307_200_000, Number.MIN_SAFE_INTEGER]) {
    const table = new KeyTable();
    table.useSuffix(start);
    assert.equal(table.addWithSuffix(Buffer.from("JFK"), 0, 3), 0);
    assert.equal(table.addWithSuffix(Buffer.from("xJFK"), 1, 3), 0);
    const { bytes } = table.keys();
    assert.equal(bytes.toString("latin1", 0, 3), "JFK");
    assert.equal(bytes.readBigInt64BE(3), BigInt(start));
    assert.equal(bytes.readInt32BE(11), 0);
  }
});

test("keys given out survive a clear", () => {
  const table = new KeyTable();
  table.add(Buffer.from("before"), 0, 6);
  const { bytes } = table.keys();
  table.clear();
  table.add(Buffer.from("after!"), 0, 6);
  assert.equal(bytes.toString("latin1", 0, 6), "before");
  assert.equal(table.count, 1);
});
