import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  afterDeath,
  afterPassing,
  afterRefusal,
  mustBeAlone,
  resumed,
  type Trial,
  type TriedRows,
} from "../../../src/tasks/trial.ts";

const rows = (from: number, count: number, source = 0): TriedRows => ({
  source,
  from,
  until: from + count - 1,
  count,
});

test("rows go out again in halves, then one by one", () => {
  const first = afterDeath(null, rows(0, 500));
  assert.deepEqual([first.deaths, first.rowsMax], [1, 250]);
  const second = afterDeath(first, rows(250, 250));
  assert.deepEqual([second.deaths, second.rowsMax, second.from], [2, 1, 250]);
});

test("rows that pass are on trial no more; when the last has passed, none is", () => {
  const trial = afterDeath(null, rows(0, 500));
  const half = afterPassing(trial, rows(0, 250));
  assert.deepEqual([half?.from, half?.until, half?.deaths], [250, 499, 1]);
  assert.equal(afterPassing(half, rows(250, 250)), null);
  assert.equal(afterPassing(half, rows(250, 250, 1)), half, "of another source");
});

test("a death among other rows begins a trial of its own", () => {
  const trial = afterDeath(null, rows(0, 500));
  const other = afterDeath(trial, rows(1_000, 4));
  assert.deepEqual([other.deaths, other.from, other.rowsMax], [1, 1_000, 2]);
});

test("a refused answer halves, and counts no death", () => {
  const trial = afterRefusal(null, rows(0, 7));
  assert.deepEqual([trial.deaths, trial.rowsMax], [0, 4]);
  const dying = afterRefusal(afterDeath(null, rows(0, 8)), rows(0, 4));
  assert.deepEqual([dying.deaths, dying.rowsMax], [1, 2]);
});

test("a row that one more death would convict must be alone with its worker", () => {
  const first = afterDeath(null, rows(0, 2));
  assert.equal(mustBeAlone(first, 3), false);
  const second = afterDeath(first, rows(1, 1));
  assert.equal(mustBeAlone(second, 3), true);
  assert.equal(mustBeAlone(null, 3), false);
});

test("a restart goes on where the trial stood", () => {
  const { rowsMax: _, ...written } = afterDeath(null, rows(0, 100));
  assert.equal(resumed(written, 500).rowsMax, 250);
  assert.equal(resumed({ ...written, deaths: 2 }, 500).rowsMax, 1);
});

test("one killer among any number of rows is found alone, and nobody else is convicted", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.nat(),
      fc.integer({ min: 1, max: 600 }),
      (count, pick, batchMax) => {
        const killer = pick % count;
        let trial: Trial | null = null;
        let deaths = 0;
        for (let at = 0; at < count; ) {
          const onTrial = trial === null ? count : trial.until + 1 - at;
          const size = Math.min(batchMax, trial?.rowsMax ?? batchMax, onTrial, count - at);
          const batch = rows(at, size);
          if (killer < at || killer > batch.until) {
            trial = afterPassing(trial, batch);
            at += size;
            continue;
          }
          deaths += 1;
          assert.ok(deaths < 10, "it goes on for ever");
          const isAlone = mustBeAlone(trial, 3);
          trial = afterDeath(trial, batch);
          if (size > 1 || !isAlone || trial.deaths < 3) continue;
          assert.equal(batch.from, killer);
          trial = afterPassing(trial, batch);
          at += 1;
        }
        assert.equal(deaths, 3);
        assert.equal(trial, null);
      },
    ),
  );
});
