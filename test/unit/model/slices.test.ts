import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Slices } from "../../../src/model/slices.ts";

const length = fc.oneof(fc.nat(70), fc.nat(400));

test("a slice is copied to its place, whole, and nothing beside it", () => {
  const slices = new Slices();
  fc.assert(
    fc.property(length, fc.nat(9), fc.nat(9), (bytes, from, to) => {
      const source = Buffer.from(
        Array.from({ length: bytes + from + 3 }, (_, i) => (i * 37) & 255),
      );
      // As a part of another buffer, as most are.
      const target = Buffer.alloc(bytes + to + 20, 0xaa).subarray(7);
      slices.copy(source, from, target, to, bytes);
      assert.deepEqual(target.subarray(to, to + bytes), source.subarray(from, from + bytes));
      const beside = [...target.subarray(0, to), ...target.subarray(to + bytes)];
      assert.ok(beside.every((byte) => byte === 0xaa));
      assert.ok(slices.equal(source, from, target, to, bytes));
    }),
  );
});

test("a slice is copied whole also where sources take turns", () => {
  const slices = new Slices();
  const sources = [1, 2, 3].map((byte) => Buffer.alloc(100, byte));
  fc.assert(
    fc.property(fc.array(fc.nat(2)), fc.integer({ min: 1, max: 100 }), (turns, bytes) => {
      const target = Buffer.alloc(turns.length * 100);
      for (const [index, turn] of turns.entries()) {
        slices.copy(sources[turn] ?? assert.fail(), 100 - bytes, target, index * 100, bytes);
      }
      for (const [index, turn] of turns.entries()) {
        const copied = target.subarray(index * 100, index * 100 + 100);
        assert.ok(copied.every((byte, at) => byte === (at < bytes ? turn + 1 : 0)));
      }
    }),
  );
});

test("slices that differ in one byte are not equal, and others do not matter", () => {
  const slices = new Slices();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(69), fc.nat(9), (bytes, at, from) => {
      const one = Buffer.alloc(bytes + from + 1, 7);
      const other = Buffer.alloc(bytes + 2, 7);
      one[from + bytes] = 8;
      assert.ok(slices.equal(one, from, other, 1, bytes));
      other[1 + (at % bytes)] = 8;
      assert.equal(slices.equal(one, from, other, 1, bytes), false);
    }),
  );
});

test("a copy beyond the end of a buffer is refused", () => {
  const slices = new Slices();
  for (const length of [3, 17, 100, 400]) {
    const [short, long] = [Buffer.alloc(length + 3), Buffer.alloc(2 * length)];
    // The first of a source, and the second in a row.
    for (const _ of [1, 2]) {
      assert.throws(() => slices.copy(short, 4, long, 0, length), RangeError);
      assert.throws(() => slices.copy(long, 0, short, 4, length), RangeError);
    }
  }
});
