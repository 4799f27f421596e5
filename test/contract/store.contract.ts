import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StoreSpec } from "../../src/model/topology.ts";
import { valuesOf } from "../../src/model/value-columns.ts";
import type { KeySet, StoreChanges, StoreMarks, TaskState } from "../../src/ports/store.ts";

export const STORES: readonly StoreSpec[] = [
  { name: "one", kind: "keyValue", changelogTopic: "app-one-changelog" },
  { name: "two", kind: "keyValue", changelogTopic: "app-two-changelog" },
  {
    name: "sessions",
    kind: "session",
    isRanged: true,
    isTimed: true,
    retentionMs: 5,
    changelogTopic: "app-sessions-changelog",
  },
];

/** What a state under test must offer: open, and open again over what it left behind. */
export interface StateUnderTest {
  open(): Promise<TaskState>;
  reopen(state: TaskState): Promise<TaskState>;
}

const KEYS = ["a", "b", "c", ""];

type Step =
  | { readonly kind: "stage" | "advance"; readonly key: string; readonly value: string | null }
  | { readonly kind: "cut" | "commit" | "restage" | "drop" | "resetHead" | "reopen" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: change("stage"), weight: 5 },
  { arbitrary: change("advance"), weight: 2 },
  {
    arbitrary: fc
      .constantFrom("cut", "commit", "restage", "drop", "resetHead", "reopen")
      .map((kind): Step => ({ kind: kind as "cut" })),
    weight: 5,
  },
);

function change(kind: "stage" | "advance"): fc.Arbitrary<Step> {
  const value = fc.option(fc.string({ maxLength: 3 }));
  return fc.tuple(fc.constantFrom(...KEYS), value).map(([key, text]) => ({
    kind,
    key,
    value: text,
  }));
}

/** The obvious implementation: four maps. */
class Model {
  committed = new Map<string, string | null>();
  cut: Map<string, string | null> | null = null;
  staged = new Map<string, string | null>();
  head = new Map<string, string | null>();
  commits = 0;

  read(key: string, view: "staged" | "head"): string | null {
    const layers = [this.staged, this.cut ?? new Map(), this.committed];
    if (view === "head") layers.unshift(this.head);
    for (const layer of layers) if (layer.has(key)) return layer.get(key) ?? null;
    return null;
  }
}

/** One contract for every TaskState. */
export function storeContract(name: string, make: () => Promise<StateUnderTest>): void {
  test(`${name}: any sequence of calls reads as four plain maps do`, async () => {
    const under = await make();
    let state = await under.open();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await state.wipe();
        const model = new Model();
        for (const next of steps) state = await apply(under, state, model, next);
        for (const view of ["staged", "head"] as const) {
          const found = valuesOf(await state.read(0, keySet(KEYS), view));
          const expected = KEYS.map((key) => model.read(key, view));
          assert.deepEqual(
            found.map((value) => value?.toString() ?? null),
            expected,
          );
        }
        assert.equal(state.marks()?.commitSequence ?? 0, model.commits);
        await checkRanges(state, model);
      }),
      { numRuns: 60 },
    );
    await state.close();
  });

  test(`${name}: stores do not see each other's keys`, async () => {
    const under = await make();
    const state = await under.open();
    state.stage({ store: 0, keys: [Buffer.from("k")], values: [Buffer.from("zero")] });
    state.stage({ store: 1, keys: [Buffer.from("k")], values: [Buffer.from("one")] });
    state.cut();
    await state.commit(marks(1));
    const [zero] = valuesOf(await state.read(0, keySet(["k"]), "staged"));
    const [one] = valuesOf(await state.read(1, keySet(["k"]), "staged"));
    assert.deepEqual([zero?.toString(), one?.toString()], ["zero", "one"]);
    await state.close();
  });

  test(`${name}: R-8: a cut that goes back lies under what was staged since`, async () => {
    const under = await make();
    const state = await under.open();
    const stage = (key: string, value: string): void =>
      state.stage({ store: 0, keys: [Buffer.from(key)], values: [Buffer.from(value)] });
    stage("both", "older");
    stage("only", "older");
    state.cut();
    stage("both", "newer");
    state.restage();
    const found = valuesOf(await state.read(0, keySet(["both", "only"]), "staged"));
    assert.deepEqual(found.map(String), ["newer", "older"]);
    const [changes] = state.cut().changes;
    assert.deepEqual(changes?.keys.map(String).toSorted(), ["both", "only"]);
    await state.close();
  });

  test(`${name}: a key that two batches delete ahead stays deleted as the first arrives`, async () => {
    const state = await (await make()).open();
    const of = (value: string | null): StoreChanges => ({
      store: 0,
      keys: [Buffer.from("k")],
      values: [value === null ? null : Buffer.from(value)],
    });
    const batches = [of(null), of("between"), of(null)];
    for (const batch of batches) state.advance(batch);
    for (const batch of batches) {
      state.stage(batch);
      assert.deepEqual(valuesOf(await state.read(0, keySet(["k"]), "head")), [null]);
    }
    assert.deepEqual(valuesOf(await state.read(0, keySet(["k"]), "staged")), [null]);
    await state.close();
  });

  test(`${name}: R-10: when it was caught up comes back, and changes nothing else`, async () => {
    const under = await make();
    let state = await under.open();
    await state.restore({ store: 0, keys: [], values: [] }, { topicId: "t1", position: 7 });
    await state.caughtUp(4_000);
    state = await under.reopen(state);
    assert.equal(state.marks()?.caughtUpAtMs, 4_000);
    assert.equal(state.marks()?.positions.get(0)?.position, 7);
    await state.close();
  });

  test(`${name}: entries of a key are found by their times, whatever layer they are in`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(timed, { maxLength: 30 }), async (steps) => {
        await checkTimes(await make(), steps);
      }),
      { numRuns: 40 },
    );
  });

  test(`${name}: a delete that runs ahead stays until it is its own turn`, async () => {
    const under = await make();
    const state = await under.open();
    const change = (value: string | null) => {
      return {
        store: 0,
        keys: [Buffer.from("k")],
        values: [value === null ? null : Buffer.from(value)],
      };
    };
    const [first, second, third] = [change(null), change("between"), change(null)];
    for (const each of [first, second, third]) state.advance(each);
    for (const each of [first, second]) {
      state.stage(each);
      assert.deepEqual(valuesOf(await state.read(0, keySet(["k"]), "head")), [null]);
    }
    state.stage(third);
    state.resetHead();
    assert.deepEqual(valuesOf(await state.read(0, keySet(["k"]), "head")), [null]);
    await state.close();
  });

  test(`${name}: what is committed is found by time, the eldest first, and nothing else`, async () => {
    const under = await make();
    let state = await under.open();
    const names = ({ keys }: Pick<StoreChanges, "keys">): string[] =>
      keys.map((key) => `${key.subarray(0, -16)}@${key.readBigInt64BE(key.length - 16)}`);
    const commit = async (changes: readonly (readonly [string, number, string | null])[]) => {
      const keys = changes.map(([key, time]) => sessionKey(key, time));
      const values = changes.map(([, , value]) => (value === null ? null : Buffer.from(value)));
      state.stage({ store: 2, keys, values });
      state.cut();
      await state.commit(marks(1));
    };
    const at = 1_000_000_000_000;
    await commit([
      ["b", at + 2, "1"],
      ["a", at + 2, "1"],
      ["a", at, "1"],
      ["a", at + 9, "1"],
    ]);
    state.stage({ store: 2, keys: [sessionKey("c", at)], values: [Buffer.from("staged")] });
    assert.deepEqual(names(await state.expired(2, at + 2, 9)), [
      `a@${at}`,
      `a@${at + 2}`,
      `b@${at + 2}`,
    ]);
    assert.deepEqual(names(await state.expired(2, at + 2, 2)), [`a@${at}`, `a@${at + 2}`]);
    assert.deepEqual(names(await state.expired(2, at - 1, 9)), []);
    assert.deepEqual(names(await state.expired(2, Number.MIN_SAFE_INTEGER, 9)), []);
    await commit([
      ["a", at, "again"],
      ["a", at + 2, null],
    ]);
    assert.deepEqual(names(await state.expired(2, at + 2, 9)), [
      `a@${at}`,
      `c@${at}`,
      `b@${at + 2}`,
    ]);
    await commit([
      ["a", at, null],
      ["c", at, null],
    ]);
    await commit([["c", at, "once more"]]);
    const restored = { store: 2, keys: [sessionKey("r", at + 1)], values: [Buffer.from("x")] };
    await state.restore(restored, { topicId: "t", position: 3 });
    state = await under.reopen(state);
    assert.deepEqual(names(await state.expired(2, at + 2, 9)), [
      `c@${at}`,
      `r@${at + 1}`,
      `b@${at + 2}`,
    ]);
    await state.close();
  });

  test(`${name}: R-4: data and position come back together, positions of other stores stay`, async () => {
    const under = await make();
    let state = await under.open();
    const restored = { store: 1, keys: [Buffer.from("r")], values: [Buffer.from("x")] };
    await state.restore(restored, { topicId: "t2", position: 7 });
    state.stage({ store: 0, keys: [Buffer.from("k")], values: [Buffer.from("v")] });
    state.cut();
    await state.commit({ ...marks(3), positions: new Map([[0, { topicId: "t1", position: 5 }]]) });
    state = await under.reopen(state);
    assert.deepEqual(
      [...(state.marks()?.positions ?? [])].sort(([a], [b]) => a - b),
      [
        [0, { topicId: "t1", position: 5 }],
        [1, { topicId: "t2", position: 7 }],
      ],
    );
    assert.equal(valuesOf(await state.read(0, keySet(["k"]), "staged"))[0]?.toString(), "v");
    assert.equal(valuesOf(await state.read(1, keySet(["r"]), "staged"))[0]?.toString(), "x");
    await state.close();
  });
}

const TIMED_KEYS = ["", "a", "aa", "b"];

const timed = fc.record({
  kind: fc.constantFrom("stage", "stage", "advance", "cut", "commit", "restage", "resetHead"),
  key: fc.constantFrom(...TIMED_KEYS),
  time: fc.integer({ min: 0, max: 9 }),
  isDelete: fc.boolean(),
});

/** What lies in each layer, told by reading each entry for itself. */
async function checkTimes(
  under: StateUnderTest,
  steps: readonly { kind: string; key: string; time: number; isDelete: boolean }[],
): Promise<void> {
  const state = await under.open();
  let inFlight = false;
  for (const [index, { kind, key, time, isDelete }] of steps.entries()) {
    const value = isDelete ? null : Buffer.from(String(index));
    const change = { store: 2, keys: [sessionKey(key, time)], values: [value] };
    if (kind === "stage") state.stage(change);
    if (kind === "advance") state.advance(change);
    if (kind === "resetHead") state.resetHead();
    if (kind === "cut" && !inFlight) state.cut();
    if (kind === "commit" && inFlight) await state.commit(marks(index));
    if (kind === "restage" && inFlight) state.restage();
    inFlight = kind === "cut" || (inFlight && kind !== "commit" && kind !== "restage");
  }
  const [from, to] = [Float64Array.of(-1, 3, 0, 4), Float64Array.of(9, 6, Infinity, 4)];
  for (const view of ["staged", "head"] as const) {
    const found = await state.times(2, { keys: keySet(TIMED_KEYS), from, to }, view, 1_000_000);
    for (const [slot, key] of TIMED_KEYS.entries()) {
      const times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(
        (time) => time >= (from[slot] ?? 0) && time <= (to[slot] ?? 0),
      );
      const names = times.map((time) => sessionKey(key, time).toString("latin1"));
      const values = valuesOf(await state.read(2, keySet(names), view));
      const expected = values.flatMap((value, i) =>
        value === null ? [] : [`${times[i]}=${value}`],
      );
      const { keys: entries = [], values: own = [] } = found?.[slot] ?? {};
      const got = entries.map((entry, i) => {
        return `${entry.readBigInt64BE(entry.length - 16)}=${own[i]?.toString()}`;
      });
      assert.deepEqual(got, expected);
    }
  }
  assert.equal((await state.times(2, { keys: keySet(["a"]), from, to }, "head", 0))?.length, 1);
  for (const [after, upTo] of [
    [-1, 9],
    [2, 6],
    [4, 4],
  ] as const)
    await checkBetween(state, after, upTo);
  await state.close();
}

/** Entries of all keys by time, whole and page by page, told by reading each entry for itself. */
async function checkBetween(state: TaskState, after: number, upTo: number): Promise<void> {
  const times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((time) => time > after && time <= upTo);
  const wanted = times
    .flatMap((time) => TIMED_KEYS.map((key) => ({ time, key: sessionKey(key, time) })))
    .sort((left, right) => left.time - right.time || left.key.compare(right.key))
    .map(({ key }) => key);
  const names = wanted.map((key) => key.toString("latin1"));
  const values = valuesOf(await state.read(2, keySet(names), "head"));
  const expected = wanted.flatMap((key, slot) => {
    const value = values[slot] ?? null;
    return value === null ? [] : [`${key.toString("hex")}=${value}`];
  });
  for (const entriesMax of [1_000, 2]) {
    const limits = { entriesMax, bytesMax: 1_000_000 };
    const page = await state.between(2, after, upTo, limits);
    const got = page.keys.map((key, at) => `${key.toString("hex")}=${page.values[at]}`);
    assert.deepEqual(got, expected.slice(0, entriesMax));
    assert.equal(page.more, expected.length > entriesMax);
  }
}

/** `key | int64 end | int64 start`, as the session store has it. */
function sessionKey(key: string, end: number): Buffer {
  const suffix = Buffer.alloc(16);
  suffix.writeBigInt64BE(BigInt(end));
  return Buffer.concat([Buffer.from(key), suffix]);
}

/** Ranges, page by page, with what a batch under way has written on top. */
async function checkRanges(state: TaskState, model: Model): Promise<void> {
  const written = new Map<string, string | null>([
    ["b", null],
    ["bb", "new"],
  ]);
  const names = [...written.keys()].map((key) => Buffer.from(key));
  const values = [...written.values()].map((value) => (value === null ? null : Buffer.from(value)));
  for (const [from, to] of [
    [null, null],
    ["a", "c"],
    ["b", null],
    [null, "b"],
    ["c", "a"],
  ] as const) {
    for (const reverse of [false, true]) {
      const expected = [...new Set([...KEYS, ...written.keys()])]
        .filter((key) => (from === null || key >= from) && (to === null || key < to))
        .map((key) => [key, written.has(key) ? written.get(key) : model.read(key, "head")])
        .filter(([, value]) => value !== null)
        .sort(([a], [b]) => ((a ?? "") < (b ?? "") !== reverse ? -1 : 1));
      const found: [string, string][] = [];
      let range = { from: buffer(from), to: buffer(to), reverse };
      for (let more = true; more; ) {
        const change = { keys: names, values };
        const page = await state.range(0, range, change, { entriesMax: 2, bytesMax: 1_000 });
        assert.ok(page.keys.length <= 2);
        assert.ok(!page.more || page.keys.length > 0, "a page that goes on is not empty");
        for (const [index, key] of page.keys.entries()) {
          found.push([key.toString(), page.values[index]?.toString() ?? ""]);
        }
        const last = page.keys.at(-1);
        more = page.more && last !== undefined;
        if (last === undefined) break;
        const next = Buffer.concat([last, Buffer.of(0)]);
        range = reverse ? { ...range, to: last } : { ...range, from: next };
      }
      assert.deepEqual(found, expected);
    }
  }
}

function buffer(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}

async function apply(
  under: StateUnderTest,
  state: TaskState,
  model: Model,
  next: Step,
): Promise<TaskState> {
  switch (next.kind) {
    case "stage":
    case "advance": {
      const value = next.value === null ? null : Buffer.from(next.value);
      state[next.kind]({ store: 0, keys: [Buffer.from(next.key)], values: [value] });
      model[next.kind === "stage" ? "staged" : "head"].set(next.key, next.value);
      return state;
    }
    case "cut":
      if (model.cut !== null) return state;
      state.cut();
      model.cut = model.staged;
      model.staged = new Map();
      return state;
    case "commit":
      if (model.cut === null) return state;
      model.commits += 1;
      await state.commit(positioned(model.commits));
      for (const [key, value] of model.cut) model.committed.set(key, value);
      model.cut = null;
      return state;
    case "restage":
      if (model.cut === null) return state;
      state.restage();
      model.staged = new Map([...model.cut, ...model.staged]);
      model.cut = null;
      return state;
    case "drop":
    case "reopen":
      model.staged.clear();
      model.head.clear();
      model.cut = null;
      if (next.kind === "reopen") return await under.reopen(state);
      state.drop();
      return state;
    case "resetHead":
      state.resetHead();
      model.head.clear();
      return state;
  }
}

/** A second lies between commits: each is written to the disk. */
let wallMs = 0;

function marks(commitSequence: number): StoreMarks {
  wallMs += 1_000;
  return {
    positions: new Map(),
    inputOffsets: new Map([["in-0", commitSequence]]),
    streamTimeMs: 1,
    commitSequence,
    caughtUpAtMs: wallMs,
  };
}

/** A store without a position is one that was forgotten: it is emptied as it is opened. */
function positioned(commitSequence: number): StoreMarks {
  const positions = new Map([[0, { topicId: "t1", position: commitSequence }]]);
  return { ...marks(commitSequence), positions };
}

export function keySet(keys: readonly string[]): KeySet {
  const positions = new Int32Array(keys.length * 2);
  let at = 0;
  for (const [i, key] of keys.entries()) {
    positions[i * 2] = at;
    positions[i * 2 + 1] = key.length;
    at += key.length;
  }
  return { count: keys.length, positions, bytes: Buffer.from(keys.join("")) };
}
