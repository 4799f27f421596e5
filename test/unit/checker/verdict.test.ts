import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedOf, OUTPUTS } from "../../checker/expected.ts";
import type { Facts } from "../../checker/facts.ts";
import { verdictOf } from "../../checker/verdict.ts";
import type { JudgedRecord } from "../../support/judges.ts";
import { read, type Truth, truth } from "./truth.ts";

function violationsOf(plant: (truth: Truth) => void): string[] {
  const planted = truth();
  plant(planted);
  return verdictOf(read(planted)).violations;
}

function violationsOfFacts(plant: (facts: Facts) => Facts): string[] {
  return verdictOf(plant(read(truth()))).violations;
}

function log({ logs }: Truth, name: string): JudgedRecord[] {
  const found = logs.get(name);
  assert.ok(found !== undefined, name);
  return found;
}

function says(violations: readonly string[], ...patterns: readonly RegExp[]): void {
  for (const pattern of patterns) {
    assert.ok(
      violations.some((violation) => pattern.test(violation)),
      `${pattern}: ${JSON.stringify(violations)}`,
    );
  }
  assert.equal(violations.length, patterns.length, JSON.stringify(violations));
}

test("a run in which all is well has no violation, and everything in it was looked at", () => {
  const { violations, counts } = verdictOf(read(truth()));
  assert.deepEqual(violations, []);
  assert.equal(counts["inputs"], 800);
  assert.equal(counts["outputs"], 6 * 800 - (counts["late"] ?? 0));
  assert.ok((counts["late"] ?? 0) > 10, "some records come too late for their window");
  assert.equal(counts["stores"], 8);
});

test("what must come of an input is what one would say by hand", () => {
  const record = (offset: number, value: string, timestamp: number): JudgedRecord => {
    const at = { topic: "t-in", partition: 0, offset, timestamp };
    return { ...at, key: Buffer.from("k"), value: Buffer.from(value), headers: [] };
  };
  const { outputs, versions, late } = expectedOf([
    record(0, "a 5 0 1", 1_500),
    record(1, "b 3 1 2", 3_100),
    record(2, "c 9 3 0", 2_999),
    record(3, "d 1 0 3", 1_999),
  ]);
  const said = (name: (typeof OUTPUTS)[number]): string[] =>
    outputs[name].map((sent) => sent.value);
  assert.deepEqual(said("echo"), ["a 5 0 1", "b 3 1 2", "c 9 3 0", "d 1 0 3"]);
  assert.deepEqual(said("sum"), ["a 5 5", "b 8 3", "c 17 3", "d 18 1"]);
  assert.deepEqual(said("count"), ["a 1", "b 2", "c 3", "d 4"]);
  assert.deepEqual(said("list"), ["a", "a,b", "a,b,c", "a,b,c,d"]);
  assert.deepEqual(said("bank"), ["a -5,5,0,0", "b -5,2,3,0", "c 4,2,3,-9", "d 3,2,3,-8"]);
  // The window of `d` ended at 2,000 and took late records until stream time was 3,000.
  assert.deepEqual(said("windows"), ["1000 a 1", "3000 b 1", "2000 c 1"]);
  assert.equal(late, 1);
  assert.deepEqual(versions.sums.get("k")?.at(-1), { offset: 3, value: "18 1" });
});

test("a list that is full is sent once more and forgotten", () => {
  const records = Array.from({ length: 25 }, (_, offset): JudgedRecord => {
    const value = Buffer.from(`i${offset} 1 0 1`);
    const at = { topic: "t-in", partition: 0, offset, timestamp: 0 };
    return { ...at, key: Buffer.from("k"), value, headers: [] };
  });
  const { outputs, versions } = expectedOf(records);
  assert.equal(outputs.list[23]?.value.split(",").length, 24);
  assert.equal(outputs.list[24]?.value, "i24");
  assert.equal(versions.lists.get("k")?.[23]?.value, null);
});

for (const output of OUTPUTS) {
  const name = `t-${output}-1`;

  test(`${output}: a lost record is named`, () => {
    const faults = violationsOf((t) => log(t, name).splice(100, 1));
    says(faults, new RegExp(`^I1 ${name}: record 100 is lost`));
  });
  test(`${output}: a lost tail is named, be it one record long`, () => {
    says(
      violationsOf((t) => log(t, name).pop()),
      new RegExp(`^I1 ${name}: the tail is lost, 1 of`),
    );
  });
  test(`${output}: a partition without any output is named`, () => {
    const faults = violationsOf((t) => log(t, name).splice(0));
    says(faults, new RegExp(`^I1 ${name}: the tail is lost, (\\d+) of \\1 `));
  });
  test(`${output}: a doubled record is named, in the middle and at the end`, () => {
    const middle = violationsOf((t) => log(t, name).splice(101, 0, at(log(t, name), 100)));
    says(middle, new RegExp(`^I2 ${name}: record 101 is doubled`));
    const end = violationsOf((t) => log(t, name).push(at(log(t, name), 3)));
    says(end, new RegExp(`^I2 ${name}: record \\d+ is doubled`));
  });
  test(`${output}: a record that comes of no input is named`, () => {
    const foreign = (t: Truth) => ({ ...at(log(t, name), 0), value: Buffer.from("x 0,0,0,0") });
    const middle = violationsOf((t) => log(t, name).splice(100, 0, foreign(t)));
    says(middle, new RegExp(`^I2 ${name}: record 100 comes of no input`));
    const end = violationsOf((t) => log(t, name).push(foreign(t)));
    says(end, new RegExp(`^I2 ${name}: 1 records behind the last expected`));
  });
  test(`${output}: swapped records are named`, () => {
    const faults = violationsOf((t) => {
      const records = log(t, name);
      records.splice(100, 2, at(records, 101), at(records, 100));
    });
    says(faults, new RegExp(`^I3 ${name}: record 100 is out of order`));
  });
  test(`${output}: an altered record is named`, () => {
    const faults = violationsOf((t) => {
      const record = at(log(t, name), 100);
      log(t, name)[100] = { ...record, value: Buffer.from(`${record.value}0`) };
    });
    const [first = ""] = faults;
    assert.match(first, new RegExp(`^I(4|5|14) ${name}: record 100 is altered`));
    assert.equal(faults.length, output === "bank" ? 2 : 1);
  });
  test(`${output}: a record in another partition is lost there, and foreign here`, () => {
    const faults = violationsOf((t) => {
      const [moved] = log(t, name).splice(100, 1);
      if (moved !== undefined) log(t, `t-${output}-0`).push({ ...moved, partition: 0 });
    });
    says(faults, new RegExp(`^I1 ${name}`), new RegExp(`^I2 t-${output}-0`));
  });
}

function at(records: readonly JudgedRecord[], index: number): JudgedRecord {
  const record = records[index];
  assert.ok(record !== undefined);
  return record;
}

test("an echo that lost its time is named", () => {
  const faults = violationsOf((t) => {
    log(t, "t-echo-0")[5] = { ...at(log(t, "t-echo-0"), 5), timestamp: 1 };
  });
  says(faults, /^I4 t-echo-0: record 5 is altered: its time is 1/);
});

test("money that was made is named", () => {
  const faults = violationsOf((t) => {
    const records = log(t, "t-bank-0");
    records[9] = { ...at(records, 9), value: Buffer.from("0.9 1,0,0,0") };
  });
  says(faults, /^I14 t-bank-0: record 9 is altered/, /^I14 t-bank-0: the balances at 9 do not/);
});

test("a changelog that lacks a record's put, has one too many, or goes back is named", () => {
  const name = "t-counts-changelog-0";
  const lost = violationsOf((t) => void log(t, name).pop());
  assert.match(lost[0] ?? "", /^I6 t-counts-changelog-0: \w+ ends as .* its last state is/);
  const stray = violationsOf((t) => {
    log(t, name)[4] = { ...at(log(t, name), 4), value: Buffer.from("0.0 99") };
  });
  assert.match(stray[0] ?? "", /^I6 t-counts-changelog-0: offset 4 .* a state that it never had/);
  const back = violationsOf((t) => void log(t, name).push(at(log(t, name), 0)));
  assert.match(back[0] ?? "", /^I6 t-counts-changelog-0: offset 0 .* a state that it has left/);
});

test("a store that differs from its changelog is named: another value, one missing, one too many", () => {
  const content = ({ facts }: Truth) => {
    const found = facts.tasks[1]?.stores.get("sums")?.content;
    assert.ok(found instanceof Map);
    return found as Map<string, Buffer>;
  };
  const key = (map: Map<string, Buffer>): string => [...map.keys()][3] ?? "";
  const named = (pattern: RegExp, plant: (map: Map<string, Buffer>) => void): void => {
    says(
      violationsOf((t) => plant(content(t))),
      pattern,
    );
  };
  named(/^I7 0_1, store sums: at \d+ its k\d+ is "0 0", t-sums-changelog-1 says/, (map) =>
    map.set(key(map), Buffer.from("0 0")),
  );
  named(/^I7 0_1, store sums: at \d+ its k\d+ is not there, t-sums-changelog-1 says/, (map) =>
    map.delete(key(map)),
  );
  named(/^I7 0_1, store sums: at \d+ it has other, t-sums-changelog-1 has not/, (map) =>
    map.set(Buffer.from("other").toString("hex"), Buffer.from("1 1")),
  );
});

test("a store ahead of its changelog, or of the committed offset, is named", () => {
  const ahead = violationsOf(({ facts }) => {
    const task = facts.tasks[0];
    const store = task?.stores.get("books");
    assert.ok(task !== undefined && store !== undefined);
    const moved = new Map([...task.stores, ["books", { ...store, position: 9_999 }]]);
    facts.tasks[0] = { ...task, stores: moved } as typeof task;
  });
  says(ahead, /^I7 0_0, store books: its position is 9999, t-books-changelog-0 ends at 400/);
  const early = violationsOf(({ facts }) => {
    const task = facts.tasks[0];
    assert.ok(task !== undefined);
    facts.tasks[0] = { ...task, inputOffsets: new Map([["t-in-0", 401]]) };
  });
  says(early, /^I7 0_0: it has taken in 401 of t-in-0, committed is 400/);
});

test("a store that is its changelog's replay, and no state of the input, is named", () => {
  const faults = violationsOf((t) => {
    const changelog = log(t, "t-sums-changelog-0");
    const task = t.facts.tasks[0];
    const store = task?.stores.get("sums");
    assert.ok(task !== undefined && store !== undefined);
    const [key, value, offset] = [Buffer.from("ghost"), Buffer.from("1 1"), changelog.length];
    changelog.push({ ...at(changelog, 0), key, value, offset });
    const content = new Map([...store.content, [key.toString("hex"), value]]);
    const moved = { ...store, content, position: changelog.length };
    t.facts.tasks[0] = { ...task, stores: new Map([...task.stores, ["sums", moved]]) };
  });
  assert.ok(faults.some((fault) => /^I7 .* it has ghost, which no input has/.test(fault)));
});

test("offsets that go back, stop before the end, or are missing are named", () => {
  const changed = (name: "committed" | "history", value: unknown) => (facts: Facts) =>
    ({ ...facts, [name]: new Map([...facts[name], ["t-in-1", value]]) }) as Facts;
  says(
    violationsOfFacts(changed("history", [5, 4, 400])),
    /^I10 t-in-1: the offset went back from 5 to 4/,
  );
  const short = violationsOfFacts(changed("committed", 399));
  assert.match(short[0] ?? "", /^I10 t-in-1: committed is 399, the end is 400/);
  // What was written of the record behind the offset is then too much, everywhere.
  for (const output of ["echo", "sum", "count", "list", "bank"]) {
    assert.ok(short.some((fault) => fault.startsWith(`I2 t-${output}-1: 1 records behind`)));
  }
  const none = violationsOfFacts((facts) => ({ ...facts, committed: new Map() }));
  assert.ok(none.includes("I10 t-in-0: no offset is committed"));
});

test("what hangs is named: a transaction, and a last stable offset before the end", () => {
  const hanging = { first: 0, stable: 400, end: 402 };
  const faults = violationsOfFacts((facts) => ({
    ...facts,
    openTransactions: ["t-1-0 is Ongoing"],
    ends: new Map([...facts.ends, ["t-echo-0", hanging]]),
  }));
  says(
    faults,
    /^I9 the transaction t-1-0 is Ongoing/,
    /^I9 t-echo-0: the last stable offset is 400, the end 402/,
  );
});
