import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Letter, letterAt } from "../../../src/letters/letter.ts";
import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  RecordColumns,
  VALUE_LENGTH,
} from "../../../src/model/columns.ts";
import { withHeaders } from "../../../src/model/headers.ts";
import {
  type DeadLetterCause,
  deadLetterHeaders,
  OUTRIGGER_HEADERS,
  STREAMS_HEADERS,
} from "../../../src/tasks/dead-letter.ts";
import { headersIn, plainHeaders } from "../../support/headers.ts";

/** A letter of nothing but headers. */
function letterOf(headers: Buffer): Letter {
  const columns = new RecordColumns(Buffer.concat([Buffer.from("before"), headers]), 1);
  columns.count = 1;
  columns.positions[KEY_LENGTH] = -1;
  columns.positions[VALUE_LENGTH] = -1;
  columns.positions[HEADERS_POSITION] = "before".length;
  columns.positions[HEADERS_END] = columns.bytes.length;
  columns.offsets[0] = 17;
  columns.timestamps[0] = 5;
  return letterAt(columns, 0, 2);
}

const CAUSE: DeadLetterCause = {
  topic: "orders",
  partition: 3,
  offset: 99,
  timestamp: 1_234,
  applicationId: "shop",
  task: "0_3",
  node: "price",
  type: "RangeError",
  message: "too dear",
  stack: "at a\nat b",
  reason: "retries_exhausted",
  attempts: 11,
};

const names = [
  ...Object.values(STREAMS_HEADERS),
  ...Object.values(OUTRIGGER_HEADERS),
  "traceparent",
  "",
];
const header = fc.tuple(fc.constantFrom(...names), fc.string());

test("the headers of a record come back as they were, whatever they are named", () => {
  const room = fc.constantFrom(0, 200, 10_000);
  fc.assert(
    fc.property(fc.array(header), room, (own, bytesMax) => {
      const last = own.at(-1)?.[0];
      // Nobody can tell these from what was left out of a letter that is full.
      fc.pre(last !== STREAMS_HEADERS.message && last !== STREAMS_HEADERS.stacktrace);
      const before = plainHeaders(own);
      const added = deadLetterHeaders(CAUSE, bytesMax);
      const letter = letterOf(withHeaders(before, 0, before.length, added));
      const found = letter.headersBytes === null ? [] : headersIn(letter.headersBytes);
      const wanted = headersIn(before);
      assert.deepEqual(found, wanted);
      assert.deepEqual(
        letter.headers.map(({ key, value }) => [key, String(value)]),
        wanted,
      );
      assert.deepEqual(letter.cause.source, { topic: "orders", partition: 3, offset: 99 });
    }),
  );
});

test("a letter says what was written into it", () => {
  const letter = letterOf(withHeaders(Buffer.alloc(0), 0, 0, deadLetterHeaders(CAUSE, 10_000)));
  const { topic, partition, offset, timestamp, ...said } = CAUSE;
  assert.deepEqual(letter.cause, { ...said, source: { topic, partition, offset } });
  assert.deepEqual([letter.partition, letter.offset, letter.timestamp], [2, 17, timestamp]);
});

test("a record that is no letter has headers of its own, no cause, and the time that it has", () => {
  const letter = letterOf(plainHeaders([["a", "b"]]));
  assert.deepEqual(letter.headers, [{ key: "a", value: Buffer.from("b") }]);
  assert.ok(Object.values(letter.cause).every((each) => each === null));
  assert.equal(letter.timestamp, 5);
  assert.deepEqual(letterOf(Buffer.from([0])).headersBytes, null);
});

test("numbers that are none are not believed", () => {
  for (const offset of ["-1", "1e3", "", "9".repeat(16), "x"]) {
    const said: [string, string][] = [
      [STREAMS_HEADERS.topic, "orders"],
      [STREAMS_HEADERS.partition, "0"],
      [STREAMS_HEADERS.offset, offset],
    ];
    assert.equal(letterOf(plainHeaders(said)).cause.source, null, offset);
  }
});
