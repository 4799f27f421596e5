import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../src/tasks/ledger.ts";

function filled(...items: string[]): Ledger<string> {
  const ledger = new Ledger<string>();
  for (const item of items) ledger.arrive(ledger.add(item));
  return ledger;
}

function dispatchNext(ledger: Ledger<string>, worker = 1): number {
  const entry = ledger.nextQueued();
  assert.ok(entry);
  return ledger.dispatch(entry, worker, 0);
}

test("R-3: a cut takes the contiguous final prefix, never a batch behind an unfinished one", () => {
  const ledger = filled("a", "b", "c");
  dispatchNext(ledger);
  const second = dispatchNext(ledger);
  const entry = ledger.find(second, 1);
  assert.ok(entry);
  ledger.finish(entry);
  assert.deepEqual(ledger.takeFinal(), []);
  const first = ledger.inFlight()[0];
  assert.ok(first);
  ledger.finish(first);
  assert.deepEqual(ledger.takeFinal(), ["a", "b"]);
  assert.equal(ledger.size, 1);
});

test("R-11: an answer counts once, from the worker that holds the batch, for its last dispatch", () => {
  const ledger = filled("a");
  const first = dispatchNext(ledger, 1);
  assert.equal(ledger.find(first, 2), null, "another worker's answer");
  assert.equal(ledger.find(first + 1, 1), null, "an invented dispatch id");
  const entry = ledger.find(first, 1);
  assert.ok(entry);
  ledger.requeue(entry);
  const second = dispatchNext(ledger, 2);
  assert.notEqual(second, first);
  assert.equal(ledger.find(first, 1), null, "a late answer to the first dispatch");
  ledger.finish(entry);
  assert.equal(ledger.find(second, 2), null, "a duplicate answer");
});

test("R-12: what a dead worker held goes out again in its place", () => {
  const ledger = filled("a", "b");
  dispatchNext(ledger);
  dispatchNext(ledger);
  for (const entry of ledger.inFlight()) ledger.requeue(entry);
  assert.equal(ledger.nextQueued()?.item, "a");
});

test("R-8: an aborted cut is put back ahead of everything since", () => {
  const ledger = filled("a", "b");
  const first = ledger.find(dispatchNext(ledger), 1);
  assert.ok(first);
  ledger.finish(first);
  const taken = ledger.takeFinal();
  const second = ledger.find(dispatchNext(ledger), 1);
  assert.ok(second);
  ledger.finish(second);
  ledger.putBack(taken);
  assert.deepEqual(ledger.takeFinal(), ["a", "b"]);
});

test("what fails takes everything behind it along, in order", () => {
  const ledger = filled("a", "b", "c");
  dispatchNext(ledger);
  const second = ledger.find(dispatchNext(ledger), 1);
  assert.ok(second);
  assert.deepEqual(
    ledger.removeFrom(second).map(({ item }) => item),
    ["b", "c"],
  );
  assert.equal(ledger.size, 1);
});
