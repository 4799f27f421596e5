import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RecordColumns } from "../../../src/model/columns.ts";
import type { Failures } from "../../../src/runtime/failures.ts";
import type { Taken } from "../../../src/runtime/input-queue.ts";
import { Intake } from "../../../src/runtime/intake.ts";
import type { TaskRunner } from "../../../src/runtime/task-runner.ts";
import { testLimits } from "../../support/world/kernel-world.ts";
import { rowsOf } from "../operators/rows.ts";

const NO_TRIAL = { rowsMax: Number.POSITIVE_INFINITY, trial: null } as Failures;

/** The intake of a task with sources "a", "b" and so on, and what it asks of its host. */
class Scene {
  nowMs = 1_000;
  readonly paused = new Set<number>();
  readonly timers: number[] = [];
  readonly intake: Intake;

  constructor(sources: number, settings: Partial<typeof testLimits.task> = {}, isStateful = true) {
    const names = Array.from({ length: sources }, (_, index) => nameOf(index));
    const host = {
      nowMs: () => this.nowMs,
      throttled: (_: unknown, source: number, isFull: boolean) => {
        if (isFull) this.paused.add(source);
        else this.paused.delete(source);
      },
      idling: (_: unknown, delayMs: number) => this.timers.push(delayMs),
    };
    const runner = {
      host,
      limits: { ...testLimits.task, ...settings },
      program: { sources: names, stores: isStateful ? [{}] : [] },
      id: { partition: 0 },
      name: "0_0",
    };
    this.intake = new Intake(runner as unknown as TaskRunner);
  }

  push(source: number, first: number, times: readonly number[], end: number, next?: number): void {
    const columns: RecordColumns = rowsOf(
      times.map((time) => ["key", time]),
      first,
    ).columns;
    const nextOffset = next ?? first + times.length;
    const at = { topic: nameOf(source), partition: 0, fence: 1, leaderEpoch: 0 };
    this.intake.push({ ...at, columns, nextOffset, bytes: 10 * times.length }, facts(end));
  }

  empty(source: number, position: number, end = position): boolean {
    return this.intake.empty(nameOf(source), position, facts(end));
  }

  take(): string | null {
    const taken = this.intake.take(NO_TRIAL);
    return taken === null ? null : textOf(taken);
  }

  takeAll(): string[] {
    const all: string[] = [];
    for (let next = this.take(); next !== null; next = this.take()) all.push(next);
    return all;
  }
}

function nameOf(source: number): string {
  return "abcdef"[source] ?? "z";
}

function facts(end: number) {
  return { requestedAtMs: 0, lastStableOffset: end, highWatermark: end };
}

function textOf({ input: { source, columns, from, to } }: Taken): string {
  return `${nameOf(source)}${columns.timestamps.subarray(from, to).join(",")}`;
}

test("whatever arrives when, in what batches: records go in the order of their timestamps", () => {
  const source = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });
  const property = fc.property(
    fc.array(source, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 5 })), { maxLength: 60 }),
    fc.integer({ min: 1, max: 6 }),
    (unsorted, arrivals, batchRecordsMax) => {
      const sources = unsorted.map((times) => times.toSorted((one, other) => one - other));
      const scene = new Scene(sources.length, { batchRecordsMax });
      const arrived = sources.map(() => 0);
      const seen: string[] = [];
      const arrive = (index: number, count: number): void => {
        const times = sources[index] as number[];
        const from = arrived[index] as number;
        const some = times.slice(from, from + count);
        if (some.length === 0) scene.empty(index, from, times.length);
        else scene.push(index, from, some, times.length);
        arrived[index] = from + some.length;
        seen.push(...scene.takeAll());
      };
      for (const [index, count] of arrivals) arrive(index % sources.length, count);
      for (const index of sources.keys()) arrive(index, 100);
      for (const index of sources.keys()) arrive(index, 100);
      const rows = seen.flatMap((text) =>
        text
          .slice(1)
          .split(",")
          .map((time) => `${time}${text[0]}`),
      );
      const sorted = sources
        .flatMap((times, index) => times.map((time) => ({ time, index })))
        .sort((one, other) => one.time - other.time || one.index - other.index)
        .map(({ time, index }) => `${time}${nameOf(index)}`);
      assert.deepEqual(rows, sorted);
    },
  );
  fc.assert(property, { numRuns: 400 });
});

test("a partition that is empty here is waited for while the broker has records, then not", () => {
  const scene = new Scene(2);
  scene.push(0, 0, [5, 6], 2);
  // Nothing is known of b yet.
  assert.equal(scene.take(), null);
  scene.empty(1, 0, 3);
  assert.equal(scene.take(), null);
  scene.push(1, 0, [1, 7], 3);
  assert.deepEqual(scene.takeAll(), ["b1", "a5,6", "b7"]);
  scene.push(0, 2, [8], 3);
  // b has a third record, which is still to come.
  assert.equal(scene.take(), null);
  assert.deepEqual(scene.timers, []);
  // It was a marker: the position moves, and no record comes.
  scene.push(1, 2, [], 3, 3);
  assert.deepEqual(scene.takeAll(), ["b", "a8"]);
});

test("-1 never waits, and ends no batch for another source's sake", () => {
  const scene = new Scene(2, { maxTaskIdleMs: -1 });
  scene.push(0, 0, [5, 9], 2);
  assert.equal(scene.empty(1, 0, 3), false);
  scene.push(1, 0, [6], 1);
  assert.deepEqual(scene.takeAll(), ["a5,9", "b6"]);
});

test("above 0 it waits so long for what nobody has sent, and once", () => {
  const scene = new Scene(2, { maxTaskIdleMs: 100 });
  scene.empty(1, 0);
  scene.push(0, 0, [5], 9);
  assert.equal(scene.take(), null);
  assert.deepEqual(scene.timers, [101]);
  scene.nowMs += 60;
  assert.equal(scene.take(), null);
  assert.deepEqual(scene.timers, [101]);
  scene.nowMs += 40;
  assert.equal(scene.take(), "a5");
  // b has been idle since; a has more to come, and its own time begins when that has come.
  scene.push(0, 1, [6, 7], 3);
  assert.deepEqual(scene.takeAll(), ["a6,7"]);
  scene.push(1, 0, [8], 1);
  assert.equal(scene.take(), null);
  scene.push(0, 3, [4], 4);
  assert.deepEqual(scene.takeAll(), ["a4"]);
  scene.nowMs += 101;
  assert.deepEqual(scene.takeAll(), ["b8"]);
  assert.deepEqual(scene.timers, [101, 101]);
});

test("one source is never waited for, and no clock is read", () => {
  const scene = new Scene(1, { maxTaskIdleMs: 100 });
  scene.nowMs = Number.NaN;
  scene.push(0, 0, [5, 3], 9);
  assert.deepEqual(scene.takeAll(), ["a5,3"]);
});

test("a source that is empty here is never paused, however much the others have", () => {
  const scene = new Scene(2, { inputBytesMax: 40, batchRecordsMax: 2 });
  scene.push(0, 0, [1, 2, 3, 4, 5], 5);
  assert.deepEqual([...scene.paused], [0]);
  assert.equal(scene.take(), null);
  scene.push(1, 0, [9], 1);
  assert.deepEqual([...scene.paused], [0, 1]);
  assert.equal(scene.take(), "a1,2");
  assert.equal(scene.take(), "a3,4");
  assert.deepEqual([...scene.paused], []);
});

test("without state a batch is of the source whose record comes first, to its end", () => {
  const scene = new Scene(2, {}, false);
  scene.push(1, 0, [2, 4], 2);
  scene.push(0, 0, [1, 3, 5], 3);
  assert.deepEqual(scene.takeAll(), ["a1,3,5", "b2,4"]);
});
