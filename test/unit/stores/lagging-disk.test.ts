import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, mock, test } from "node:test";
import { valuesOf as valueList } from "../../../src/model/value-columns.ts";
import type { StoreMarks, TaskState } from "../../../src/ports/store.ts";
import { Database } from "../../../src/stores/database.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";
import { keySet, STORES } from "../../contract/store.contract.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-lag-"));
after(() => rmSync(root, { recursive: true, force: true }));

const small = { writeBufferBytes: 1024 * 1024, blockCache: false };
let paths = 0;
const open = (path: string): Promise<RocksTaskState> => RocksTaskState.open(path, STORES, small);

/** Real writes, counted, and failing while told to. */
let writes = 0;
let isFailing = false;
const { write } = Database.prototype;
mock.method(Database.prototype, "write", function (this: Database, ...given: [never]) {
  writes += 1;
  return isFailing ? Promise.reject(new Error("no space left")) : write.apply(this, given);
});

beforeEach(() => {
  writes = 0;
  isFailing = false;
});

let position = 0;

async function commit(
  state: TaskState,
  wallMs: number,
  entries: Readonly<Record<string, string | null>>,
): Promise<void> {
  const keys = Object.keys(entries).map((key) => Buffer.from(key));
  const values = Object.values(entries).map((value) =>
    value === null ? null : Buffer.from(value),
  );
  state.stage({ store: 0, keys, values });
  state.cut();
  position += keys.length;
  const marks: StoreMarks = {
    positions: new Map([[0, { topicId: "t", position }]]),
    inputOffsets: new Map(),
    streamTimeMs: 0,
    commitSequence: 1,
    caughtUpAtMs: wallMs,
  };
  await state.commit(marks);
}

async function valuesOf(state: TaskState, ...keys: string[]): Promise<(string | null)[]> {
  const values = valueList(await state.read(0, keySet(keys), "staged"));
  return values.map((value) => value?.toString() ?? null);
}

async function fresh(): Promise<{ path: string; state: RocksTaskState }> {
  paths += 1;
  const path = join(root, String(paths));
  const state = await open(path);
  await commit(state, 1_000, { first: "1" });
  writes = 0;
  return { path, state };
}

test("commits within a second are one write, with the marks of the last", async () => {
  const { path, state } = await fresh();
  for (let n = 0; n < 9; n++)
    await commit(state, 1_000 + n * 100, { hot: String(n), [`k${n}`]: "x" });
  assert.equal(writes, 0);
  assert.deepEqual(await valuesOf(state, "hot", "k0", "k8", "first"), ["8", "x", "x", "1"]);
  await commit(state, 2_000, { hot: "9" });
  assert.equal(writes, 1);
  assert.equal(state.marks()?.positions.get(0)?.position, position);
  await state.close();
  const again = await open(path);
  assert.deepEqual(await valuesOf(again, "hot", "k0", "first"), ["9", "x", "1"]);
  assert.equal(again.marks()?.positions.get(0)?.position, position);
  await again.close();
});

test("what is deleted and not written is gone for reads and ranges, and stays gone", async () => {
  const { path, state } = await fresh();
  await commit(state, 1_100, { a: "1", first: null });
  const range = { from: null, to: null, reverse: false };
  const page = { entriesMax: 9, bytesMax: 1_000 };
  const found = await state.range(0, range, { keys: [], values: [] }, page);
  assert.deepEqual(found.keys.map(String), ["a"]);
  assert.deepEqual(await valuesOf(state, "first"), [null]);
  assert.equal(writes, 0);
  await state.close();
  assert.equal(writes, 2, "the data, and which keys there are");
  const again = await open(path);
  assert.deepEqual(await valuesOf(again, "first", "a"), [null, "1"]);
  await again.close();
});

test("what a dropped overlay loses is not what has committed", async () => {
  const { state } = await fresh();
  await commit(state, 1_100, { a: "committed" });
  state.stage({ store: 0, keys: [Buffer.from("a")], values: [Buffer.from("staged")] });
  state.cut();
  state.drop();
  assert.deepEqual(await valuesOf(state, "a"), ["committed"]);
  await state.close();
});

test("a restore finds on the disk what has committed before it", async () => {
  const { path, state } = await fresh();
  await commit(state, 1_100, { a: "committed" });
  const at = position;
  await state.restore({ store: 1, keys: [], values: [] }, { topicId: "u", position: 7 });
  await state.close();
  const again = await open(path);
  assert.deepEqual(await valuesOf(again, "a"), ["committed"]);
  assert.equal(again.marks()?.positions.get(0)?.position, at);
  assert.equal(again.marks()?.positions.get(1)?.position, 7);
  await again.close();
});

test("so many keys, or bytes, are written at once; a clock that went back is late, too", async () => {
  const { state } = await fresh();
  const many = Array.from({ length: 65_536 }, (_, n) => [`k${n}`, "x"] as const);
  await commit(state, 1_100, Object.fromEntries(many));
  assert.equal(writes, 1);
  await commit(state, 1_200, { large: "x".repeat(16 * 1024 * 1024) });
  assert.equal(writes, 2);
  await commit(state, 1_300, { a: "1" });
  assert.equal(writes, 2);
  await commit(state, 900, { a: "2" });
  assert.equal(writes, 3);
  await state.close();
});

test("keys that hardly come again do not wait to be written, those that do wait", async () => {
  const { state } = await fresh();
  const named = (from: number): Record<string, string> => {
    return Object.fromEntries(Array.from({ length: 4_096 }, (_, n) => [`k${from + n}`, "x"]));
  };
  await commit(state, 1_100, named(0));
  assert.equal(writes, 0);
  await commit(state, 1_200, named(4_096));
  assert.equal(writes, 1);
  await commit(state, 1_300, named(0));
  await commit(state, 1_400, named(0));
  await commit(state, 1_500, named(4_096));
  assert.equal(writes, 1);
  await state.close();
});

test("nobody asks the disk for what it was never given, and who opens it again knows that", async (context) => {
  const { mock: asked } = context.mock.method(Database.prototype, "getMany");
  const askedFor = async (state: TaskState, ...keys: string[]): Promise<number> => {
    const before = asked.callCount();
    const values = await valuesOf(state, ...keys);
    assert.deepEqual(
      values,
      keys.map((key) => (key === "a" ? null : key)),
    );
    const calls = asked.calls.slice(before);
    return calls.reduce((all, call) => all + (call.arguments[0]?.length ?? 0), 0);
  };
  const restore = async (state: TaskState, key: string, at: number): Promise<void> => {
    const changes = { store: 0, keys: [Buffer.from(key)], values: [Buffer.from(key)] };
    await state.restore(changes, { topicId: "t", position: at });
  };
  const path = join(root, "began-empty");
  const state = await open(path);
  assert.equal(await askedFor(state, "a"), 0);
  await restore(state, "b", 1);
  assert.equal(await askedFor(state, "a", "b"), 1);
  await state.close();
  const again = await open(path);
  assert.equal(await askedFor(again, "a", "b"), 1);
  await restore(again, "c", 2);
  assert.equal(await askedFor(again, "a", "b", "c"), 1, "b is kept");
  // It dies: what the next one finds was kept before c came.
  isFailing = true;
  await again.close();
  isFailing = false;
  const crashed = await open(path);
  assert.equal(await askedFor(crashed, "a", "b", "c"), 3);
  await crashed.wipe();
  assert.equal(await askedFor(crashed, "a"), 0);
  await crashed.close();
});

test("a write that fails leaves what the disk has, with its position: the changelog has the rest", async () => {
  const { state } = await fresh();
  const at = position;
  await commit(state, 1_100, { a: "1", first: "2" });
  isFailing = true;
  await assert.rejects(commit(state, 2_100, { a: "2" }), /no space left/);
  isFailing = false;
  assert.deepEqual(await valuesOf(state, "a", "first"), [null, "1"]);
  assert.equal(state.marks()?.positions.get(0)?.position, at);
  await state.close();
});

test("a wipe forgets what was not written", async () => {
  const { state } = await fresh();
  await commit(state, 1_100, { a: "1" });
  await state.wipe();
  assert.deepEqual(await valuesOf(state, "a", "first"), [null, null]);
  assert.equal(state.marks(), null);
  await state.close();
});

test("a task without stores writes its first marks a second after its first commit", async () => {
  paths += 1;
  const state = await RocksTaskState.open(join(root, String(paths)), [], small);
  const commitAt = async (caughtUpAtMs: number): Promise<void> => {
    state.cut();
    const nothing = { positions: new Map(), inputOffsets: new Map() };
    await state.commit({ ...nothing, streamTimeMs: 0, commitSequence: 1, caughtUpAtMs });
  };
  for (const atMs of [1_000, 1_100, 1_900]) await commitAt(atMs);
  assert.equal(writes, 0);
  await commitAt(2_000);
  assert.equal(writes, 1);
  await state.close();
});
