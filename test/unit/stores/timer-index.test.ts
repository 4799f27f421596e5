import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { clockNumber, encodeTimer, encodeTimerKey, waitsUntil } from "../../../src/model/timers.ts";
import type { StoreSpec } from "../../../src/model/topology.ts";
import type { StoreChanges } from "../../../src/ports/store.ts";
import { RocksTaskState } from "../../../src/stores/task-state.ts";

const spec: StoreSpec = {
  name: "wait-timers",
  kind: "keyValue",
  isOfTimers: true,
  changelogTopic: "app-wait-timers-changelog",
};
// A store without a position is taken for one that was forgotten, and emptied.
const marks = {
  positions: new Map([[0, { topicId: "t", position: 0 }]]),
  inputOffsets: new Map(),
  streamTimeMs: 0,
  commitSequence: 0,
  caughtUpAtMs: 0,
};

const options = { writeBufferBytes: 1024 * 1024, blockCache: false };
const KEYS = 12;
const keys = Array.from({ length: KEYS }, (_, n) =>
  encodeTimerKey({
    clock: n % 3 === 0 ? "wallClock" : "streamTime",
    name: Buffer.from(`t${n % 2}`),
    key: n === 5 ? null : Buffer.from(`k${n % 4}`),
  }),
);

const change = fc.record({
  key: fc.nat(KEYS - 1),
  timeMs: fc.nat(30),
  what: fc.constantFrom("set", "fire", "delete"),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(change, { maxLength: 8 }).map((restored) => ({ restored })) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      "cut",
      "commit",
      "commit",
      "settle",
      "settle",
      "restage",
      "drop",
      "reopen",
    ),
  },
);

function changesOf(
  changes: readonly { key: number; timeMs: number; what: string }[],
): StoreChanges {
  return {
    store: 0,
    keys: changes.map(({ key }) => keys[key] ?? Buffer.alloc(0)),
    values: changes.map(({ timeMs, what }) => {
      if (what === "delete") return null;
      return encodeTimer({ timeMs, firedAtMs: what === "fire" ? timeMs : null });
    }),
  };
}

test("timers that wait are found by their time, whatever was committed, staged, dropped and restored", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-timers-"));
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        const path = join(folder, String(run++));
        let state = await RocksTaskState.open(path, [spec], options);
        const disk = new Map<string, Buffer | null>();
        let staged = new Map<string, Buffer | null>();
        let cut: Map<string, Buffer | null> | null = null;
        const put = (into: Map<string, Buffer | null>, { keys, values }: StoreChanges): void => {
          for (const [i, key] of keys.entries())
            into.set(key.toString("latin1"), values[i] ?? null);
        };
        const look = async (): Promise<void> => {
          const all = [...new Map([...disk, ...(cut ?? []), ...staged])];
          for (const clock of ["streamTime", "wallClock"] as const) {
            for (const [timeMs, max] of [
              [15, 3],
              [40, 100],
            ] as const) {
              const waiting = all.flatMap(([name, value]) => {
                const key = Buffer.from(name, "latin1");
                const at = value === null ? null : waitsUntil(value);
                if (at === null || ((key[0] ?? 0) & 0x7f) !== clockNumber(clock)) return [];
                return [{ key: name, at }];
              });
              waiting.sort(
                (a, b) =>
                  a.at - b.at || Buffer.from(a.key, "latin1").compare(Buffer.from(b.key, "latin1")),
              );
              const due = waiting.filter(({ at }) => at <= timeMs).slice(0, max);
              const found = await state.dueTimers(0, clockNumber(clock), timeMs, max);
              assert.deepEqual(
                found.keys.map((key) => key.toString("latin1")),
                due.map(({ key }) => key),
              );
              assert.deepEqual(
                found.times,
                due.map(({ at }) => at),
              );
              assert.equal(found.nextMs, waiting[due.length]?.at ?? Number.POSITIVE_INFINITY);
            }
          }
        };
        for (const each of steps) {
          if (Array.isArray(each)) {
            state.stage(changesOf(each));
            put(staged, changesOf(each));
          } else if (each === "settle" && cut === null) {
            state.cut();
            await state.commit(marks);
            for (const [name, value] of staged) disk.set(name, value);
            staged = new Map();
          } else if (each === "cut" && cut === null) {
            state.cut();
            [cut, staged] = [staged, new Map()];
          } else if (each === "commit" && cut !== null) {
            await state.commit(marks);
            for (const [name, value] of cut) disk.set(name, value);
            cut = null;
          } else if (each === "restage" && cut !== null) {
            state.restage();
            staged = new Map([...cut, ...staged]);
            cut = null;
          } else if (each === "drop" || each === "reopen") {
            state.drop();
            [cut, staged] = [null, new Map()];
            if (each === "reopen") {
              await state.close();
              state = await RocksTaskState.open(path, [spec], options);
            }
          } else if (typeof each === "object" && cut === null && staged.size === 0) {
            await state.restore(changesOf(each.restored), { topicId: "t", position: 0 });
            put(disk, changesOf(each.restored));
          }
          await look();
        }
        await state.close();
      }),
      { numRuns: 30, endOnFailure: true },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
