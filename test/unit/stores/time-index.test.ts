import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { packKeys } from "../../../src/model/changes.ts";
import type { StoreSpec } from "../../../src/model/topology.ts";
import { valuesOf } from "../../../src/model/value-columns.ts";
import { Database } from "../../../src/stores/database.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-index-"));
after(() => rmSync(root, { recursive: true, force: true }));
const options = { writeBufferBytes: 1024 * 1024, blockCache: false };
const unindexed: StoreSpec = { name: "w", kind: "window", changelogTopic: "app-w-changelog" };

function windowKey(index: number): Buffer {
  const key = Buffer.alloc(14);
  key.writeUInt16BE(index);
  key.writeBigInt64BE(BigInt(index), 2);
  return key;
}

test("a store that was written without an index has one when it is opened, once", async () => {
  const path = join(root, "elder");
  const elder = await RocksTaskState.open(path, [unindexed], options);
  const keys = Array.from({ length: 2_500 }, (_, index) => windowKey(index));
  const values = keys.map(() => Buffer.from("v"));
  await elder.restore({ store: 0, keys, values }, { topicId: "t", position: 2_500 });
  await elder.close();
  for (let opened = 0; opened < 2; opened++) {
    const state = await RocksTaskState.open(path, [{ ...unindexed, retentionMs: 1 }], options);
    const { keys: found } = await state.expired(0, 2_498, 9_999);
    assert.equal(found.length, 2_499 - opened);
    assert.deepEqual(found[0], windowKey(opened));
    state.stage({ store: 0, keys: [windowKey(0)], values: [null] });
    state.cut();
    await state.commit({
      positions: new Map(),
      inputOffsets: new Map(),
      streamTimeMs: 1,
      commitSequence: 1,
      caughtUpAtMs: 1,
    });
    await state.close();
  }
});

test("windows that an elder process wrote are read, those that begin later are known to be none", async () => {
  const path = join(root, "later");
  const spec = { ...unindexed, retentionMs: 1_000 };
  const elder = await RocksTaskState.open(path, [spec], options);
  const keys = [windowKey(3), windowKey(7)];
  const values = keys.map(() => Buffer.from("v"));
  await elder.restore({ store: 0, keys, values }, { topicId: "t", position: 2 });
  // It dies: which keys there are is not known.
  mock.method(Database.prototype, "write", () => Promise.reject(new Error("it died")));
  await elder.close();
  mock.restoreAll();
  const state = await RocksTaskState.open(path, [spec], options);
  const seen: string[] = [];
  const { getMany } = Database.prototype;
  mock.method(Database.prototype, "getMany", async function (this: Database, asked: Buffer[]) {
    seen.push(...asked.map((key) => `${key.readUInt16BE(2)}`));
    return await getMany.call(this, asked);
  });
  const wanted = packKeys([7, 3, 5, 8].map(windowKey));
  const found = valuesOf(await state.read(0, wanted, "head"));
  assert.deepEqual(found.map(String), ["v", "v", "null", "null"]);
  assert.deepEqual(seen, ["7", "3", "5"]);
  mock.restoreAll();
  await state.close();
});
