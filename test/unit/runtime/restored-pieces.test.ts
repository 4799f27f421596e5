import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordColumns, STRIDE } from "../../../src/model/columns.ts";
import { readLong } from "../../../src/model/key-table.ts";
import type { FetchedChunk } from "../../../src/ports/consumer.ts";
import { RestoredPieces } from "../../../src/runtime/restored-pieces.ts";

type Row = readonly [offset: number, key: string | null, value: string | null];

/** Records of a changelog, with times that are their offsets plus 1,000. */
function chunkOf(rows: readonly Row[], nextOffset: number): FetchedChunk {
  const text = rows.map(([, key, value]) => `${key ?? ""}${value ?? ""}`).join("");
  const columns = new RecordColumns(Buffer.from(text, "latin1"), rows.length);
  let at = 0;
  for (const [i, [offset, key, value]] of rows.entries()) {
    columns.positions.set([at, key?.length ?? -1], i * STRIDE);
    at += key?.length ?? 0;
    columns.positions.set([at, value?.length ?? -1], i * STRIDE + 2);
    at += value?.length ?? 0;
    columns.offsets[i] = offset;
    columns.timestamps[i] = offset + 1_000;
  }
  columns.count = rows.length;
  return { topic: "t", partition: 0, fence: 0, columns, nextOffset, leaderEpoch: 0, bytes: at };
}

function piecesOf(pieces: RestoredPieces, chunk: FetchedChunk) {
  return [...pieces.of(chunk)].map(({ changes: { store, keys, values, columns }, position }) => {
    assert.equal(columns?.keys.count, keys.length);
    const entries = keys.map((key, i) => [key.toString(), values[i]?.toString() ?? null] as const);
    return { store, entries, position };
  });
}

test("a piece has the last value of each key, a delete as well, and what has no key is none of ours", () => {
  const rows: Row[] = [
    [3, "a", "1"],
    [4, "b", "2"],
    [6, null, "x"],
    [7, "a", null],
    [8, "b", "3"],
    [9, "", "e"],
  ];
  assert.deepEqual(piecesOf(new RestoredPieces(2, false), chunkOf(rows, 11)), [
    {
      store: 2,
      entries: [
        ["a", null],
        ["b", "3"],
        ["", "e"],
      ],
      position: 11,
    },
  ]);
});

test("a chunk without records moves the position", () => {
  const found = piecesOf(new RestoredPieces(0, false), chunkOf([], 40));
  assert.deepEqual(found, [{ store: 0, entries: [], position: 40 }]);
});

test("pieces are bounded, and replayed up to any position they give what the log gives up to there", () => {
  const pieces = new RestoredPieces(0, false);
  // Keys that come again within a piece, across pieces, and never.
  const rows = Array.from({ length: 20_000 }, (_, i): Row => {
    const key = i % 3 === 0 ? `hot${i % 7}` : `key${(i * 7_919) % 9_000}`;
    return [i * 2, key, i % 11 === 0 ? null : `v${i}`];
  });
  for (let round = 0; round < 3; round++) {
    const state = new Map<string, string | null>();
    const log = new Map<string, string | null>();
    let next = 0;
    let biggest = 0;
    const found = piecesOf(pieces, chunkOf(rows, 40_001));
    for (const { entries, position } of found) {
      biggest = Math.max(biggest, entries.length);
      assert.equal(new Set(entries.map(([key]) => key)).size, entries.length);
      for (const [key, value] of entries) state.set(key, value);
      for (; next < rows.length && (rows[next]?.[0] ?? 0) < position; next++) {
        log.set(rows[next]?.[1] ?? "", rows[next]?.[2] ?? null);
      }
      assert.deepEqual(new Map([...state].sort()), new Map([...log].sort()));
    }
    assert.ok(found.length > 3 && biggest === 2_048, `${found.length} pieces, up to ${biggest}`);
    assert.equal(found.at(-1)?.position, 40_001);
    assert.equal(next, rows.length);
  }
});

test("a value that carries its time has it before it, and a delete has none", () => {
  const chunk = chunkOf(
    [
      [5, "a", "one"],
      [6, "b", null],
      [7, "c", ""],
      [8, "a", "a longer value"],
    ],
    9,
  );
  const [piece] = [...new RestoredPieces(1, true).of(chunk)];
  const values = piece?.changes.values ?? [];
  const told = values.map((value) => value && [readLong(value, 0), value.toString("utf8", 8)]);
  assert.deepEqual(told, [[1_008, "a longer value"], null, [1_007, ""]]);
});
