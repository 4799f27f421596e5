import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import fc from "fast-check";
import { packKeys } from "../../../src/model/changes.ts";
import type { StoreSpec } from "../../../src/model/topology.ts";
import type { StoreMarks } from "../../../src/ports/store.ts";
import { Database } from "../../../src/stores/database.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-expired-"));
after(() => rmSync(root, { recursive: true, force: true }));
const options = { writeBufferBytes: 1024 * 1024, blockCache: false };
const spec: StoreSpec = {
  name: "w",
  kind: "window",
  changelogTopic: "app-w-changelog",
  retentionMs: 1,
};
const ALL = 9_999;
const STARTS = [0, 1, 2, 300, 70_000];

const keyOf = (name: number, startMs: number): Buffer => {
  const key = Buffer.alloc(14);
  key.writeUInt16BE(name);
  key.writeBigInt64BE(BigInt(startMs), 2);
  return key;
};
const startOf = (key: Buffer): number => Number(key.readBigInt64BE(2));
const anyKeys = fc.uniqueArray(
  fc.tuple(fc.nat(1), fc.constantFrom(...STARTS)).map(([name, start]) => keyOf(name, start)),
  { minLength: 1, maxLength: 4, selector: (key) => key.toString("latin1") },
);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), keys: anyKeys }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), keys: anyKeys }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), keys: anyKeys }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("restore" as const),
      keys: anyKeys,
      isHeld: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("expire" as const, "drop" as const),
      upTo: fc.constantFrom(...STARTS),
      max: fc.constantFrom(1, 3, ALL),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

/** A store beside a map of what has committed. */
class Pair {
  state: RocksTaskState;
  readonly live = new Map<string, Buffer>();
  readonly #path: string;
  readonly #cacheBytes: number;
  #wallMs = 0;

  constructor(state: RocksTaskState, path: string, cacheBytes: number) {
    this.state = state;
    this.#path = path;
    this.#cacheBytes = cacheBytes;
  }

  static async open(path: string, cacheBytes: number): Promise<Pair> {
    const state = await RocksTaskState.open(path, [spec], options, () => cacheBytes);
    return new Pair(state, path, cacheBytes);
  }

  async reopen(): Promise<void> {
    await this.state.close();
    this.state = await RocksTaskState.open(this.#path, [spec], options, () => this.#cacheBytes);
  }

  async commit(afterMs: number): Promise<void> {
    this.#wallMs += afterMs;
    this.state.cut();
    await this.state.commit(this.#marks());
  }

  /** Deletes, and puts while the disk is told so. */
  async replace(key: Buffer): Promise<void> {
    this.#wallMs += 5_000;
    this.state.stage({ store: 0, keys: [key], values: [null] });
    this.state.cut();
    await this.state.commit(this.#marks());
    this.state.stage({ store: 0, keys: [key], values: [Buffer.from("again")] });
    await this.commit(5_000);
  }

  #marks(): StoreMarks {
    const positions = new Map([[0, { topicId: "t", position: 1 }]]);
    const caughtUpAtMs = this.#wallMs;
    return { positions, inputOffsets: new Map(), streamTimeMs: 1, commitSequence: 1, caughtUpAtMs };
  }

  async change(keys: readonly Buffer[], value: Buffer | null, afterMs: number): Promise<void> {
    this.state.stage({ store: 0, keys, values: keys.map(() => value) });
    this.#note(keys, value);
    await this.commit(afterMs);
  }

  async restore(keys: readonly Buffer[], value: Buffer | null): Promise<void> {
    const values = keys.map(() => value);
    await this.state.restore({ store: 0, keys, values }, { topicId: "t", position: 1 });
    this.#note(keys, value);
  }

  #note(keys: readonly Buffer[], value: Buffer | null): void {
    for (const key of keys) {
      if (value === null) this.live.delete(key.toString("latin1"));
      else this.live.set(key.toString("latin1"), key);
    }
  }

  expected(upTo: number): string[] {
    const keys = [...this.live.values()].filter((key) => startOf(key) <= upTo);
    return keys.map((key) => key.toString("hex")).sort();
  }

  /** What has expired is among what lives, the eldest first. */
  async find(upTo: number, max: number) {
    const found = await this.state.expired(0, upTo, max);
    const starts = found.keys.map(startOf);
    assert.deepEqual(
      starts,
      starts.toSorted((left, right) => left - right),
    );
    assert.ok(found.keys.length <= max);
    assert.ok(found.values.every((value) => value === null));
    const all = this.expected(upTo);
    for (const key of found.keys) assert.ok(all.includes(key.toString("hex")));
    assert.equal(new Set(found.keys.map((key) => key.toString("hex"))).size, found.keys.length);
    return found;
  }

  /** The disk has heard of everything: now nothing is missed. */
  async check(upTo: number): Promise<void> {
    await this.commit(5_000);
    // Waits for what the one before it has begun to write.
    await this.commit(0);
    const { keys } = await this.find(upTo, ALL);
    assert.deepEqual(keys.map((key) => key.toString("hex")).sort(), this.expected(upTo));
  }
}

const isOfStore = (key: Buffer): boolean => key.readUInt16BE(0) !== 0;

async function leftOnDisk(path: string): Promise<number> {
  const database = await Database.open(path, options);
  const range = { from: Buffer.alloc(1), to: Buffer.alloc(2, 0xff), reverse: false };
  const limits = { entriesMax: ALL, bytesMax: Number.POSITIVE_INFINITY };
  const { entries } = await database.scan(range, limits, (key) => !isOfStore(key));
  await database.close();
  return entries.length;
}

let runs = 0;

test("what has expired is found whole by memory and disk together, and leaves nothing behind", async () => {
  const steps = fc.array(fc.tuple(anyStep, fc.constantFrom(0, 5_000)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(0, 1_500, 1_000_000), steps, async (cacheBytes, all) => {
      const path = join(root, `run-${runs++}`);
      const pair = await Pair.open(path, cacheBytes);
      for (const [step, afterMs] of all) {
        if (step.do === "put") await pair.change(step.keys, Buffer.from("v"), afterMs);
        else if (step.do === "delete") await pair.change(step.keys, null, afterMs);
        else if (step.do === "read") await pair.state.read(0, packKeys(step.keys), "staged");
        else if (step.do === "restore")
          await pair.restore(step.keys, step.isHeld ? Buffer.from("r") : null);
        else if (step.do === "reopen") await pair.reopen();
        else if (step.do === "expire") {
          const { keys } = await pair.find(step.upTo, step.max);
          await pair.change(keys, null, afterMs);
        } else {
          pair.state.stage(await pair.find(step.upTo, step.max));
          await pair.find(step.upTo, step.max);
          pair.state.drop();
        }
        if (afterMs > 0) await pair.check(70_000);
      }
      await pair.check(1);
      await pair.reopen();
      await pair.check(70_000);
      for (let left = true; left; ) {
        const { keys } = await pair.find(70_000, 3);
        left = keys.length > 0;
        await pair.change(keys, null, 5_000);
      }
      assert.equal(pair.live.size, 0);
      await pair.state.close();
      assert.equal(await leftOnDisk(path), 0);
      rmSync(path, { recursive: true });
    }),
    { numRuns: 100 },
  );
});

test("of windows that memory knows whole, the disk is not asked what has expired", async () => {
  const pair = await Pair.open(join(root, "known"), 1_000_000);
  const scans = mock.method(Database.prototype, "scan").mock;
  for (const start of STARTS) {
    await pair.change([keyOf(1, start), keyOf(2, start)], Buffer.from("v"), 500);
    await pair.change((await pair.find(start - 1, ALL)).keys, null, 500);
  }
  assert.deepEqual(pair.expected(70_000), [keyOf(1, 70_000), keyOf(2, 70_000)].map(hex).sort());
  assert.equal(scans.callCount(), 0);
  scans.restore();
  await pair.reopen();
  await pair.check(70_000);
  await pair.state.close();
});

test("what is known of the index is let go where the disk changes without it", async () => {
  const pair = await Pair.open(join(root, "let-go"), 1_000_000);
  const [restored, put, replaced] = [keyOf(1, 1), keyOf(1, 2), keyOf(2, 300)];
  await pair.restore([restored], Buffer.from("r"));
  await pair.change([restored], null, 5_000);
  await pair.restore([restored], Buffer.from("r"));
  await pair.change([put, replaced], Buffer.from("v"), 5_000);
  await pair.restore([put], null);
  await pair.change([put], Buffer.from("v"), 5_000);
  await pair.replace(replaced);
  await pair.reopen();
  for (const upTo of [0, 1, 2, 300]) await pair.check(upTo);
  await pair.state.close();
});

test("a look through the disk and a write of it wait for each other", async (context) => {
  const pair = await Pair.open(join(root, "in-turns"), 0);
  await pair.change([keyOf(1, 1), keyOf(2, 300)], Buffer.from("v"), 5_000);
  await pair.reopen();
  const { scan, write } = Database.prototype;
  const seen: string[] = [];
  let gate = gateOf();
  context.mock.method(Database.prototype, "scan", async function (this: Database, ...given: never) {
    seen.push("look");
    await gate.opened;
    return await scan.apply(this, given).finally(() => seen.push("looked"));
  });
  context.mock.method(
    Database.prototype,
    "write",
    async function (this: Database, ...given: never) {
      seen.push("write");
      await gate.opened;
      await write.apply(this, given).finally(() => seen.push("written"));
    },
  );
  const found = pair.state.expired(0, 1, ALL);
  await pair.change([keyOf(1, 1)], null, 5_000);
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["look"], "the write is due, and waits");
  gate.open();
  assert.deepEqual((await found).keys, [], "memory knows that it is deleted");
  await pair.commit(0);
  assert.deepEqual(seen.splice(0), ["look", "looked", "write", "written"]);

  gate = gateOf();
  await pair.change([keyOf(1, 2)], Buffer.from("v"), 5_000);
  const next = pair.state.expired(0, 300, ALL);
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["write"], "the look waits");
  gate.open();
  assert.deepEqual((await next).keys, [keyOf(1, 2), keyOf(2, 300)]);
  assert.deepEqual(seen, ["write", "written", "look", "looked"]);
  await pair.state.close();
});

function gateOf(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const hex = (key: Buffer): string => key.toString("hex");
