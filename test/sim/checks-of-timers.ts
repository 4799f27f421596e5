import { decodeTimer, decodeTimerKey } from "../../src/model/timers.ts";
import type { ModelKafka } from "./kafka/model.ts";
import { journalKey, type Told } from "./timed-code.ts";
import { APPLICATION_ID, BEAT, INPUT, OUTPUT, TALLIES, TICK, TIMERS_STORE } from "./topologies.ts";

/** What the wall clock says at the end, and whether it was ever set by hand. */
export interface Wall {
  readonly nowMs: number;
  readonly wasSet: boolean;
}

interface Tally {
  readonly stampMs: number;
  readonly count: number;
}

/** What a task must have, as its journal tells it. */
class Ledger {
  streamTimeMs = Number.NEGATIVE_INFINITY;
  /** Timers that wait, by key, clock and name. */
  readonly waiting = new Map<string, number>();
  readonly tallies = new Map<string, Tally>();
  readonly beats: number[] = [];
  readonly ticks: number[] = [];

  /** Whether the tally is there at the stream time that is now. */
  isLive(tally: Tally | undefined): tally is Tally {
    return tally !== undefined && tally.stampMs + TALLIES.ttlMs > this.streamTimeMs;
  }
}

/**
 * What is due and not handled, or expired and not deleted: at the end, nothing. Says too where a journal is
 * not what one call after the other leaves: a timer that fired twice, early, or after it was cancelled.
 */
export function timedFault(kafka: ModelKafka, wall: Wall): string | null {
  for (const { partition } of kafka.topics.get(INPUT)?.partitions ?? []) {
    const fault = taskFault(kafka, partition, wall);
    if (fault !== null) return `task ${partition}: ${fault}`;
  }
  return null;
}

function taskFault(kafka: ModelKafka, partition: number, wall: Wall): string | null {
  const ledger = new Ledger();
  const inputs = [...(kafka.log(INPUT, partition)?.committed() ?? [])];
  let at = 0;
  for (const told of journalOf(kafka, partition)) {
    if (told.what === "record") {
      const input = inputs[at++];
      const wanted = input?.value?.toString("latin1");
      if (told.name !== wanted) return `record ${at} is ${told.name}, not ${wanted}`;
      ledger.streamTimeMs = Math.max(ledger.streamTimeMs, told.timeMs);
    }
    const fault = calledFault(ledger, told, wall);
    if (fault !== null) return `${fault}: ${JSON.stringify(told)}`;
  }
  if (at < inputs.length) return `${inputs.length - at} records are missing of ${inputs.length}`;
  return (
    lostFault(ledger, wall) ??
    timersFault(kafka, partition, ledger) ??
    talliesFault(kafka, partition, ledger)
  );
}

function journalOf(kafka: ModelKafka, partition: number): Told[] {
  const name = journalKey(partition);
  return (kafka.topics.get(OUTPUT)?.partitions ?? []).flatMap((log) =>
    [...log.committed()]
      .filter(({ key }) => key?.toString("latin1") === name)
      .map(({ value }) => JSON.parse(value?.toString("latin1") ?? "null") as Told),
  );
}

function calledFault(ledger: Ledger, told: Told, wall: Wall): string | null {
  const { what, key, name, clock, timeMs, settings } = told;
  if (what === "punctuation") return punctuationFault(ledger, told, wall);
  if (what === "timer") {
    const timer = `${key} ${clock} ${name}`;
    const waits = ledger.waiting.get(timer);
    if (waits === undefined) return "it fired, and did not wait";
    if (waits !== timeMs) return `it fired, and waits for ${waits}`;
    const isEarly = clock === "streamTime" && timeMs > ledger.streamTimeMs;
    if (isEarly) return `it fired at ${ledger.streamTimeMs}`;
    ledger.waiting.delete(timer);
  }
  for (const [clockOf, nameOf, time] of settings) {
    if (time === null) ledger.waiting.delete(`${key} ${clockOf} ${nameOf}`);
    else ledger.waiting.set(`${key} ${clockOf} ${nameOf}`, time);
  }
  return tallyFault(ledger, told);
}

/** By stream time one for each interval that something came in; by the wall clock never two of one. */
function punctuationFault(
  ledger: Ledger,
  { clock, name, timeMs }: Told,
  wall: Wall,
): string | null {
  const { beats, ticks } = ledger;
  if (clock === "streamTime") {
    if (name !== BEAT.name) return "nobody asked for it";
    if (timeMs > ledger.streamTimeMs) return `it beats at ${ledger.streamTimeMs}`;
    const before = beats.at(-1);
    if (before !== undefined && intervalOf(before) >= intervalOf(timeMs)) {
      return `it beats again, after ${before}`;
    }
    beats.push(timeMs);
    return null;
  }
  if (name !== TICK.name) return "nobody asked for it";
  const [first, last] = [ticks[0] ?? timeMs, ticks.at(-1) ?? Number.NEGATIVE_INFINITY];
  ticks.push(timeMs);
  if (wall.wasSet) return null;
  if (timeMs > wall.nowMs) return "its clock is not there yet";
  if (timeMs <= last) return `it ticks again, after ${last}`;
  // The first may have been late by nearly an interval, and the last never is early.
  if (ticks.length - 2 < (timeMs - first) / TICK.intervalMs) return null;
  return `it is tick ${ticks.length} since ${first}`;
}

function intervalOf(timeMs: number): number {
  return Math.floor(timeMs / BEAT.intervalMs);
}

/** A tally that lives is counted on; one that is gone begins anew, whether it was deleted or not. */
function tallyFault(ledger: Ledger, { what, key, name, timeMs, tally }: Told): string | null {
  const before = ledger.tallies.get(key);
  const isLive = ledger.isLive(before);
  const count = isLive ? before.count : 0;
  const isEnd = what === "record" && name.startsWith("x");
  const wanted = isEnd || (what === "timer" && !isLive) ? 0 : count + 1;
  if (tally !== wanted) {
    const was = before === undefined ? "none" : `${before.count} of ${before.stampMs}`;
    return `its tally is ${tally}, not ${wanted}: before was ${was}, at ${ledger.streamTimeMs}`;
  }
  if (wanted === 0) ledger.tallies.delete(key);
  else {
    const stampMs = what === "record" ? timeMs : (before?.stampMs ?? 0);
    ledger.tallies.set(key, { stampMs, count: wanted });
  }
  return null;
}

function lostFault({ waiting, streamTimeMs }: Ledger, wall: Wall): string | null {
  for (const [timer, timeMs] of waiting) {
    const nowMs = timer.includes(" wallClock ") ? wall.nowMs : streamTimeMs;
    if (timeMs <= nowMs) return `timer ${timer} of ${timeMs} never fired, and it is ${nowMs}`;
  }
  return null;
}

/** The changelog holds what waits, nothing else, and a punctuator of each clock. */
function timersFault(kafka: ModelKafka, partition: number, ledger: Ledger): string | null {
  const log = kafka.log(`${APPLICATION_ID}-${TIMERS_STORE}-changelog`, partition);
  if (log === null) return null;
  const kept = new Map<string, number>();
  for (const { key, value } of log.committed()) {
    const entry = decodeTimerKey(key ?? Buffer.alloc(0));
    const timer = `${entry.key?.toString("latin1") ?? "-"} ${entry.clock} ${entry.name}`;
    if (value === null) kept.delete(timer);
    else kept.set(timer, decodeTimer(value).timeMs);
  }
  const beat = kept.get(`- streamTime ${BEAT.name}`);
  const last = ledger.beats.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (ledger.streamTimeMs > 0) {
    if (beat === undefined) return "its beat is not scheduled";
    if (beat <= ledger.streamTimeMs) return `its beat of ${beat} never came, after ${last}`;
    if (last === Number.NEGATIVE_INFINITY) return "it never beat";
    // Aligned to the epoch, and the next behind the last.
    if (beat !== (intervalOf(last) + 1) * BEAT.intervalMs) {
      return `its next beat is ${beat}, and the last was ${last}`;
    }
  }
  for (const [timer, timeMs] of ledger.waiting) {
    if (kept.get(timer) !== timeMs) {
      return `timer ${timer} waits for ${timeMs}, the changelog says ${kept.get(timer)}`;
    }
  }
  const more = [...kept.keys()].find((name) => !name.startsWith("- ") && !ledger.waiting.has(name));
  return more === undefined ? null : `timer ${more} is in the changelog, and does not wait`;
}

/** The changelog holds the tallies that live, each under its time, and no other. */
function talliesFault(kafka: ModelKafka, partition: number, ledger: Ledger): string | null {
  const kept = new Map<string, Tally>();
  for (const record of kafka
    .log(`${APPLICATION_ID}-${TALLIES.name}-changelog`, partition)
    ?.committed() ?? []) {
    const name = record.key?.toString("latin1") ?? "";
    if (record.value === null) kept.delete(name);
    else kept.set(name, { stampMs: record.timestamp, count: Number(record.value.toString()) });
  }
  for (const [key, tally] of ledger.tallies) {
    const found = kept.get(key);
    if (ledger.isLive(tally)) {
      if (found?.stampMs === tally.stampMs && found.count === tally.count) continue;
      return `the tally of ${key} is ${JSON.stringify(tally)}, the changelog says ${JSON.stringify(found)}`;
    }
    if (found !== undefined)
      return `the tally of ${key} is gone by ${ledger.streamTimeMs}, not from the changelog`;
  }
  const more = [...kept.keys()].find((key) => !ledger.tallies.has(key));
  return more === undefined ? null : `${more} has a tally in the changelog, and nowhere else`;
}
