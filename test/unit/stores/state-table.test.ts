import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ColumnChanges, columnsOf, type StoreChanges } from "../../../src/model/changes.ts";
import { KeyTable } from "../../../src/model/key-table.ts";
import { ValueColumnsBuilder, valueAt } from "../../../src/model/value-columns.ts";
import { DiskTimes } from "../../../src/stores/disk-times.ts";
import { KeyFilter } from "../../../src/stores/key-filter.ts";
import { StateTable } from "../../../src/stores/state-table.ts";

type Value = string | null;
type Layer = Map<string, Value>;

/** As latin1: a key, and the start of one of three windows behind it. */
const KEYS = Array.from({ length: 12 }, (_, i) => {
  const suffix = Buffer.alloc(12);
  suffix.writeBigInt64BE(BigInt(i % 3));
  return "k".repeat(i % 5) + i + suffix.toString("latin1");
});
const anyKeys = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 5 });
const anyValue = fc.option(fc.string({ unit: "binary-ascii", maxLength: 70 }), { nil: null });
const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("advance" as const, "stage" as const),
      keys: anyKeys,
      values: fc.array(anyValue, { minLength: 5, maxLength: 5 }),
      byColumns: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ask" as const), keys: anyKeys }) },
  ...(
    [
      ["arrive", 2],
      ["answer", 3],
      ["cut", 4],
      ["commit", 5],
      ["write", 4],
      ["fail", 2],
      ["reset", 1],
      ["restage", 1],
      ["drop", 1],
      ["restore", 1],
    ] as const
  ).map(([kind, weight]) => ({ weight, arbitrary: fc.record({ kind: fc.constant(kind) }) })),
);

/** A table over a disk that answers late, beside layers that are plain maps. */
class Pair {
  readonly table: StateTable;
  readonly disk: Layer = new Map();
  #ahead: StoreChanges[] = [];
  #heads = new Map<string, { readonly value: Value; readonly of: StoreChanges }>();
  #staged: Layer = new Map();
  #cut: Layer | null = null;
  #unwritten: Layer = new Map();
  #asked: (() => void)[] = [];

  constructor(limit: number, isWindowed: boolean, isFiltered: boolean) {
    const times = isWindowed ? new DiskTimes(Number.NEGATIVE_INFINITY) : null;
    const filter = new KeyFilter(() => limit, isFiltered);
    this.table = new StateTable(0, () => limit, times, filter);
  }

  changes(keys: readonly string[], values: readonly Value[], byColumns: boolean): StoreChanges {
    const bytes = values
      .slice(0, keys.length)
      .map((value) => value && Buffer.from(value, "latin1"));
    const list = {
      store: 0,
      keys: keys.map(bytesOf),
      values: bytes.map((value) => (typeof value === "string" ? Buffer.alloc(0) : value)),
    };
    if (!byColumns) return list;
    const { keys: named, values: held } = columnsOf(list);
    const read = this.#read(keys, "head");
    return new ColumnChanges(0, { ...named, found: read.found }, held);
  }

  #read(keys: readonly string[], view: "head" | "staged") {
    const names = new KeyTable();
    for (const key of keys) names.add(bytesOf(key), 0, key.length);
    const set = names.keys();
    const into = new ValueColumnsBuilder(set.count);
    const missing = this.table.read(set, view, into);
    assert.ok(set.found !== undefined);
    return { set, into, missing, found: set.found };
  }

  advance(changes: StoreChanges): void {
    this.table.advance(changes);
    this.#ahead.push(changes);
    for (const [i, key] of changes.keys.entries()) {
      this.#heads.set(named(key), { value: textOf(changes.values[i]), of: changes });
    }
  }

  stage(changes: StoreChanges): void {
    this.table.stage(changes);
    for (const [i, key] of changes.keys.entries()) {
      this.#staged.set(named(key), textOf(changes.values[i]));
      if (this.#heads.get(named(key))?.of === changes) this.#heads.delete(named(key));
    }
  }

  arrive(): void {
    const [first] = this.#ahead.splice(0, 1);
    if (first !== undefined) this.stage(first);
  }

  reset(): void {
    this.table.resetHead();
    this.#ahead = [];
    this.#heads.clear();
  }

  cut(): void {
    if (this.#cut !== null) return;
    const changes = this.table.cut();
    const taken = new Map(changes?.keys.map((key, i) => [named(key), textOf(changes.values[i])]));
    assert.deepEqual(sorted(taken), sorted(this.#staged));
    this.#cut = this.#staged;
    this.#staged = new Map();
  }

  commit(): void {
    if (this.#cut === null) return;
    this.table.committed();
    for (const [key, value] of this.#cut) this.#unwritten.set(key, value);
    this.#cut = null;
  }

  restage(): void {
    this.table.restage();
    this.#staged = new Map([...(this.#cut ?? []), ...this.#staged]);
    this.#cut = null;
  }

  drop(): void {
    this.table.drop();
    this.#ahead = [];
    this.#heads.clear();
    this.#staged.clear();
    this.#cut = null;
  }

  write(isOnDisk: boolean): void {
    const { keys, values } = this.table.unwritten();
    const taken = new Map(keys.map((key, i) => [named(key), textOf(values[i])]));
    assert.deepEqual(sorted(taken), sorted(this.#unwritten));
    if (isOnDisk) for (const [key, value] of taken) this.disk.set(key, value);
    this.table.written(isOnDisk);
    this.#unwritten.clear();
  }

  restore(): void {
    this.write(true);
    const changes = this.changes(KEYS.slice(1, 3), ["restored", null], false);
    for (const [i, key] of changes.keys.entries())
      this.disk.set(named(key), textOf(changes.values[i]));
    this.table.restored(changes);
  }

  /** What is missing is asked for now, and answered with what the disk says now, later. */
  ask(keys: readonly string[]): void {
    const { set, missing } = this.#read(keys, "head");
    const { writes } = this.table;
    const values = missing.map((slot) => {
      const value = this.disk.get(keys[slot] as string) ?? null;
      return value === null ? null : Buffer.from(value, "latin1");
    });
    this.#asked.push(() => this.table.remember(set, missing, values, writes));
  }

  answer(): void {
    this.#asked.shift()?.();
  }

  check(): void {
    for (const view of ["head", "staged"] as const) {
      const { into, missing } = this.#read(KEYS, view);
      const seen = KEYS.map((key, slot) => {
        return missing.includes(slot) ? (this.disk.get(key) ?? null) : textOf(valueAt(into, slot));
      });
      assert.deepEqual(
        seen,
        KEYS.map((key) => this.#expected(key, view)),
      );
    }
    let staged = 0;
    for (const [key, value] of this.#staged) staged += key.length + (value?.length ?? 0);
    assert.equal(this.table.stagedBytes, staged);
    const newest = new Map(this.table.all());
    for (const key of KEYS) {
      const isNewer = [this.#heads, this.#staged, this.#cut, this.#unwritten].some((layer) => {
        return layer?.has(key) === true;
      });
      assert.equal(newest.has(key), isNewer, key);
      if (isNewer) assert.deepEqual(textOf(newest.get(key)), this.#expected(key, "head"));
    }
  }

  #expected(key: string, view: "head" | "staged"): Value {
    const head = view === "head" ? this.#heads.get(key)?.value : undefined;
    for (const value of [head, this.#staged.get(key), this.#cut?.get(key)]) {
      if (value !== undefined) return value;
    }
    return (
      this.#unwritten.get(key) ?? (this.#unwritten.has(key) ? null : this.disk.get(key)) ?? null
    );
  }
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

function named(key: Buffer): string {
  return key.toString("latin1");
}

function textOf(value: Buffer | null | undefined): Value {
  return value?.toString("latin1") ?? null;
}

function sorted(layer: Layer): [string, Value][] {
  return [...layer].sort(([one], [other]) => (one < other ? -1 : 1));
}

test("a table shows the newest value of each key, whatever is evicted", () => {
  const anySteps = fc.array(anyStep, { minLength: 60, maxLength: 120 });
  const limits = fc.constantFrom(0, 400, 900, 1_000_000);
  fc.assert(
    fc.property(anySteps, limits, fc.boolean(), fc.boolean(), (steps, limit, ...kind) => {
      const pair = new Pair(limit, ...kind);
      for (const step of steps) {
        if (step.kind === "ask") pair.ask(step.keys);
        else if (step.kind === "fail") pair.write(false);
        else if (step.kind === "write") pair.write(true);
        else if (step.kind === "advance" || step.kind === "stage") {
          pair[step.kind](pair.changes(step.keys, step.values, step.byColumns));
        } else pair[step.kind]();
        pair.check();
      }
    }),
    { numRuns: 200 },
  );
});

test("what the disk has is let go above the limit, what it lacks is not", () => {
  const limit = 40_000;
  const table = new StateTable(0, () => limit);
  const put = (from: number, to: number): void => {
    const keys = Array.from({ length: to - from }, (_, i) => Buffer.from(`key ${from + i}`));
    table.stage({ store: 0, keys, values: keys.map(() => Buffer.alloc(20)) });
    table.cut();
    table.committed();
  };
  put(0, 1_000);
  assert.equal(table.unwrittenCount, 1_000);
  const full = table.bytes;
  assert.ok(full > limit);
  table.written(true);
  for (let from = 1_000; from < 20_000; from += 10) {
    put(from, from + 10);
    table.written(true);
  }
  assert.ok(table.bytes < limit * 1.1, `${table.bytes} bytes are kept`);
});
