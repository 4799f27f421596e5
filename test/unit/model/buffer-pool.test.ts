import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BufferPool } from "../../../src/model/buffer-pool.ts";

const KIB = 1024;

describe("a pool of buffers", () => {
  it("gives at least what is asked for, in powers of two", () => {
    const pool = new BufferPool(0);
    const sizes = [0, 1, 4 * KIB, 4 * KIB + 1, 100_000, KIB * KIB, KIB * KIB + 1];
    assert.deepEqual(
      sizes.map((size) => pool.take(size).length),
      [4 * KIB, 4 * KIB, 4 * KIB, 8 * KIB, 128 * KIB, KIB * KIB, KIB * KIB + 1],
    );
  });

  it("gives what was released again, to one at a time", () => {
    const pool = new BufferPool(1_000_000);
    const first = pool.take(5_000);
    pool.release(first);
    assert.equal(pool.take(8_000), first);
    assert.notEqual(pool.take(8_000), first);
    assert.notEqual(pool.take(20_000), first);
  });

  it("keeps no more than its bytes", () => {
    const pool = new BufferPool(12 * KIB);
    const [one, two] = [pool.take(8 * KIB), pool.take(8 * KIB)];
    pool.release(one);
    pool.release(two);
    assert.equal(pool.take(8 * KIB), one);
    assert.notEqual(pool.take(8 * KIB), two);
    pool.release(two);
    assert.equal(pool.take(8 * KIB), two);
  });

  it("keeps no part of a buffer, and none that is too large", () => {
    const pool = new BufferPool(10_000_000);
    const whole = pool.take(8 * KIB);
    pool.release(whole.subarray(0, 5_000));
    assert.notEqual(pool.take(8 * KIB), whole);
    const large = pool.take(2 * KIB * KIB);
    pool.release(large);
    assert.notEqual(pool.take(2 * KIB * KIB), large);
  });
});
