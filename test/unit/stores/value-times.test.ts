import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { StoreSpec } from "../../../src/model/topology.ts";
import type { StoreMarks } from "../../../src/ports/store.ts";
import type { Entry } from "../../../src/stores/database.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";
import { ValueTimeIndex } from "../../../src/stores/value-times.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-value-times-"));
after(() => rmSync(root, { recursive: true, force: true }));
const options = { writeBufferBytes: 1024 * 1024, blockCache: false };
const unindexed: StoreSpec = { name: "t", kind: "keyValue", changelogTopic: "app-t-changelog" };
const timed: StoreSpec = { ...unindexed, retentionMs: 1 };
let wallMs = 0;

/** Each commit is written to the disk: a second lies between them. */
function marks(): StoreMarks {
  wallMs += 1_000;
  return {
    positions: new Map([[0, { topicId: "t", position: 3 }]]),
    inputOffsets: new Map(),
    streamTimeMs: 1,
    commitSequence: 1,
    caughtUpAtMs: wallMs,
  };
}

let opened = 0;
const openState = (path = join(root, `${opened++}`), spec = timed): Promise<RocksTaskState> =>
  RocksTaskState.open(path, [spec], options);

function timeValue(timeMs: number): Buffer {
  const value = Buffer.alloc(9, "v");
  value.writeBigInt64BE(BigInt(timeMs));
  return value;
}

type Change = readonly [name: string, timeMs: number | null];

const changesOf = (changes: readonly Change[]) => ({
  store: 0,
  keys: changes.map(([name]) => Buffer.from(name)),
  values: changes.map(([, timeMs]) => (timeMs === null ? null : timeValue(timeMs))),
});

async function commit(state: RocksTaskState, changes: readonly Change[]): Promise<void> {
  state.stage(changesOf(changes));
  state.cut();
  await state.commit(marks());
}

async function dueOf(state: RocksTaskState, timeMs: number, entriesMax = 99): Promise<string[]> {
  const { keys, values } = await state.due(0, timeMs, entriesMax);
  return keys.map((key, at) => `${key}@${values[at]?.readBigInt64BE(0)}`);
}

test("what is due is found in the head view, the eldest first", async () => {
  const state = await openState();
  await commit(state, [
    ["b", 5],
    ["a", 5],
    ["c", 3],
    ["later", 50],
  ]);
  assert.deepEqual(await dueOf(state, 5), ["c@3", "a@5", "b@5"]);
  assert.deepEqual(await dueOf(state, 5, 2), ["c@3", "a@5"]);
  assert.equal((await state.due(0, 5, 2)).more, true);
  assert.equal((await state.due(0, 5, 3)).more, false);
  assert.deepEqual(await dueOf(state, -1), []);
  state.stage(
    changesOf([
      ["c", 60],
      ["staged", 4],
    ]),
  );
  state.advance(
    changesOf([
      ["a", null],
      ["ahead", 1],
    ]),
  );
  assert.deepEqual(await dueOf(state, 5), ["ahead@1", "staged@4", "b@5"]);
  state.resetHead();
  assert.deepEqual(await dueOf(state, 5), ["staged@4", "a@5", "b@5"]);
  state.cut();
  assert.deepEqual(await dueOf(state, 5), ["staged@4", "a@5", "b@5"]);
  await state.commit(marks());
  assert.deepEqual(await dueOf(state, 70), ["staged@4", "a@5", "b@5", "later@50", "c@60"]);
  await commit(
    state,
    ["a", "b", "c", "staged", "later"].map((name) => [name, null] as const),
  );
  await state.close();
});

test("an entry that was written again with another time is not found under the one it had", async () => {
  const path = join(root, "again");
  let state = await openState(path);
  const many = Array.from({ length: 1_500 }, (_, at) => [`k${at}`, 10] as const);
  await commit(state, many);
  await state.close();
  // Nobody knows any more under which time they stand.
  state = await openState(path);
  await commit(
    state,
    many.map(([name]) => [name, 1_000] as const),
  );
  await commit(state, [
    ["k7", 20],
    ["k8", null],
    ["new", 900],
  ]);
  for (let look = 0; look < 2; look++) {
    assert.deepEqual(await dueOf(state, 999), ["k7@20", "new@900"]);
    await commit(state, [["unrelated", 5_000]]);
  }
  const { keys, more } = await state.due(0, 1_000, 9_999);
  assert.deepEqual([keys.length, more], [1_500, false]);
  await state.close();
});

test("an entry that was moved to an earlier time is found at that", async () => {
  const state = await openState();
  await commit(state, [["a", 9]]);
  await commit(state, [["a", 2]]);
  assert.deepEqual(await dueOf(state, 4), ["a@2"]);
  await commit(state, [["a", 7]]);
  await commit(state, [["a", 3]]);
  assert.deepEqual(await dueOf(state, 4), ["a@3"]);
  await state.close();
});

test("what was written while it was looked at is not moved to a time that it had before", () => {
  const key = Buffer.from("a");
  const stale = { timeMs: 2, key };
  for (const when of ["before", "meanwhile", "afterwards"]) {
    const index = new ValueTimeIndex(1);
    const write = (timeMs: number): Entry[] => {
      const entries: Entry[] = [];
      index.mend(entries);
      index.changed(key, timeValue(timeMs), entries);
      return entries;
    };
    write(2);
    write(9);
    index.wrote();
    if (when === "before") write(5);
    const look = index.look();
    if (when === "meanwhile") write(5);
    index.foundStale(look, stale, 9);
    index.looked(look);
    index.wrote();
    if (when === "afterwards") {
      assert.equal(write(5).length, 4, "it was mended before it was written again");
    } else assert.deepEqual(write(5), []);
  }
});

test("what another version wrote without an index is indexed when it is opened", async () => {
  const path = join(root, "elder");
  const elder = await openState(path, unindexed);
  await commit(elder, [
    ["a", 5],
    ["b", 3],
  ]);
  await elder.close();
  const state = await openState(path);
  assert.deepEqual(await dueOf(state, 9), ["b@3", "a@5"]);
  await state.close();
  const without = await openState(path, unindexed);
  await commit(without, [
    ["b", null],
    ["c", 1],
  ]);
  await without.close();
  const again = await openState(path);
  assert.deepEqual(await dueOf(again, 9), ["c@1", "a@5"]);
  await again.restore(
    changesOf([
      ["r", 2],
      ["r", 4],
      ["c", null],
    ]),
    { topicId: "t", position: 3 },
  );
  assert.deepEqual(await dueOf(again, 9), ["r@4", "a@5"]);
  await again.wipe();
  assert.deepEqual(await dueOf(again, 9), []);
  await again.close();
});

test("values of one layout are not read as those of the other: the changelog is read from its start", async () => {
  const path = join(root, "layouts");
  const plain = await openState(path, unindexed);
  const position = { topicId: "t", position: 3 };
  await plain.restore(changesOf([["a", 5]]), position);
  await plain.close();
  const stamped = await openState(path, { ...unindexed, isTimestamped: true });
  assert.equal(stamped.marks()?.positions.size, 0);
  const all = { from: null, to: null, reverse: false };
  const limits = { entriesMax: 9, bytesMax: 999 };
  const keysOf = async (state: RocksTaskState): Promise<readonly Buffer[]> =>
    (await state.range(0, all, { keys: [], values: [] }, limits)).keys;
  assert.deepEqual(await keysOf(stamped), []);
  await stamped.restore(changesOf([["b", 5]]), position);
  await stamped.close();
  // What was deleted meanwhile may be in no changelog any more: nothing of it is left.
  const again = await openState(path, unindexed);
  assert.deepEqual([again.marks()?.positions.size, await keysOf(again)], [0, []]);
  await again.restore(changesOf([["c", 5]]), position);
  await again.close();
  const reopened = await openState(path, unindexed);
  assert.deepEqual(await keysOf(reopened), [Buffer.from("c")]);
  await reopened.close();
});

type Step =
  | { readonly kind: "stage" | "advance" | "restore"; readonly change: Change }
  | { readonly kind: "commit" | "resetHead" | "reopen" | "look" | "lookWhileWritten" };

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom("a", "b", "c", "d", ""),
  fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("stage" as const), change }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant("advance" as const), change }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant("restore" as const), change }), weight: 1 },
  {
    arbitrary: fc
      .constantFrom("commit", "resetHead", "reopen", "look", "lookWhileWritten")
      .map((kind): Step => ({ kind: kind as "look" })),
    weight: 5,
  },
);

test("whatever happens, what is due is what the head view has, in order", async () => {
  const sequence = fc.array(step, { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sequence, fc.integer({ min: 1, max: 3 }), async (steps, entriesMax) => {
      const path = join(root, `${opened++}`);
      let state = await openState(path);
      const layers = [new Map(), new Map(), new Map()] as Map<string, number | null>[];
      const [onDisk, staged, head] = layers as [Layer, Layer, Layer];
      const check = async (timeMs: number): Promise<void> => {
        const all = new Map(layers.flatMap((layer) => [...layer]));
        const due = [...all].filter((entry): entry is [string, number] => {
          return entry[1] !== null && entry[1] <= timeMs;
        });
        due.sort(([one, at], [other, then]) => at - then || (one < other ? -1 : 1));
        const expected = due.slice(0, entriesMax).map(([name, at]) => `${name}@${at}`);
        assert.deepEqual(await dueOf(state, timeMs, entriesMax), expected);
      };
      for (const each of steps) {
        if (each.kind === "stage") {
          state.stage(changesOf([each.change]));
          staged.set(...each.change);
        } else if (each.kind === "advance") {
          state.advance(changesOf([each.change]));
          head.set(...each.change);
        } else if (each.kind === "restore") {
          await state.restore(changesOf([each.change]), { topicId: "t", position: 1 });
          onDisk.set(...each.change);
        } else if (each.kind === "resetHead") {
          state.resetHead();
          head.clear();
        } else if (each.kind === "reopen") {
          await state.close();
          state = await openState(path);
          head.clear();
          staged.clear();
        } else if (each.kind === "look") await check(4);
        else {
          state.cut();
          const looked = each.kind === "lookWhileWritten" ? state.due(0, 9, 99) : null;
          await state.commit(marks());
          await looked;
          for (const entry of staged) onDisk.set(...entry);
          staged.clear();
        }
      }
      await check(9);
      await state.close();
    }),
    { numRuns: 60 },
  );
});

type Layer = Map<string, number | null>;
