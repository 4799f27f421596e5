import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
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
import { Database } from "../../../src/stores/database.ts";
import { openStateDirectory } from "../../../src/stores/directory.ts";
import { readLog } from "../../../src/stores/rocksdb-log.ts";
import { openError, operationError } from "../../../src/stores/store-errors.ts";
import { whyDistrusted } from "../../../src/stores/trust.ts";
import { keySet, STORES } from "../../contract/store.contract.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-damage-"));
after(() => rmSync(root, { recursive: true, force: true }));

const small = { writeBufferBytes: 64 * 1024, blockCache: false };
const corrupted: [task: string, text: string][] = [];
const options = {
  processId: null,
  memoryBytesMax: 64 * 1024 * 1024,
  onCorrupted: (task: string, { message }: OutriggerError) => corrupted.push([task, message]),
};

const isCode = (code: string) => (error: unknown) =>
  error instanceof OutriggerError && error.code === code;

const filesOf = (path: string, kind: RegExp): string[] =>
  readdirSync(path)
    .filter((name) => kind.test(name))
    .map((name) => join(path, name))
    .sort();

const key = (n: number): Buffer => Buffer.from(`k${n}`);

/** Writes keys `from` to `to`, each with a position that claims all up to it. */
async function write(database: Database, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    await database.write([
      [key(n), Buffer.alloc(1_000, n)],
      [Buffer.from("position"), Buffer.from(String(n))],
    ]);
  }
}

const COUNT = 400;

/** Tables of several flushes, and a log behind them: RocksDB flushes nothing as it closes. */
async function filled(name: string): Promise<string> {
  const path = join(root, name);
  const database = await Database.open(path, small);
  await write(database, 1, COUNT);
  await database.close();
  return path;
}

/** What the position claims is there; null where the directory is refused. */
async function claimed(path: string): Promise<number | null> {
  if (whyDistrusted(path) !== null) return null;
  let database: Database;
  try {
    database = await Database.open(path, small);
  } catch (error: unknown) {
    assert.ok(isCode("STORE_CORRUPTED")(error), String(error));
    return null;
  }
  const position = Number((await database.get(Buffer.from("position"))) ?? 0);
  const keys = Array.from({ length: position }, (_, n) => key(n + 1));
  const values = await database.getMany(keys);
  for (const [n, value] of values.entries()) assert.ok(value !== null, `${n} of ${position}`);
  await database.close();
  return position;
}

/** Damages a copy of `from`, and says what it claims then. */
async function damaged(from: string, damage: (path: string) => void): Promise<number | null> {
  const path = join(root, "damaged");
  rmSync(path, { recursive: true, force: true });
  cpSync(from, path, { recursive: true });
  damage(path);
  return await claimed(path);
}

test("what a process left is whole, and all is there", async () => {
  const path = await filled("left");
  assert.ok(filesOf(path, /\.sst$/).length > 0, "there were flushes");
  assert.equal(await damaged(path, () => {}), COUNT);
});

test("a manifest that is cut anywhere never makes a store that claims what it has not", async () => {
  const path = await filled("manifest");
  const [manifest] = filesOf(path, /^MANIFEST/);
  assert.ok(manifest !== undefined);
  const bytes = readFileSync(manifest);
  const { records } = readLog(bytes);
  const lengths: number[] = [];
  let end = 0;
  for (const record of records) {
    end += 7 + record.length;
    // Between two records, and within one.
    lengths.push(end, end - 1);
  }
  assert.equal(end, bytes.length);
  let refused = 0;
  for (const length of lengths) {
    const cut = (at: string): void => {
      truncateSync(join(at, manifest.slice(path.length)), length);
    };
    if ((await damaged(path, cut)) === null) refused += 1;
  }
  assert.ok(refused > lengths.length / 2, `${refused} of ${lengths.length}`);
});

test("a manifest whose last record claims to be longer is refused: RocksDB would pass it over", async () => {
  const path = await filled("length");
  const flip = (at: string): void => {
    const [manifest = ""] = filesOf(at, /^MANIFEST/);
    const bytes = readFileSync(manifest);
    const last = readLog(bytes).records.at(-1)?.length ?? 0;
    bytes.writeUInt16LE(last + 1, bytes.length - last - 3);
    writeFileSync(manifest, bytes);
  };
  assert.equal(await damaged(path, flip), null);
});

test("a log that is cut takes the store back; one that others go on from is refused", async () => {
  const path = await filled("log");
  const cut = (at: string): void => {
    const log = filesOf(at, /\.log$/).at(-1) ?? assert.fail("there is no log");
    truncateSync(log, Math.floor(readFileSync(log).length / 2));
  };
  const position = await damaged(path, cut);
  assert.ok(position !== null && position > 0 && position < COUNT, String(position));
  const hole = (at: string): void => {
    const log = filesOf(at, /\.log$/).at(-1) ?? assert.fail("there is no log");
    const bytes = readFileSync(log);
    const [first] = readLog(bytes).records;
    assert.ok(first !== undefined && bytes.length > first.length + 7);
    writeFileSync(log, bytes.subarray(first.length + 7));
  };
  assert.equal(await damaged(path, hole), null);
});

test("a directory without CURRENT, or with one that names nothing, is refused", async () => {
  const path = await filled("current");
  assert.equal(await damaged(path, (at) => rmSync(join(at, "CURRENT"))), null);
  assert.equal(await damaged(path, (at) => writeFileSync(join(at, "CURRENT"), "")), null);
  assert.equal(
    await damaged(path, (at) => writeFileSync(join(at, "CURRENT"), "MANIFEST-1\n")),
    null,
  );
});

test("a rotten block is found as it is read: marked, and emptied before it is opened again", async () => {
  const path = join(root, "rotten");
  const directory = await openStateDirectory(path, options);
  const first = await directory.openTask("0_0", STORES);
  const names = Array.from({ length: 200 }, (_, n) => `key${n}`);
  const keys = names.map((name) => Buffer.from(name));
  const values = names.map(() => Buffer.alloc(1_000));
  await first.restore({ store: 0, keys, values }, { topicId: "t", position: 7 });
  await first.close();
  // Opening it makes a table of the log.
  await (await directory.openTask("0_0", STORES)).close();
  for (const file of filesOf(join(path, "0_0"), /\.sst$/)) {
    const bytes = readFileSync(file);
    // The marks, and which keys there are, stand first, and are read as it opens.
    for (let at = 60_000; at < bytes.length - 20_000; at += 1_000) bytes[at] = ~(bytes[at] ?? 0);
    writeFileSync(file, bytes);
  }
  const state = await directory.openTask("0_0", STORES);
  assert.equal(state.marks()?.positions.get(0)?.position, 7);
  await assert.rejects(state.read(0, keySet(names), "staged"), isCode("STORE_CORRUPTED"));
  const all = { from: null, to: null, reverse: false };
  const limits = { entriesMax: 1_000, bytesMax: 10_000_000 };
  const range = state.range(0, all, { keys: [], values: [] }, limits);
  await assert.rejects(range, isCode("STORE_CORRUPTED"));
  assert.ok(existsSync(join(path, "0_0", "DISTRUSTED")));
  await state.close();
  const again = await directory.openTask("0_0", STORES);
  assert.equal(again.marks(), null);
  assert.equal(corrupted.at(-1)?.[0], "0_0");
  assert.match(corrupted.at(-1)?.[1] ?? "", /checksum mismatch/);
  assert.ok(!existsSync(join(path, "0_0", "DISTRUSTED")));
  await again.restore({ store: 0, keys: [], values: [] }, { topicId: "t", position: 9 });
  await again.close();
  const healed = await directory.openTask("0_0", STORES);
  assert.equal(healed.marks()?.positions.get(0)?.position, 9);
  await healed.close();
  await directory.close();
});

test("a damaged process directory is named and emptied: a new process id, and no crash loop", async () => {
  for (const kind of [/^MANIFEST/, /^CURRENT/, /\.sst$/, /\.log$/]) {
    const path = mkdtempSync(join(root, "process-"));
    const first = await openStateDirectory(path, options);
    const { processId } = first;
    await first.rememberMember("member-1");
    await first.close();
    await (await openStateDirectory(path, options)).close();
    const files = filesOf(join(path, "process"), kind);
    assert.ok(files.length > 0, String(kind));
    for (const file of files) writeFileSync(file, readFileSync(file).fill(0xa5));
    const second = await openStateDirectory(path, options);
    if (String(kind) !== String(/\.log$/)) {
      assert.equal(corrupted.at(-1)?.[0], "process", String(kind));
      assert.notEqual(second.processId, processId);
      assert.equal(second.predecessorMemberId, null);
    }
    await second.rememberMember("member-2");
    await second.close();
    const third = await openStateDirectory(path, options);
    assert.deepEqual([third.processId, third.predecessorMemberId], [second.processId, "member-2"]);
    await third.close();
  }
});

test("a mark on a process directory in use does not take it from its owner", async () => {
  const path = join(root, "in-use");
  const owner = await openStateDirectory(path, options);
  writeFileSync(join(path, "process", "DISTRUSTED"), "a rotten block");
  await assert.rejects(openStateDirectory(path, options), isCode("STATE_DIRECTORY_LOCKED"));
  await owner.rememberMember("member-1");
  await owner.close();
  const next = await openStateDirectory(path, options);
  assert.notEqual(next.processId, owner.processId);
  await next.close();
});

test("what a full disk or a limit refuses is no damage: nothing is marked, nothing emptied", () => {
  const path = join(root, "full");
  mkdirSync(path);
  const full = { message: "While appending to file: /a/000022.sst: No space left on device" };
  const cause = Object.assign(new Error(full.message), { code: "ENOSPC" });
  const error = operationError(path, "writing to", new Error("Batch was not applied", { cause }));
  assert.equal(error.code, "STORE_FAILED");
  assert.match(error.message, /No space left .* free space/);
  const many = Object.assign(new Error("While open a file: /a: Too many open files"), {
    code: "EIO",
  });
  assert.equal(operationError(path, "reading", many).code, "STORE_FAILED");
  assert.equal(openError(path, many).code, "STORE_FAILED");
  assert.equal(openError(path, cause).code, "STORE_FAILED");
  assert.deepEqual(readdirSync(path), []);
});
