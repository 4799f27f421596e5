import assert from "node:assert/strict";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStateDirectory } from "../../../src/stores/directory.ts";
import { lookAtStateDirectory } from "../../../src/stores/look-at-directory.ts";
import { holdDirectory } from "../../support/directory-holder.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-look-test-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** A directory as a stopped sidecar leaves it. */
async function stopped(name: string): Promise<{ readonly path: string; readonly id: string }> {
  const path = join(root, name);
  const directory = await openStateDirectory(path, {
    processId: null,
    memoryBytesMax: 64 * 1024 * 1024,
    onCorrupted: () => assert.fail("a new directory is corrupted"),
  });
  await directory.rememberMember("member-1");
  await directory.close();
  return { path, id: directory.processId };
}

/** Every file with its time of change and its content. */
function stateOf(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => {
    const at = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? readFileSync(at).toString("base64") : "";
    return `${at} ${statSync(at).mtimeMs} ${content}`;
  });
}

function manifestOf(path: string): string {
  const name = readdirSync(join(path, "process")).find((each) => each.startsWith("MANIFEST"));
  assert.ok(name !== undefined);
  return join(path, "process", name);
}

test("a look at a state directory finds its process id, and changes nothing", async () => {
  const { path, id } = await stopped("sound");
  const before = stateOf(path);
  assert.deepEqual(await lookAtStateDirectory(path, null), { processId: id, error: null });
  assert.equal((await lookAtStateDirectory(path, "given")).processId, "given");
  assert.deepEqual(stateOf(path), before);
});

test("a damaged process directory is said to be damaged, and stays as it is", async () => {
  const { path } = await stopped("damaged");
  truncateSync(manifestOf(path), 10);
  const before = stateOf(path);
  const { processId, error } = await lookAtStateDirectory(path, null);
  assert.equal(processId, null);
  assert.equal(error?.code, "STORE_CORRUPTED");
  assert.ok(error.message.startsWith(`${path}/process is damaged (`), error.message);
  assert.deepEqual(stateOf(path), before);
});

test("one that was marked as damaged keeps its mark", async () => {
  const { path } = await stopped("marked");
  writeFileSync(join(path, "process", "DISTRUSTED"), "a block is rotten");
  const before = stateOf(path);
  const { error } = await lookAtStateDirectory(path, null);
  assert.equal(error?.code, "STORE_CORRUPTED");
  assert.match(error.message, /a block is rotten/);
  assert.deepEqual(stateOf(path), before);
});

test("nothing is made where nothing is", async () => {
  const path = join(root, "nothing");
  assert.deepEqual(await lookAtStateDirectory(path, null), { processId: null, error: null });
  assert.equal(existsSync(path), false);
});

test("a directory that another process uses is said to be locked, and stays locked", async () => {
  const { path } = await stopped("used");
  const child = await holdDirectory(path);
  try {
    for (let look = 0; look < 2; look++) {
      const { error } = await lookAtStateDirectory(path, null);
      assert.equal(error?.code, "STATE_DIRECTORY_LOCKED");
      assert.ok(error.message.startsWith(`${path}/process is in use`), error.message);
    }
    const options = { processId: null, memoryBytesMax: 1024 * 1024, onCorrupted: () => {} };
    await assert.rejects(openStateDirectory(path, options), /is in use by another process/);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  assert.equal((await lookAtStateDirectory(path, null)).error, null);
});
