import type { JudgedRecord } from "../support/judges.ts";
import { changelogFaults } from "./changelogs.ts";
import { sequenceFault } from "./compare.ts";
import { type Conditions, USUAL } from "./conditions.ts";
import {
  type ExpectedPartition,
  expectedOf,
  OUTPUTS,
  type Output,
  type Sent,
  STORES,
} from "./expected.ts";
import { type Facts, recordsAt } from "./facts.ts";
import { letterFaults, waitingFaults } from "./letters.ts";
import {
  BETWEEN,
  GROUPS,
  groupVersions,
  purgedOf,
  regroupFaults,
  type Versions,
} from "./regrouped.ts";
import { type Kept, storeFaults } from "./stored-state.ts";
import type { StoredTask } from "./stores.ts";

/** What was looked at, and what is wrong with it: each violation begins with its invariant. */
export interface Verdict {
  readonly violations: string[];
  readonly counts: Record<string, number>;
}

/** Changelogs that the workload has, `windows` beside those that are told from the input. */
export const CHANGELOGS = [...STORES, "windows"] as const;

/** Judges what was read; knows nothing of how the outputs came about. */
export function verdictOf(facts: Facts, conditions: Conditions = USUAL): Verdict {
  const violations: string[] = [];
  const counts: Record<string, number> = { inputs: 0, outputs: 0, late: 0 };
  const count = (what: string, by: number): void => {
    counts[what] = (counts[what] ?? 0) + by;
  };
  const input = recordsOf(facts, `${facts.prefix}-in`);
  const expected = new Map<number, ExpectedPartition>();
  for (const [partition, records] of input) {
    const at = `${facts.prefix}-in-${partition}`;
    const committed = facts.committed.get(at) ?? 0;
    const fold = expectedOf(records.filter(({ offset }) => offset < committed));
    expected.set(partition, fold);
    count("inputs", records.length);
    count("late", fold.late);
    if (conditions.hasLetters) count("deadLetters", fold.letters.length);
    violations.push(...offsetFaults(facts, at));
  }
  for (const output of OUTPUTS) {
    if (conditions.parks && output === "windows") continue;
    for (const [partition, records] of recordsOf(facts, `${facts.prefix}-${output}`)) {
      const where = `${facts.prefix}-${output}-${partition}`;
      count("outputs", records.length);
      const wanted = expected.get(partition)?.outputs[output] ?? [];
      const found = records.map(({ key, value, timestamp }) => {
        return { key: String(key), value: String(value), timestamp };
      });
      const fault = conditions.parks
        ? faultByKey(where, output, wanted, found)
        : sequenceFault(where, output, wanted, found);
      if (fault !== null) violations.push(fault);
      violations.push(...conservationFaults(where, output, records));
    }
  }
  for (const [partition, fold] of expected) {
    violations.push(...changelogFaults(facts, partition, fold));
  }
  violations.push(...openFaults(facts));
  violations.push(...letterFaults(facts, expected));
  if (conditions.parks) violations.push(...waitingFaults(facts));
  if (conditions.regroups === true) {
    violations.push(...regroupFaults(facts));
    for (const name of partitionsOf(facts, `${facts.prefix}-${BETWEEN}`)) {
      violations.push(...offsetFaults(facts, name));
    }
    count("regrouped", facts.records.filter(({ topic }) => topic.endsWith(`-${GROUPS}`)).length);
    count("purged", purgedOf(facts));
  }
  for (const task of facts.tasks) {
    const fold = expected.get(task.partition) ?? expectedOf([]);
    violations.push(...storeFaults(facts, task, keptBy(facts, task, fold, conditions), count));
  }
  return { violations, counts };
}

/** Each key's records are in order; how keys lie among each other is not told from the input. */
function faultByKey(
  where: string,
  output: Output,
  wanted: readonly Sent[],
  found: readonly Sent[],
): string | null {
  for (const key of new Set([...wanted, ...found].map((sent) => sent.key))) {
    const of = (all: readonly Sent[]): Sent[] => all.filter((sent) => sent.key === key);
    const fault = sequenceFault(`${where} ${key}`, output, of(wanted), of(found));
    if (fault !== null) return fault;
  }
  return null;
}

/** What a task of this input must keep; the tasks behind a repartition read that. */
function keptBy(
  facts: Facts,
  { partition, inputOffsets }: StoredTask,
  { versions }: ExpectedPartition,
  { parks }: Conditions,
): Kept {
  const between = `${facts.prefix}-${BETWEEN}-${partition}`;
  if (!inputOffsets.has(between)) {
    const input = `${facts.prefix}-in-${partition}`;
    return {
      input,
      versions: new Map<string, Versions>(Object.entries(versions)),
      isOrdered: !parks,
    };
  }
  const groups = new Map([[GROUPS, groupVersions(facts)]]);
  return { input: between, versions: groups, isOrdered: false };
}

function partitionsOf({ ends }: Facts, topic: string): string[] {
  return [...ends.keys()].filter((name) => name.slice(0, name.lastIndexOf("-")) === topic);
}

/** Every partition that the topic has, with or without records. */
function recordsOf(facts: Facts, topic: string): Map<number, readonly JudgedRecord[]> {
  return new Map(
    partitionsOf(facts, topic).map((name) => {
      const partition = Number(name.slice(name.lastIndexOf("-") + 1));
      return [partition, recordsAt(facts, topic, partition)];
    }),
  );
}

/** I10: the group's offset only ever grew, and stands at the end, behind markers too. */
function offsetFaults({ committed, history, ends }: Facts, at: string): string[] {
  const faults: string[] = [];
  const offset = committed.get(at);
  const { stable = 0 } = ends.get(at) ?? {};
  if (offset === undefined && stable > 0) faults.push(`I10 ${at}: no offset is committed`);
  if (offset !== undefined && offset !== stable) {
    faults.push(`I10 ${at}: committed is ${offset}, the end is ${stable}`);
  }
  let before = 0;
  for (const each of history.get(at) ?? []) {
    if (each < before) faults.push(`I10 ${at}: the offset went back from ${before} to ${each}`);
    before = each;
  }
  return faults;
}

/** I14: a transfer makes no money, told from each output alone. */
function conservationFaults(
  where: string,
  output: Output,
  records: readonly JudgedRecord[],
): string[] {
  if (output !== "bank") return [];
  const wrong = records.find(({ value }) => {
    const balances = String(value).split(" ")[1] ?? "";
    return balances.split(",").reduce((sum, each) => sum + Number(each), 0) !== 0;
  });
  if (wrong === undefined) return [];
  return [`I14 ${where}: the balances at ${wrong.offset} do not sum up to 0: ${wrong.value}`];
}

/** I9: nothing hangs. */
function openFaults({ ends, openTransactions }: Facts): string[] {
  const faults = openTransactions.map((open) => `I9 the transaction ${open}`);
  for (const [name, { stable, end }] of ends) {
    if (stable < end)
      faults.push(`I9 ${name}: the last stable offset is ${stable}, the end ${end}`);
  }
  return faults;
}
