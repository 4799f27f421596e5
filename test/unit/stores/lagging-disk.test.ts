import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, mock, test } from "node:test";
import { valuesOf as valueList } from "../../../src/model/value-columns.ts";
import type { StoreMarks, TaskState } from "../../../src/ports/store.ts";
import { Database } from "../../../src/stores/database.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";
import { phaseOf } from "../../../src/stores/write-due.ts";
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
  if (isFailing) return Promise.reject(new Error("no space left"));
  underWay += 1;
  mostAtOnce = Math.max(mostAtOnce, underWay);
  return (held ?? Promise.resolve())
    .then(() => write.apply(this, given))
    .finally(() => {
      underWay -= 1;
    });
});

let underWay = 0;
let mostAtOnce = 0;

/** What a write waits for before it begins. */
let held: Promise<void> | null = null;

function hold(): { readonly go: () => void } {
  let go = () => {};
  held = new Promise((resolve) => {
    go = resolve;
  });
  return { go };
}

const ALL = { from: null, to: null, reverse: false };

beforeEach(() => {
  writes = 0;
  isFailing = false;
  held = null;
  mostAtOnce = 0;
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
  const page = { entriesMax: 9, bytesMax: 1_000 };
  const found = await state.range(0, ALL, { keys: [], values: [] }, page);
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
  const { path, state } = await fresh();
  const at = position;
  await commit(state, 1_100, { a: "1", first: "2" });
  isFailing = true;
  await commit(state, 2_100, { a: "2" });
  // Nobody waited for it: who commits next hears of it, and so does whoever reads what memory has let go of.
  await assert.rejects(commit(state, 2_200, { a: "3" }), /no space left/);
  const page = { entriesMax: 9, bytesMax: 1_000 };
  const times = { keys: keySet(["a"]), from: Float64Array.of(0), to: Float64Array.of(1) };
  const reads = [
    () => valuesOf(state, "a"),
    () => state.range(0, ALL, { keys: [], values: [] }, page),
    () => state.times(0, times, "head", 1),
    () => state.expired(0, 1, 1),
    () => state.due(0, 1, 1),
    () => state.dueTimers(0, 1, 1, 1),
    () => state.between(0, 0, 1, page),
  ];
  for (const read of reads) await assert.rejects(read, /no space left/);
  isFailing = false;
  await assert.rejects(state.caughtUp(3_000), /no space left/);
  assert.equal(state.marks()?.positions.get(0)?.position, at);
  await state.close();
  const again = await open(path);
  assert.deepEqual(await valuesOf(again, "a", "first"), [null, "1"]);
  assert.equal(again.marks()?.positions.get(0)?.position, at);
  await again.close();
});

test("a state that could not be written can be wiped, and is whole then", async () => {
  const { state } = await fresh();
  isFailing = true;
  await commit(state, 2_100, { a: "2" });
  await new Promise(setImmediate);
  await assert.rejects(valuesOf(state, "a"), /no space left/);
  isFailing = false;
  await state.wipe();
  await commit(state, 3_100, { b: "1" });
  assert.deepEqual(await valuesOf(state, "a", "b"), [null, "1"]);
  await state.close();
});

test("a commit does not wait for the disk, the next one does, and reads see both meanwhile", async () => {
  const { state } = await fresh();
  const held = hold();
  await commit(state, 2_100, { a: "1", first: null });
  assert.deepEqual(await valuesOf(state, "a", "first"), ["1", null]);
  let isCommitted = false;
  const next = commit(state, 2_200, { a: "2" }).then(() => {
    isCommitted = true;
  });
  await new Promise(setImmediate);
  assert.deepEqual(await valuesOf(state, "a", "first"), ["2", null], "as the cut in flight has it");
  assert.equal(isCommitted, false);
  held.go();
  await next;
  assert.deepEqual(await valuesOf(state, "a", "first"), ["2", null]);
  assert.equal(writes, 1);
  await state.close();
});

test("of those that wait for a write, one writes after the other", async () => {
  const { path, state } = await fresh();
  const gate = hold();
  await commit(state, 2_100, { a: "1" });
  const next = commit(state, 2_200, { a: "2" });
  const restored = state.restore({ store: 1, keys: [], values: [] }, { topicId: "u", position: 7 });
  const closed = state.close();
  gate.go();
  await Promise.allSettled([next, restored, closed]);
  assert.equal(mostAtOnce, 1);
  const again = await open(path);
  assert.deepEqual(await valuesOf(again, "a"), ["2"]);
  await again.close();
});

test("tasks that commit together write at different times of a second", () => {
  const phases = Array.from({ length: 8 }, (_, partition) => phaseOf(`12_${partition}`));
  const gaps = phases.toSorted((a, b) => a - b).map((at, i, all) => (all[i + 1] ?? 1_000) - at);
  assert.ok(Math.min(...gaps) >= 50, String(phases));
  assert.equal(phaseOf("0_0"), 0);
});

test("each writes once in a second, where its own begins", async () => {
  paths += 1;
  const state = await RocksTaskState.open(join(root, String(paths)), STORES, small, undefined, 300);
  const due = [];
  for (let atMs = 1_000; atMs <= 3_400; atMs += 100) {
    const before = writes;
    await commit(state, atMs, { hot: String(atMs) });
    if (writes > before) due.push(atMs);
  }
  assert.deepEqual(due, [1_000, 1_300, 2_300, 3_300]);
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
