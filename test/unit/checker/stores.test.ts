import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDirectory } from "../../../src/stores/directory.ts";
import { readTasks } from "../../checker/stores.ts";

const TOPIC_ID = "0f0e0d0c0b0a09080706050403020100";
const STORES = [
  { name: "sums", kind: "keyValue", changelogTopic: "a-sums-changelog" },
  { name: "lists", kind: "keyValue", changelogTopic: "a-lists-changelog" },
] as const;

test("what a sidecar's stores wrote is read without them: content, positions, input offsets", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "outrigger-checker-"));
  try {
    const directory = await openStateDirectory(join(stateDir, "a"), {
      processId: null,
      memoryBytesMax: 64 * 1024 * 1024,
      onCorrupted: () => assert.fail("a new store is corrupted"),
    });
    const state = await directory.openTask("0_3", STORES);
    state.stage({ store: 1, keys: [Buffer.from("k")], values: [Buffer.from("v")] });
    state.cut();
    await state.commit({
      positions: new Map([
        [0, { topicId: TOPIC_ID, position: 7 }],
        [1, { topicId: TOPIC_ID, position: 9 }],
      ]),
      inputOffsets: new Map([["a-in-3", 12]]),
      streamTimeMs: 0,
      commitSequence: 1,
      caughtUpAtMs: 0,
    });
    await state.close();
    await directory.close();
    const [task, ...others] = await readTasks([stateDir, join(stateDir, "none")], "a");
    assert.equal(others.length, 0);
    assert.equal(task?.partition, 3);
    assert.deepEqual([...(task?.inputOffsets ?? [])], [["a-in-3", 12]]);
    const sums = { topicId: TOPIC_ID, position: 7, content: new Map() };
    const content = new Map([["6b", Buffer.from("v")]]);
    assert.deepEqual(
      [...(task?.stores ?? [])],
      [
        ["sums", sums],
        ["lists", { topicId: TOPIC_ID, position: 9, content }],
      ],
    );
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});
