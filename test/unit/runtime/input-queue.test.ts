import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecordColumns } from "../../../src/model/columns.ts";
import { InputQueue } from "../../../src/runtime/input-queue.ts";

function chunk(rows: number, bytes: number) {
  const columns = new RecordColumns(Buffer.alloc(0), rows);
  columns.count = rows;
  const at = { topic: "in", partition: 0, fence: 1, nextOffset: rows, leaderEpoch: 0 };
  return { ...at, columns, bytes };
}

test("what has been taken to its end has no bytes, however its shares were cut", () => {
  const chunks = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9_999 })),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 7 }), (given, rowsMax) => {
      const queue = new InputQueue([false], 0, false);
      for (const [rows, bytes] of given) queue.push(0, chunk(rows, bytes));
      while (queue.take(rowsMax, Number.POSITIVE_INFINITY) !== null);
      assert.equal(queue.bytes, 0);
    }),
  );
});
