import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { KeyTable } from "../../../src/model/key-table.ts";
import type { TimeWindows } from "../../../src/model/topology.ts";
import {
  firstWindowStart,
  isLate,
  planSlots,
  windowStart,
} from "../../../src/operators/windows.ts";
import { rowsOf } from "./rows.ts";

/** What a Date can hold. */
const timestamp = fc.integer({ min: -8.64e15, max: 8.64e15 });
const windows: TimeWindows = { kind: "time", sizeMs: 10, advanceMs: 10, graceMs: 5 };

describe("tumbling windows", () => {
  it("hold their timestamp, also before 1970", () => {
    fc.assert(
      fc.property(timestamp, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (time, size) => {
        const start = windowStart(time, size);
        assert.ok(start <= time && time < start + size);
        assert.equal(Math.abs(start % size), 0);
      }),
    );
  });

  it("start where one expects", () => {
    const starts = [-11, -10, -1, 0, 9, 10].map((time) => windowStart(time, 10));
    assert.deepEqual(starts, [-20, -10, -10, 0, 0, 10]);
  });

  it("close when stream time reaches their end and the grace, not before", () => {
    assert.equal(isLate(0, windows, 14), false);
    assert.equal(isLate(0, windows, 15), true);
  });
});

describe("a plan", () => {
  it("gives each key one slot, in the order of first sight", () => {
    const table = new KeyTable();
    const rows = [rowsOf([["a"], ["b"]]), rowsOf([["a"], ["c"], ["b"]])];
    const plan = planSlots(rows, { windows: null }, 0, table);
    assert.deepEqual([...plan.slots], [0, 1, 0, 2, 1]);
    assert.equal(plan.slotCounts, null);
    assert.equal(plan.windowStarts, null);
    assert.equal(table.count, 3);
  });

  it("gives each window of a key its slot, and late rows none", () => {
    const table = new KeyTable();
    const rows = [
      rowsOf([
        ["a", 3],
        ["a", 14],
        ["a", 4], // Stream time is 14: the window closes at 15.
        ["a", 25],
        ["a", 5], // Stream time is 25 by now.
        ["a", 12], // Its window closes at 25, which stream time has reached.
      ]),
    ];
    const plan = planSlots(rows, { windows }, -1, table);
    assert.deepEqual([...plan.slots], [0, 1, 0, 2]);
    assert.deepEqual([...(plan.slotCounts ?? [])], [1, 1, 1, 1, 0, 0]);
    assert.deepEqual([...(plan.windowStarts ?? [])], [0, 10, 20]);
    assert.equal(plan.lateRows, 2);
    assert.equal(plan.droppedRows, 2);
    assert.equal(plan.streamTimeAfter, 25);
  });

  it("has the windows of each row that the row alone would have, in any order of times", () => {
    const anyWindows = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }))
      .map(([advanceMs, steps]) => ({ advanceMs, sizeMs: advanceMs * steps + (steps % 2) }));
    const times = fc.array(fc.integer({ min: -40, max: 90 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(anyWindows, times, (sizes, all) => {
        const hopping: TimeWindows = { kind: "time", ...sizes, graceMs: 1_000 };
        const table = new KeyTable();
        const rows = [rowsOf(all.map((time) => ["a", time]))];
        const { slots, slotCounts, windowStarts } = planSlots(
          rows,
          { windows: hopping },
          -100,
          table,
        );
        let at = 0;
        for (const [row, time] of all.entries()) {
          const expected = [];
          let start = firstWindowStart(time, hopping);
          for (; start <= time; start += sizes.advanceMs) expected.push(start);
          const count = slotCounts?.[row] ?? 1;
          const found = [...slots.subarray(at, at + count)].map((slot) => windowStarts?.[slot]);
          assert.deepEqual(found, expected);
          at += count;
        }
      }),
    );
  });

  it("goes on from the stream time given", () => {
    const plan = planSlots([rowsOf([["a", 3]])], { windows }, 100, new KeyTable());
    assert.equal(plan.lateRows, 1);
    assert.equal(plan.streamTimeAfter, 100);
  });

  it("skips null keys, and null values where an aggregation takes none", () => {
    const rows = [
      rowsOf([
        ["a", 1, null],
        [null, 2],
        ["", 3, "v"],
      ]),
    ];
    const every = planSlots(rows, { windows: null }, 0, new KeyTable());
    assert.deepEqual([...(every.slotCounts ?? [])], [1, 0, 1]);
    assert.equal(every.droppedRows, 0);
    const valued = planSlots(rows, { windows: null, takes: "valued" }, 0, new KeyTable());
    assert.deepEqual([...(valued.slotCounts ?? [])], [0, 0, 1]);
    assert.equal(valued.droppedRows, 2);
    const windowed = planSlots(rows, { windows, takes: "keyed" }, 0, new KeyTable());
    assert.deepEqual([...(windowed.slotCounts ?? [])], [1, 0, 1]);
    assert.equal(windowed.droppedRows, 1);
    assert.equal(windowed.lateRows, 0);
  });

  it("of nothing is empty", () => {
    const plan = planSlots([], { windows }, 7, new KeyTable());
    assert.equal(plan.slots.length, 0);
    assert.equal(plan.streamTimeAfter, 7);
  });
});
