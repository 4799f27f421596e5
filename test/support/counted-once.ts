import assert from "node:assert/strict";
import type { JudgedRecord } from "./judges.ts";
import type { Input } from "./topics.ts";

/** Each key's outputs must be its inputs, counted 1, 2, 3 … in order, once each. */
export function assertCountedOnce(output: readonly JudgedRecord[], given: readonly Input[]): void {
  const byKey = new Map<string, string[]>();
  for (const { key, value } of output) {
    const list = byKey.get(String(key)) ?? [];
    list.push(String(value));
    byKey.set(String(key), list);
  }
  const expected = new Map<string, string[]>();
  for (const { key, value } of given) {
    const list = expected.get(key) ?? [];
    list.push(`${list.length + 1} ${value}`);
    expected.set(key, list);
  }
  for (const [key, list] of expected) assert.deepEqual(byKey.get(key), list, `outputs of ${key}`);
  assert.equal(byKey.size, expected.size);
}
