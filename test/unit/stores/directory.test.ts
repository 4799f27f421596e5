import assert from "node:assert/strict";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { valuesOf } from "../../../src/model/value-columns.ts";
import { openStateDirectory } from "../../../src/stores/directory.ts";
import { keySet, STORES } from "../../contract/store.contract.ts";
import { holdDirectory } from "../../support/directory-holder.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-directory-"));
after(() => rmSync(root, { recursive: true, force: true }));

const corrupted: string[] = [];
const options = {
  processId: null,
  memoryBytesMax: 64 * 1024 * 1024,
  onCorrupted: (task: string) => corrupted.push(task),
};

test("R-15: the process id stays over restarts, the member id until it is forgotten", async () => {
  const path = join(root, "ids");
  const first = await openStateDirectory(path, options);
  assert.equal(first.predecessorMemberId, null);
  await first.rememberMember("member-1");
  await first.close();
  const second = await openStateDirectory(path, options);
  assert.equal(second.processId, first.processId);
  assert.equal(second.predecessorMemberId, "member-1");
  await second.forgetMember();
  const renewed = await second.renewProcessId();
  await second.close();
  const third = await openStateDirectory(path, options);
  assert.equal(third.processId, renewed);
  assert.equal(third.predecessorMemberId, null);
  await third.close();
});

test("R-15: a directory in use is refused; one whose holder was killed is free at once", async () => {
  const path = join(root, "lock");
  const child = await holdDirectory(path, 'await directory.rememberMember("dead");');
  await assert.rejects(openStateDirectory(path, options), (error: unknown) => {
    return error instanceof OutriggerError && error.code === "STATE_DIRECTORY_LOCKED";
  });
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  const directory = await openStateDirectory(path, options);
  assert.equal(directory.predecessorMemberId, "dead");
  await directory.close();
});

test("R-4: after SIGKILL amid commits, the data are those of the position, a second old at most", async () => {
  const path = join(root, "kill");
  const child = await holdDirectory(
    path,
    `const state = await directory.openTask("0_0", STORES);
     const commit = async (n) => {
       const keys = []; const values = [];
       for (let k = 0; k < 50; k++) { keys.push(Buffer.from("k" + k)); values.push(Buffer.from(String(n))); }
       state.stage({ store: 0, keys, values });
       state.cut();
       await state.commit({ positions: new Map([[0, { topicId: "t", position: n }]]),
         inputOffsets: new Map(), streamTimeMs: 0, commitSequence: n, caughtUpAtMs: n * 100 });
     };
     let n = 1;
     const loop = async () => { for (;;) await commit(n++); };
     for (; n < 25; ) await commit(n++);
     void loop();`,
  );
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  const directory = await openStateDirectory(path, options);
  const state = await directory.openTask("0_0", STORES);
  const position = state.marks()?.positions.get(0)?.position;
  // Ten commits are a second here: the disk lags behind by no more, and the next commit waits for it.
  assert.ok(position !== undefined && position >= 20, `${position}`);
  const keys = Array.from({ length: 50 }, (_, k) => `k${k}`);
  const values = valuesOf(await state.read(0, keySet(keys), "staged"));
  for (const value of values) assert.equal(value?.toString(), String(position));
  await state.close();
  await directory.close();
});

test("a store that cannot be opened is wiped, said loudly, and starts empty", async () => {
  const path = join(root, "corrupt");
  const directory = await openStateDirectory(path, options);
  const state = await directory.openTask("0_0", STORES);
  await state.restore({ store: 0, keys: [], values: [] }, { topicId: "t", position: 3 });
  await state.close();
  for (const file of readdirSync(join(path, "0_0"))) {
    if (file.startsWith("MANIFEST")) truncateSync(join(path, "0_0", file), 3);
  }
  const again = await directory.openTask("0_0", STORES);
  assert.equal(again.marks(), null);
  assert.deepEqual(corrupted, ["0_0"]);
  await again.close();
  await directory.close();
});

test("a damaged block is damage, not a lock: the store is wiped and starts empty", async () => {
  const path = join(root, "damaged-block");
  const directory = await openStateDirectory(path, options);
  const before = corrupted.length;
  // The second opening writes what the first left in its log into a table file.
  for (let position = 1; position <= 2; position++) {
    const state = await directory.openTask("0_0", STORES);
    const change = { store: 0, keys: [Buffer.from("key")], values: [Buffer.alloc(1_000)] };
    await state.restore(change, { topicId: "t", position });
    await state.close();
  }
  const tables = readdirSync(join(path, "0_0")).filter((file) => file.endsWith(".sst"));
  assert.ok(tables.length > 0, "there is a table to damage");
  for (const file of tables) {
    const bytes = readFileSync(join(path, "0_0", file));
    // Behind the data and before the footer: what RocksDB reads as it opens a table.
    bytes.fill(0xff, bytes.length - 200, bytes.length - 190);
    writeFileSync(join(path, "0_0", file), bytes);
  }
  const again = await directory.openTask("0_0", STORES);
  assert.equal(again.marks(), null);
  assert.equal(corrupted.length, before + 1);
  await again.close();
  await directory.close();
});
