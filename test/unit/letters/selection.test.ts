import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Letter } from "../../../src/letters/letter.ts";
import {
  decodeMark,
  encodeMark,
  isDue,
  isStale,
  markKey,
} from "../../../src/letters/replay-mark.ts";
import {
  EVERY_LETTER,
  isSelected,
  parsePlace,
  placeName,
  rangeOf,
  type Selection,
} from "../../../src/letters/selection.ts";

const LETTER: Letter = {
  partition: 2,
  offset: 17,
  timestamp: 100,
  key: Buffer.from("k"),
  value: null,
  headers: [],
  headersBytes: null,
  cause: {
    source: { topic: "orders", partition: 0, offset: 1 },
    reason: "rejected",
    attempts: 1,
    applicationId: null,
    task: null,
    node: null,
    type: null,
    message: null,
    stack: null,
  },
};

describe("a selection", () => {
  const fits = (part: Partial<Selection>, letter = LETTER): boolean =>
    isSelected(letter, { ...EVERY_LETTER, ...part });

  test("means what fits all of it", () => {
    assert.ok(fits({}));
    const all: Selection = {
      places: [{ partition: 2, offset: 17 }],
      source: "orders",
      reason: "rejected",
      key: Buffer.from("k"),
      sinceMs: 100,
    };
    assert.ok(fits(all));
    assert.ok(!fits({ ...all, places: [{ partition: 1, offset: 17 }] }));
    assert.ok(!fits({ ...all, source: "order" }));
    assert.ok(!fits({ ...all, reason: "process_crash" }));
    assert.ok(!fits({ ...all, key: Buffer.alloc(0) }));
    assert.ok(!fits({ ...all, sinceMs: 101 }));
    assert.ok(!fits({ key: Buffer.alloc(0) }, { ...LETTER, key: null }), "null is not empty");
  });

  test("reads no further than its places reach", () => {
    const places = [5, 9, 7].map((offset) => ({ partition: 1, offset }));
    const selection = { ...EVERY_LETTER, places };
    assert.deepEqual(rangeOf(selection, 1, { start: 0, end: 100 }), { start: 5, end: 10 });
    assert.deepEqual(rangeOf(selection, 1, { start: 6, end: 8 }), { start: 6, end: 8 });
    assert.equal(rangeOf(selection, 0, { start: 0, end: 100 }), null);
    assert.equal(rangeOf(selection, 1, { start: 10, end: 100 }), null);
    assert.equal(rangeOf(EVERY_LETTER, 1, { start: 4, end: 4 }), null);
  });

  test("knows places by name", () => {
    assert.deepEqual(parsePlace("2@17"), { partition: 2, offset: 17 });
    assert.equal(placeName(LETTER), "2@17");
    for (const wrong of ["17", "2@", "2@-1", "a@1", "2@17 ", `1@${"9".repeat(16)}`]) {
      assert.equal(parsePlace(wrong), null, wrong);
    }
  });
});

describe("a mark", () => {
  test("is read as it was written, and nothing else is", () => {
    const mark = { atMs: 5, to: "orders", times: 2 };
    assert.deepEqual(decodeMark(Buffer.from(encodeMark(mark))), mark);
    for (const other of ["", "null", "7", '{"v":2,"at":5,"to":"a","times":1}', '{"v":1}']) {
      assert.equal(decodeMark(Buffer.from(other)), null, other);
    }
    assert.equal(decodeMark(null), null);
  });

  test("keeps a letter from another replay, unless it is older than what is asked for again", () => {
    const mark = { atMs: 50, to: "orders", times: 1 };
    assert.ok(isDue(undefined, null));
    assert.ok(!isDue(mark, null));
    assert.ok(isDue(mark, 51));
    assert.ok(!isDue(mark, 50), "what this very command has marked is done");
  });

  test("is stale once its letter is gone, by retention or with its topic", () => {
    const starts = new Map([[2, 17]]);
    const key = markKey("id", LETTER);
    assert.ok(!isStale(key, "id", starts));
    assert.ok(isStale(key, "id", new Map([[2, 18]])));
    assert.ok(isStale(key, "other", starts));
    assert.ok(!isStale(key, "id", new Map()));
  });
});
