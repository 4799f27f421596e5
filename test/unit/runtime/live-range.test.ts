import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreSpec } from "../../../src/model/topology.ts";
import { liveRange } from "../../../src/runtime/time-to-live.ts";
import { Disk, MemoryState } from "../../support/world/memory-directory.ts";

const spec: StoreSpec = {
  name: "s",
  kind: "keyValue",
  isTimestamped: true,
  retentionMs: 10,
  changelogTopic: "app-s-changelog",
};

function stamped(timestamp: number): Buffer {
  const value = Buffer.alloc(9, "v");
  value.writeBigInt64BE(BigInt(timestamp));
  return value;
}

async function keysOf(
  times: Readonly<Record<string, number>>,
  { entriesMax, reverse = false }: { entriesMax: number; reverse?: boolean },
): Promise<{ keys: string[]; pages: number }> {
  const state = new MemoryState([spec], new Disk());
  const keys = Object.keys(times).map((key) => Buffer.from(key));
  state.stage({ store: 0, keys, values: Object.values(times).map(stamped) });
  const found: string[] = [];
  let range: { from: Buffer | null; to: Buffer | null } = { from: null, to: null };
  for (let pages = 1; ; pages++) {
    const limits = { entriesMax, bytesMax: 999 };
    const written = { keys: [Buffer.from("e")], values: [stamped(100)] };
    const page = await liveRange(state, 0, { ...range, reverse }, written, limits, 100);
    found.push(...page.keys.map(String));
    assert.equal(page.values.length, page.keys.length);
    const last = page.keys.at(-1);
    if (!page.more) return { keys: found, pages };
    // Else a worker would not know where to go on.
    assert.ok(last !== undefined, "a page that goes on has an entry");
    range = reverse
      ? { ...range, to: last }
      : { ...range, from: Buffer.concat([last, Buffer.from([0])]) };
  }
}

const TIMES = { a: 95, b: 90, c: 80, d: 91, f: 1, g: 2, h: 99, i: 3 };

test("a range shows what is alive, in both directions, whatever its pages are", async () => {
  for (const entriesMax of [1, 2, 3, 99]) {
    const forwards = await keysOf(TIMES, { entriesMax });
    assert.deepEqual(forwards.keys, ["a", "d", "e", "h"]);
    const backwards = await keysOf(TIMES, { entriesMax, reverse: true });
    assert.deepEqual(backwards.keys, ["h", "e", "d", "a"]);
  }
});
