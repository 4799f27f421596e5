import assert from "node:assert/strict";
import { test } from "node:test";
import { RangeReaders } from "../../../src/kafka/fetch/range-readers.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";

const MIB = 1024 * 1024;

function readersOf(fetchBytesMax: number, partitionFetchBytesMax: number): RangeReaders {
  return new RangeReaders({ ...DEFAULT_KAFKA_LIMITS, fetchBytesMax, partitionFetchBytesMax });
}

test("however many read, their answers take together what one fetch may", () => {
  const readers = readersOf(16 * MIB, MIB);
  for (let count = 1; count <= 32; count++) {
    readers.enter();
    assert.ok(readers.bytesMax <= MIB);
    assert.ok(count * 8 * readers.bytesMax <= 16 * MIB, `${count} of ${readers.bytesMax}`);
  }
  for (let count = 32; count > 1; count--) readers.leave();
  assert.equal(readers.bytesMax, MIB);
});

test("a fetch is worth its way, but no more than the configuration says", () => {
  const many = readersOf(16 * MIB, MIB);
  for (let count = 0; count < 1_000; count++) many.enter();
  assert.equal(many.bytesMax, 64 * 1024);
  assert.equal(readersOf(2_048, MIB).bytesMax, 2_048);
  assert.equal(readersOf(16 * MIB, 1_024).bytesMax, 1_024);
});
