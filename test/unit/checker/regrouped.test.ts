import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts } from "../../checker/facts.ts";
import { homeOf } from "../../checker/home.ts";
import { verdictOf } from "../../checker/verdict.ts";
import type { JudgedRecord } from "../../support/judges.ts";
import { PARTITIONS, PREFIX, read, TOPIC_ID, type Truth, truth } from "./truth.ts";

/** Faults behind a repartition, planted one by one into a run in which all is well. */

const REGROUPS = { hasLetters: false, parks: false, regroups: true };
const OUTPUT = `${PREFIX}-groups`;
const EMPTY = Buffer.alloc(0);
const LOG = `${PREFIX}-groups-changelog`;
const BETWEEN = `${PREFIX}-regrouped-repartition`;

/** The tasks above take turns, three records each. */
function regrouped(): Truth {
  const run = truth(300);
  const inputs = Array.from({ length: PARTITIONS }, (_, i) => log(run, `${PREFIX}-in-${i}`));
  const folds = new Map<string, { count: number; sum: number }>();
  const content = Array.from({ length: PARTITIONS }, () => new Map<string, Buffer>());
  for (let from = 0; from < 300; from += 3) {
    for (const record of inputs.flatMap((all) => all.slice(from, from + 3))) {
      const [id = "", amount] = String(record.value).split(" ");
      const key = `g${Number(amount) % 40}`;
      const before = folds.get(key) ?? { count: 0, sum: 0 };
      const fold = { count: before.count + 1, sum: before.sum + Number(amount) };
      folds.set(key, fold);
      const state = `${id} ${fold.count} ${fold.sum}`;
      append(run, BETWEEN, key, String(record.value));
      append(run, LOG, key, state);
      append(run, OUTPUT, key, state);
      const home = homeOf(Buffer.from(key), PARTITIONS);
      content[home]?.set(Buffer.from(key).toString("hex"), Buffer.from(state));
    }
  }
  for (const [partition, kept] of content.entries()) {
    const position = log(run, `${LOG}-${partition}`).length;
    const stores = new Map([["groups", { topicId: TOPIC_ID, position, content: kept }]]);
    const inputOffsets = new Map([[`${BETWEEN}-${partition}`, position]]);
    run.facts.tasks.push({ path: `1_${partition}`, partition, stores, inputOffsets });
  }
  return run;
}

function append({ logs }: Truth, topic: string, key: string, value: string): void {
  const partition = homeOf(Buffer.from(key), PARTITIONS);
  const records = logs.get(`${topic}-${partition}`) ?? [];
  const at = { topic, partition, offset: records.length, timestamp: 0, headers: [] };
  records.push({ ...at, key: Buffer.from(key), value: Buffer.from(value) });
  logs.set(`${topic}-${partition}`, records);
}

function log({ logs }: Truth, name: string): JudgedRecord[] {
  const found = logs.get(name);
  assert.ok(found !== undefined, name);
  return found;
}

/** With what is between read to its end, and deleted as far as `first`. */
function factsOf(run: Truth, first = 0): Facts {
  const facts = read(run);
  const ends = new Map(facts.ends);
  const committed = new Map(facts.committed);
  for (const [name, { end }] of facts.ends) {
    if (!name.startsWith(`${BETWEEN}-`)) continue;
    ends.set(name, { first, stable: end, end });
    committed.set(name, end);
  }
  return { ...facts, ends, committed };
}

function planted(plant: (run: Truth) => void): string {
  const run = regrouped();
  plant(run);
  return verdictOf(factsOf(run), REGROUPS).violations.join("\n");
}

/** A record of the output, by its place among those of partition 0. */
function changed(at: number, change: (record: JudgedRecord) => readonly JudgedRecord[]): string {
  return planted((run) => {
    const output = log(run, `${OUTPUT}-0`);
    const record = output[at];
    assert.ok(record !== undefined);
    output.splice(at, 1, ...change(record));
  });
}

test("a run in which all is well has no violation, and the stores behind the repartition were seen", () => {
  const { violations, counts } = verdictOf(factsOf(regrouped(), 20), REGROUPS);
  assert.deepEqual(violations, []);
  assert.equal(counts["regrouped"], 600);
  assert.equal(counts["purged"], 40);
  assert.equal(counts["stores"], 10);
});

test("I1: a record that is lost behind the repartition", () => {
  const lost = planted((run) => {
    for (const name of [OUTPUT, LOG]) log(run, `${name}-0`).pop();
  });
  assert.match(lost, /^I1 1 of 600 records are lost behind the repartition/m);
});

test("I2: one that is doubled, and one of no input", () => {
  assert.match(
    changed(7, (one) => [one, one]),
    /^I2 t-groups-0@\d+: it is doubled/m,
  );
  const strange = changed(7, (one) => [{ ...one, value: Buffer.from("9.9 1 1") }]);
  assert.match(strange, /^I2 t-groups-0@7: it comes of no input/m);
});

test("I3: two of one task, in the wrong order", () => {
  const swapped = planted((run) => {
    const output = log(run, `${OUTPUT}-0`);
    // Neighbours of one task and of two groups, whose folds stay what they are.
    const isOwn = (at: number): boolean => String(output[at]?.value).startsWith("0.");
    const isOther = (at: number): boolean => !output[at]?.key?.equals(output[at + 1]?.key ?? EMPTY);
    const at = output.findIndex((_, i) => isOwn(i) && isOwn(i + 1) && isOther(i));
    const [first, second] = [output[at], output[at + 1]];
    assert.ok(first !== undefined && second !== undefined);
    output.splice(at, 2, second, first);
  });
  assert.match(swapped, /^I3 t-groups-0@\d+: it is out of its partition's order/m);
});

test("I4: a count, a sum or a key that is not what the records before it make", () => {
  const wrong = (one: JudgedRecord): string => {
    const [id, count, sum] = String(one.value).split(" ");
    return `${id} ${Number(count) + 1} ${sum}`;
  };
  const counted = changed(7, (one) => [{ ...one, value: Buffer.from(wrong(one)) }]);
  assert.match(counted, /^I4 t-groups-0@7: it is altered/m);
  const keyed = changed(7, (one) => [{ ...one, key: Buffer.from("g99") }]);
  assert.match(keyed, /^I4 t-groups-0@7: it is altered/m);
});

test("I6: a changelog that ends otherwise, and a key in a task that is not its own", () => {
  const early = planted((run) => {
    log(run, `${LOG}-0`).pop();
  });
  assert.match(early, /^I6 t-groups-changelog-0: g\d+ ends as/m);
  const stray = planted((run) => {
    const [from, to] = [log(run, `${LOG}-0`), log(run, `${LOG}-1`)];
    const record = from.pop();
    assert.ok(record !== undefined);
    to.push({ ...record, partition: 1, offset: to.length });
  });
  assert.match(stray, /^I6 t-groups-changelog-1@\d+: g\d+ belongs to 0/m);
});

test("I7: a store behind the repartition that is no replay of its changelog", () => {
  const wrong = planted(({ facts }) => {
    const store = facts.tasks.find(({ path }) => path === "1_0")?.stores.get("groups");
    const content = store?.content as Map<string, Buffer>;
    const [key = ""] = content.keys();
    content.set(key, Buffer.from("0.0 99 99"));
  });
  assert.match(wrong, /^I7 1_0, store groups: at \d+ its g\d+ is "0.0 99 99"/m);
});

test("I15: what is deleted and not committed, and what is not read", () => {
  const run = regrouped();
  const facts = factsOf(run, 50);
  const committed = new Map(facts.committed).set(`${BETWEEN}-0`, 40);
  const { violations } = verdictOf({ ...facts, committed }, REGROUPS);
  const said = violations.join("\n");
  assert.match(said, /^I15 t-regrouped-repartition-0: deleted up to 50, committed is 40/m);
  assert.match(said, /^I15 t-regrouped-repartition-0: 40 is not read, committed is 40/m);
  assert.match(said, /^I10 t-regrouped-repartition-0: committed is 40/m);
});
