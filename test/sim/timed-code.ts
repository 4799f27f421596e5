import type { RecordColumns } from "../../src/model/columns.ts";
import { decodeFiring, type TimerClock } from "../../src/model/timers.ts";
import type { AnswerBuilder } from "./answer-builder.ts";
import { TALLIES, type TopologyName } from "./topologies.ts";
import { sim_wall } from "./virtual-globals.ts";

/** `[clock, name, time]`; null cancels. */
export type Setting = readonly [clock: TimerClock, name: string, timeMs: number | null];

/** What the code tells of one call, as an output: the journal of a task is the outputs under its key. */
export interface Told {
  readonly what: "record" | "timer" | "punctuation";
  /** Of the record or the timer; empty for a punctuation. */
  readonly key: string;
  /** The record's value, or the timer's name. */
  readonly name: string;
  readonly clock: TimerClock;
  /** The record's timestamp, or when the timer was due; of a punctuation what its clock said. */
  readonly timeMs: number;
  /** The tally as the call has left it; 0 where there is none. */
  readonly tally: number;
  readonly settings: readonly Setting[];
  readonly tag: string;
}

/** Rows of timers come from the node's second source. */
const TIMERS_SOURCE = 1;

export function isTimed(topology: TopologyName): boolean {
  return topology === "timers" || topology === "expiring";
}

/** A task's journal: all of it is in one partition, in the task's order. */
export function journalKey(partition: number): string {
  return `task ${partition}`;
}

interface TimedRow {
  readonly row: number;
  readonly index: number;
  readonly source: number;
  readonly partition: number;
  readonly columns: RecordColumns;
}

/** What the code does with one row: of `expiring` it sets no timers. */
export function timedRow(
  answer: AnswerBuilder,
  { row, index, source, partition, columns }: TimedRow,
  topology: TopologyName,
  tag: string,
): void {
  const value = columns.value(index);
  const key = columns.key(index);
  const timer = source === TIMERS_SOURCE ? decodeFiring(value, key) : null;
  const called = {
    what: timer === null ? "record" : timer.key === null ? "punctuation" : "timer",
    key: key?.toString("latin1") ?? "",
    name: (timer?.name ?? value)?.toString("latin1") ?? "",
    clock: timer?.clock ?? "streamTime",
    timeMs: columns.timestamps[index] ?? -1,
  } as const;
  const tally = key === null ? 0 : tallied(answer, row, called);
  const settings = topology === "timers" ? settingsOf(called) : [];
  for (const [clock, name, timeMs] of settings) answer.timer(called.key, clock, name, timeMs);
  const told: Told = { ...called, tally, settings, tag };
  answer.output(row, journalKey(partition), JSON.stringify(told));
}

type Called = Omit<Told, "tally" | "settings" | "tag">;

/** A record counts, and keeps the tally alive; one with `x` ends it; a timer counts where there is one. */
function tallied(answer: AnswerBuilder, row: number, { what, name, timeMs }: Called): number {
  const before = answer.stateOf(row);
  if (what === "record" && name.startsWith("x")) {
    answer.set(row, null);
    return 0;
  }
  if (what === "timer" && before === null) return 0;
  const tally = Number(before?.slice(STAMP) ?? 0) + 1;
  const stamp = what === "timer" ? (before ?? "").slice(0, STAMP) : stampOf(timeMs);
  answer.set(row, `${stamp}${tally}`);
  return tally;
}

const STAMP = 8;

export function stampOf(timeMs: number): string {
  const stamp = Buffer.alloc(STAMP);
  stamp.writeBigInt64BE(BigInt(timeMs));
  return stamp.toString("latin1");
}

function settingsOf({ what, name, timeMs, clock }: Called): Setting[] {
  if (what === "punctuation") return [];
  if (what === "timer") return settingsOfTimer(name, clock, timeMs);
  if (name.startsWith("x")) {
    return [
      ["streamTime", "a", null],
      ["streamTime", "b", null],
      ["wallClock", "a", null],
    ];
  }
  const number = Number(name.slice(name.indexOf(".") + 1));
  const later = (number % 5) * 130;
  switch (number % 7) {
    case 0:
    case 1:
      return [["streamTime", "a", timeMs + later]];
    case 2:
      return [["wallClock", "a", sim_wall() + later]];
    case 3:
      return [["streamTime", "a", null]];
    case 4:
      return [["wallClock", "a", null]];
    case 5:
      return [
        ["streamTime", "b", timeMs + 200 + later],
        ["streamTime", "a", timeMs + TALLIES.ttlMs],
      ];
    default:
      return [];
  }
}

/** Chains end: what is set by a timer sets none. */
function settingsOfTimer(name: string, clock: TimerClock, timeMs: number): Setting[] {
  if (clock === "wallClock") return [["streamTime", "b", null]];
  if (name === "b") return timeMs % 2 === 0 ? [["streamTime", "c", timeMs + 90]] : [];
  return name === "a" ? [["streamTime", "b", null]] : [];
}
