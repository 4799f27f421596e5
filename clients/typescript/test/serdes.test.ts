import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { durationMs } from "../src/durations.ts";
import { bytes, double, int64, json, nullable, safeInt64, utf8 } from "../src/serdes.ts";
import { windowed } from "../src/windowed.ts";
import { tumbling } from "../src/windows.ts";

const hex = (bytesOf: Uint8Array | null): string => Buffer.from(bytesOf ?? []).toString("hex");

describe("serdes", () => {
  it("write what Kafka's serializers write", () => {
    assert.equal(hex(int64.serialize(-2n)), "fffffffffffffffe");
    assert.equal(hex(safeInt64.serialize(258)), "0000000000000102");
    assert.equal(hex(double.serialize(-0.5)), "bfe0000000000000");
    assert.equal(hex(utf8.serialize("é")), "c3a9");
    const window = { start: 1, end: 2 };
    assert.equal(hex(windowed(utf8, 1).serialize({ key: "k", window })), "6b0000000000000001");
  });

  it("read back what they wrote", () => {
    assert.equal(int64.deserialize(int64.serialize(-(2n ** 63n))), -(2n ** 63n));
    assert.equal(safeInt64.deserialize(safeInt64.serialize(-5)), -5);
    assert.equal(double.deserialize(double.serialize(0.1)), 0.1);
    assert.deepEqual(json().deserialize(json().serialize({ a: [null] })), { a: [null] });
    assert.equal(utf8.deserialize(utf8.serialize("\ufeffk")), "\ufeffk");
    const key = { key: "k", window: { start: -300_000, end: 0 } };
    const serde = windowed(utf8, 300_000);
    assert.deepEqual(serde.deserialize(serde.serialize(key)), key);
  });

  it("refuse null unless they are made to take it", () => {
    assert.throws(() => utf8.deserialize(null), /nullable\(utf8\)/);
    assert.equal(nullable(utf8).deserialize(null), null);
    assert.equal(nullable(utf8).serialize(null), null);
    assert.equal(bytes.deserialize(null), null);
    assert.equal(nullable(utf8).deserialize(new Uint8Array()), "");
  });

  it("refuse what is no value of theirs", () => {
    assert.throws(() => int64.deserialize(new Uint8Array(7)), /7 bytes/);
    assert.throws(() => utf8.deserialize(Uint8Array.of(0xff)));
    assert.throws(() => safeInt64.deserialize(int64.serialize(2n ** 60n)), /beyond 2\^53/);
    assert.throws(() => safeInt64.serialize(1.5), /integer/);
    assert.throws(() => json().serialize(undefined), /undefined/);
  });
});

describe("durations", () => {
  it("are milliseconds, or a number with a unit", () => {
    assert.equal(durationMs(250), 250);
    assert.equal(durationMs("250ms"), 250);
    assert.equal(durationMs("1.5s"), 1_500);
    assert.equal(durationMs("5m"), 300_000);
    assert.equal(durationMs("1d"), 86_400_000);
  });

  it("are refused where they say nothing, or less", () => {
    for (const wrong of ["", "d", "5 minutes", "-1s", "1.5ms"]) {
      assert.throws(() => durationMs(wrong as "1s"), RangeError, wrong);
    }
    assert.throws(() => durationMs(-1), RangeError);
    assert.throws(() => tumbling(0), /above 0/);
  });
});
