import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordColumns, STRIDE } from "../../../src/model/columns.ts";
import { mergeRows } from "../../../src/model/merge-rows.ts";
import { onwardRows } from "../../../src/model/onward-rows.ts";
import type { OutputColumns, RowRange } from "../../../src/model/rows.ts";
import { columnsOf, type PlainRecord } from "../../support/world/columns.ts";

const X = "\x02\x02x\x020";
const Y = "\x02\x02y\x021";

function rangeOf(records: readonly PlainRecord[], base: number): RowRange {
  const columns = columnsOf(records, base);
  return { source: 1, partition: 4, columns, from: 0, to: records.length };
}

const record = (key: string, headers?: string): PlainRecord => {
  const plain = { key, value: `of ${key}`, timestamp: key.charCodeAt(0) };
  return headers === undefined ? plain : { ...plain, headers };
};

/** Each row with everything that it has. */
function told(ranges: readonly RowRange[]): string[] {
  return ranges.flatMap(({ columns, from, to, source, partition }) =>
    Array.from({ length: to - from }, (_, index) => {
      const row = from + index;
      const [start, end] = columns.positions.subarray(row * STRIDE + 4, row * STRIDE + 6);
      const headers = columns.bytes.toString("latin1", start, end);
      const [key, value] = [columns.key(row)?.toString() ?? null, columns.value(row)?.toString()];
      const at = `${source}-${partition}@${columns.offsets[row]}`;
      return `${at} ${key}=${value ?? null} ${columns.timestamps[row]} ${JSON.stringify(headers)}`;
    }),
  );
}

function outputs(
  rows: readonly [input: number, sink: number, key: string | null, value: string | null][],
  over: Partial<OutputColumns> = {},
): OutputColumns {
  const parts: string[] = [];
  const put = (text: string | null): number[] => {
    if (text === null) return [0, -1];
    parts.push(text);
    return [parts.join("").length - text.length, text.length];
  };
  const positions = rows.flatMap(([, , key, value]) => [...put(key), ...put(value)]);
  return {
    count: rows.length,
    bytes: Buffer.from(parts.join("")),
    inputs: Int32Array.from(rows.map(([input]) => input)),
    sinks: Int32Array.from(rows.map(([, sink]) => sink)),
    positions: Int32Array.from(positions),
    ...{ timestamps: null, headers: null, ...over },
  };
}

test("outputs that go on are rows with the offset of their input, by exit", () => {
  const rows = [rangeOf([record("a"), record("b")], 7), rangeOf([record("c")], 12)];
  const given = outputs([
    [0, 1, "a", "1"],
    [0, 0, "a", "2"],
    [0, 2, "a", "3"],
    [2, 1, null, null],
    [2, 2, "c", ""],
  ]);
  const [first, second, third] = onwardRows(given, rows, [false, true, true]);
  assert.deepEqual(first, []);
  assert.deepEqual(told(second ?? []), ['1-4@7 a=1 97 ""', '1-4@12 null=null 99 ""']);
  assert.deepEqual(told(third ?? []), ['1-4@7 a=3 97 ""', '1-4@12 c= 99 ""']);
  assert.equal(second?.[0]?.columns.bytes, given.bytes, "without headers nothing is copied");
});

test("time and headers are the input's, or their own", () => {
  const rows = [rangeOf([record("a", X), record("b")], 0)];
  const given = outputs(
    [
      [0, 0, "a", "1"],
      [0, 0, "a", "2"],
      [1, 0, "b", "3"],
      [1, 0, "b", "4"],
    ],
    {
      timestamps: Float64Array.from([97, 5, 98, 6]),
      headers: new Map([
        [1, Buffer.from(Y)],
        [3, Buffer.from(Y)],
      ]),
    },
  );
  assert.deepEqual(told(onwardRows(given, rows, [true])[0] ?? []), [
    `1-4@0 a=1 97 ${JSON.stringify(X)}`,
    `1-4@0 a=2 5 ${JSON.stringify(Y)}`,
    '1-4@1 b=3 98 ""',
    `1-4@1 b=4 6 ${JSON.stringify(Y)}`,
  ]);
});

test("merged rows come by their input record, and of one record in the order of the feeds", () => {
  const one = [rangeOf([record("a", X), record("b")], 3), rangeOf([record("e")], 9)];
  const long = { ...record("d"), value: "v".repeat(200), headers: X.repeat(30) };
  const other = [rangeOf([{ ...record("c"), key: null }, long], 4)];
  const whole = rangeOf([record("f"), record("g"), record("h")], 7);
  const part = [{ ...whole, from: 1, to: 2 }];
  const merged = mergeRows([one, [], other, part]);
  assert.equal(merged.length, 1);
  assert.deepEqual(
    told(merged),
    [...told(one), ...told(other), ...told(part)].sort((left, right) => {
      const at = (text: string): number => Number(/@(\d+)/.exec(text)?.[1]);
      return at(left) - at(right);
    }),
  );
});

test("a feed that is alone is taken as it is", () => {
  const only = [rangeOf([record("a")], 0)];
  assert.equal(mergeRows([[], only]), only);
  assert.deepEqual(mergeRows([[], []]), []);
  const empty = { ...rangeOf([], 0), columns: new RecordColumns(Buffer.alloc(0)) };
  assert.deepEqual(told(mergeRows([[empty], only])), told(only));
});
