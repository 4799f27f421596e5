import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mark } from "../../checker/conditions.ts";
import { verdictOf } from "../../checker/verdict.ts";
import type { JudgedRecord } from "../../support/judges.ts";
import { read, type Truth, truth } from "./truth.ts";

/** Records that are given up, and runs in which keys wait: what the checker says of them. */

const MARKS: readonly Mark[] = ["fail", "reject", "kill", "hang"];
const LETTERS = { hasLetters: true, parks: false };
const PARKS = { hasLetters: false, parks: true };
const WAITING = Buffer.from([1, 0, 0, 0, 1, 0x6b, 0, 0, 0, 0, 0, 0, 0, 0]);

const givenUp = (): Truth =>
  truth(400, (i) => (i % 20 === 5 ? (MARKS[(i / 20) & 3] ?? null) : null));

function log({ logs }: Truth, name: string): JudgedRecord[] {
  const found = logs.get(name);
  assert.ok(found !== undefined, name);
  return found;
}

function planted(plant: (letters: JudgedRecord[]) => void): string[] {
  const run = givenUp();
  plant(log(run, "t-letters-0"));
  return verdictOf(read(run), LETTERS).violations;
}

test("records that are given up have their dead letter and no effect, and nothing is wrong with that", () => {
  const { violations, counts } = verdictOf(read(givenUp()), LETTERS);
  assert.deepEqual(violations, []);
  assert.equal(counts["deadLetters"], 40);
  assert.equal(counts["outputs"], 6 * 760 - (counts["late"] ?? 0));
});

test("I20: a dead letter that is lost, doubled, altered, or for another reason", () => {
  assert.match(
    planted((letters) => letters.shift())[0] ?? "",
    /^I20 t-in-0@5: it has no dead letter/,
  );
  const doubled = planted((letters) => letters.push(...letters.slice(0, 1)));
  assert.match(doubled[0] ?? "", /^I20 t-in-0@5: it has 2 dead letters/);
  const altered = planted((letters) => {
    letters.splice(0, 1, ...letters.slice(0, 1).map((each) => ({ ...each, value: null })));
  });
  assert.match(altered[0] ?? "", /^I20 t-in-0@5: its dead letter is k\d+ = null/);
  const otherwise = planted((letters) => {
    const [first, second] = letters;
    assert.ok(first !== undefined && second !== undefined);
    const reason = second.headers.slice(3);
    letters[0] = { ...first, headers: [...first.headers.slice(0, 3), ...reason] };
  });
  assert.match(otherwise[0] ?? "", /rejected; the record is .*, retries_exhausted$/);
});

test("I20: a dead letter of a record that is good", () => {
  const violations = planted((letters) => {
    const [first] = letters;
    assert.ok(first !== undefined);
    const offset = ["__streams.errors.offset", Buffer.from("6")] as const;
    letters.push({ ...first, headers: first.headers.with(2, offset) });
  });
  assert.match(violations[0] ?? "", /^I20 t-in-0@6: it has a dead letter, and is a good record/);
});

test("a record that was given up and has an output nevertheless is found out", () => {
  const run = givenUp();
  const echo = log(run, "t-echo-0");
  const [first] = echo;
  assert.ok(first !== undefined);
  echo.splice(5, 0, { ...first, value: log(run, "t-in-0")[5]?.value ?? null });
  assert.match(
    verdictOf(read(run), LETTERS).violations[0] ?? "",
    /^I2 t-echo-0: record 5 comes of no/,
  );
});

test("where keys wait order is by key: others may overtake them, their own records may not", () => {
  const run = truth();
  const echo = log(run, "t-echo-0");
  const [waits] = echo;
  const behind = echo.findIndex(({ key }, i) => i > 1 && String(key) === String(waits?.key));
  assert.ok(waits !== undefined && behind > 1);
  echo.splice(0, 1);
  echo.splice(behind - 1, 0, waits);
  assert.deepEqual(verdictOf(read(run), PARKS).violations, []);
  assert.match(verdictOf(read(run)).violations[0] ?? "", /^I\d t-echo-0/);
  echo.splice(behind - 1, 1);
  echo.splice(behind, 0, waits);
  assert.match(
    verdictOf(read(run), PARKS).violations[0] ?? "",
    /^I\d t-echo-0 k\d+: record 0 is out/,
  );
});

test("I21: a key that still waits at the end, and one that was let go", () => {
  const run = truth();
  const record = { topic: "t-parked-changelog", partition: 0, timestamp: 0, headers: [] };
  const parked = { ...record, offset: 0, key: WAITING, value: Buffer.from("waits") };
  run.logs.set("t-parked-changelog-0", [parked]);
  assert.match(
    verdictOf(read(run), PARKS).violations[0] ?? "",
    /^I21 t-parked-changelog-0 .*: waits/,
  );
  run.logs.set("t-parked-changelog-0", [parked, { ...parked, offset: 1, value: null }]);
  assert.deepEqual(verdictOf(read(run), PARKS).violations, []);
});
