import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf } from "../../../src/model/key-table.ts";
import { KeyFilter } from "../../../src/stores/key-filter.ts";

const LIMIT = 64 * 1024;

/** Hashes of keys that are much alike. */
function hashes(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => {
    const key = Buffer.from(`key-${String(from + i).padStart(12, "0")}`);
    return hashOf(key, 0, key.length);
  });
}

function shareOf(filter: KeyFilter, wanted: readonly number[]): number {
  return wanted.filter((hash) => filter.mayHave(hash)).length / wanted.length;
}

test("a key that was added is never denied, however many there are", () => {
  const filter = new KeyFilter(() => LIMIT);
  for (let count = 0; count < 400_000; count += 50_000) {
    for (const hash of hashes(count, count + 50_000)) filter.add(hash);
    assert.equal(shareOf(filter, hashes(0, count + 50_000)), 1, `of ${count + 50_000}`);
    assert.ok(filter.bytes <= LIMIT);
  }
});

test("what was not added is known to be absent, but for a few", () => {
  const filter = new KeyFilter(() => LIMIT);
  assert.equal(shareOf(filter, hashes(0, 1_000)), 0);
  const others = hashes(1_000_000, 1_020_000);
  const shares = [100, 3_000, 20_000, 52_000].map((count) => {
    for (const hash of hashes(0, count)) filter.add(hash);
    return shareOf(filter, others);
  });
  // The last are the ten bits for each key that there is room for.
  assert.ok(
    shares.every((share) => share < 0.05),
    shares.join(),
  );
});

test("few keys take little of the room", () => {
  const filter = new KeyFilter(() => LIMIT);
  for (const hash of hashes(0, 800)) filter.add(hash);
  assert.equal(filter.bytes, LIMIT / 64);
  for (const hash of hashes(800, 6_000)) filter.add(hash);
  assert.equal(filter.bytes, LIMIT / 8);
  for (const hash of hashes(6_000, 7_000)) filter.add(hash);
  assert.equal(filter.bytes, LIMIT);
});

test("keys that are written again and again take no more room", () => {
  const filter = new KeyFilter(() => LIMIT);
  const hot = hashes(0, 500);
  for (let round = 0; round < 1_000; round++) for (const hash of hot) filter.add(hash);
  assert.equal(filter.bytes, LIMIT / 64);
});

test("with far more keys than there is room for it says perhaps to all, and takes nothing", () => {
  const filter = new KeyFilter(() => LIMIT);
  for (const hash of hashes(0, 300_000)) filter.add(hash);
  assert.equal(filter.bytes, 0);
  assert.equal(shareOf(filter, hashes(900_000, 901_000)), 1);
  filter.clear();
  assert.equal(shareOf(filter, hashes(0, 1_000)), 0);
});

test("where its room becomes less it is given up", () => {
  let limit = LIMIT;
  const filter = new KeyFilter(() => limit);
  for (const hash of hashes(0, 10_000)) filter.add(hash);
  filter.shrink();
  assert.equal(filter.bytes, LIMIT);
  limit = LIMIT / 2;
  filter.shrink();
  assert.equal(filter.bytes, 0);
  assert.equal(shareOf(filter, hashes(0, 20_000)), 1);
});

test("a filter that was saved goes on, under a lesser bound not at all", () => {
  const filter = new KeyFilter(() => LIMIT);
  for (const hash of hashes(0, 20_000)) filter.add(hash);
  const saved = filter.save();
  assert.ok(saved !== null);
  const other = new KeyFilter(() => LIMIT, false);
  assert.equal(shareOf(other, hashes(900_000, 901_000)), 1);
  other.load(saved);
  const all = hashes(0, 100_000);
  assert.deepEqual(
    all.map((hash) => other.mayHave(hash)),
    all.map((hash) => filter.mayHave(hash)),
  );
  for (const hash of hashes(20_000, 60_000)) other.add(hash);
  assert.equal(shareOf(other, hashes(0, 60_000)), 1);
  const small = new KeyFilter(() => LIMIT / 2, false);
  small.load(saved);
  assert.equal(shareOf(small, hashes(900_000, 901_000)), 1);
  assert.equal(small.save(), null);
});

test("a filter of other hashes is not taken over", () => {
  const filter = new KeyFilter(() => LIMIT);
  filter.add(7);
  const saved = filter.save() ?? Buffer.alloc(0);
  saved.writeInt32LE(saved.readInt32LE(0) + 1, 0);
  for (const damaged of [saved, Buffer.alloc(3)]) {
    const other = new KeyFilter(() => LIMIT, false);
    other.load(damaged);
    assert.equal(shareOf(other, hashes(0, 100)), 1);
  }
});
