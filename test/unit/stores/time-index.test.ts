import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { StoreSpec } from "../../../src/model/topology.ts";
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
    const found = await state.expired(0, 2_498, 9_999);
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
