import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ColumnChanges, packKeys, type StoreChanges } from "../../../src/model/changes.ts";
import { packValues } from "../../../src/model/value-columns.ts";
import { Database } from "../../../src/stores/database.ts";
import { storeKey } from "../../../src/stores/layout.ts";
import { PutSlots, SETS_MAX, SLOTS_EACH } from "../../../src/stores/put-slots.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-slots-"));
after(() => rmSync(root, { recursive: true, force: true }));
const options = { writeBufferBytes: 1024 * 1024, blockCache: false };

/** Lengths of keys and values on both sides of what has room in a slot; 0 as well. */
const KEYS = [5, 16, 61, 62, 63, 200];
const VALUES = [0, 1, 9, 24, 63, 64, 65, 400];

/** As many keys, whose lengths and values `salt` chooses; some are deleted. */
function changesOf(count: number, salt: number): StoreChanges {
  const keys = Array.from({ length: count }, (_, i) => {
    const length = KEYS[(i + salt) % KEYS.length] ?? 0;
    return Buffer.from(String(i).padStart(length, "0"));
  });
  const values = keys.map((_, i) => {
    if ((i + salt) % 7 === 0) return null;
    return Buffer.alloc(VALUES[(i * 3 + salt) % VALUES.length] ?? 0, (i + salt) % 251);
  });
  return new ColumnChanges(0, packKeys(keys), packValues(values));
}

async function write(database: Database, prefix: number, changes: StoreChanges): Promise<void> {
  const { columns } = changes;
  assert.ok(columns !== undefined);
  await database.write([], [{ count: columns.keys.count, prefix, ...columns }]);
}

async function mustHave(database: Database, prefix: number, changes: StoreChanges): Promise<void> {
  const found = await database.getMany(changes.keys.map((key) => storeKey(prefix, key)));
  assert.deepEqual(found, [...changes.values]);
}

test("what is written by slots is what is read, with slots that were of other lengths", async () => {
  const database = await Database.open(join(root, "one"), options);
  for (const [round, count] of [1, 255, 256, 700, 3_000, 2_047, 512].entries()) {
    for (const salt of [0, 1, 5]) {
      const changes = changesOf(count, round * 11 + salt);
      await write(database, 3 + salt, changes);
      await mustHave(database, 3 + salt, changes);
    }
  }
  await database.close();
});

test("databases that write at once keep their entries apart, though there are more than slots", async () => {
  const names = ["a", "b", "c", "d"];
  const databases = await Promise.all(
    names.map((name) => Database.open(join(root, name), options)),
  );
  const count = SETS_MAX * SLOTS_EACH * 0.4;
  for (let round = 0; round < 2; round++) {
    const all = databases.map((database, i) => {
      return { database, changes: changesOf(count, i + round * 4) };
    });
    await Promise.all(all.map(({ database, changes }) => write(database, 1, changes)));
    for (const { database, changes } of all) await mustHave(database, 1, changes);
  }
  for (const database of databases) await database.close();
});

test("slots come back from a write that fails", async () => {
  const database = await Database.open(join(root, "closed"), options);
  await database.close();
  for (let i = 0; i < SETS_MAX; i++) await assert.rejects(write(database, 1, changesOf(600, i)));
  const taken = Array.from({ length: SETS_MAX }, () => PutSlots.take());
  assert.ok(taken.every((slots) => slots !== null));
  assert.equal(PutSlots.take(), null);
  for (const slots of taken) slots?.free();
});
