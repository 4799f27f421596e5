import type { TimerColumns } from "../model/rows.ts";
import {
  CLOCKS,
  encodeTimer,
  encodeTimerKey,
  TIMER_NAME_BYTES_MAX,
  type TimerNode,
} from "../model/timers.ts";
import type { Program, Stage } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { StoreChanges } from "../ports/store.ts";
import { type AnswerLimits, largestRecord } from "./answers.ts";

/** Bytes of an entry beside the record's key and the timer's name: its key's head, and its value. */
const ENTRY_BYTES = 2 + 17;

type Timed = Pick<Program, "timers" | "stores">;

/** What is wrong with the timers of an answer, in words; null when they fit. */
export function faultOfTimers(
  stage: Stage,
  program: Timed,
  { timers = [] }: BatchAnswer,
  limits: AnswerLimits,
): string | null {
  const seen = new Set<string>();
  for (const columns of timers) {
    const node = timedNode(stage, program, columns.node);
    const what = `timers of node "${columns.node}"`;
    if (node === null) {
      return `it sets ${what}, which the stage does not have, or which was declared without timers`;
    }
    if (seen.has(node.node)) return `it holds the ${what} twice`;
    seen.add(node.node);
    const wrong = faultOfColumns(columns) ?? faultOfSize(columns, node, program, limits);
    if (wrong !== null) return `of the ${what}, ${wrong}`;
  }
  return null;
}

function faultOfColumns({ names, times, clocks }: TimerColumns): string | null {
  for (let i = 0; i < times.length; i++) {
    const length = names[i * 2 + 1] ?? 0;
    if (length > TIMER_NAME_BYTES_MAX) {
      return `the name of timer ${i} has ${length} bytes; the limit is ${TIMER_NAME_BYTES_MAX}: shorten it`;
    }
    if (clocks !== null && CLOCKS[(clocks[i] ?? 0) - 1] === undefined) {
      return `timer ${i} has clock ${clocks[i]}; it must be 1 (stream time) or 2 (wall clock)`;
    }
  }
  return null;
}

function faultOfSize(
  { keys, names, times }: TimerColumns,
  node: TimerNode,
  { stores }: Timed,
  limits: AnswerLimits,
): string | null {
  const changelog = stores[node.store]?.changelogTopic ?? "";
  const bytesMax = Math.min(largestRecord(changelog, limits), largestRecord(node.topic, limits));
  for (let i = 0; i < times.length; i++) {
    const bytes = (keys[i * 2 + 1] ?? 0) + (names[i * 2 + 1] ?? 0) + ENTRY_BYTES;
    if (bytes > bytesMax) {
      return `timer ${i} takes ${bytes} bytes with its key; the limit is ${bytesMax}: shorten the key`;
    }
  }
  return null;
}

/** What the stage's code changed in timers, as changes of the task's stores. */
export function timerChangesOf(
  stage: Stage,
  program: Timed,
  { timers = [] }: BatchAnswer,
): StoreChanges[] {
  return timers.flatMap((columns) => {
    const node = timedNode(stage, program, columns.node);
    return node === null ? [] : [changesOfColumns(columns, node)];
  });
}

function changesOfColumns(
  { bytes, keys: spans, names, clocks, times }: TimerColumns,
  { store }: TimerNode,
): StoreChanges {
  const keys: Buffer[] = [];
  const values: (Buffer | null)[] = [];
  const slice = (of: Int32Array, at: number): Buffer => {
    const position = of[at] ?? 0;
    return bytes.subarray(position, position + (of[at + 1] ?? 0));
  };
  for (let i = 0; i < times.length; i++) {
    const clock = CLOCKS[(clocks?.[i] ?? 1) - 1] ?? "streamTime";
    keys.push(encodeTimerKey({ clock, name: slice(names, i * 2), key: slice(spans, i * 2) }));
    const timeMs = times[i] ?? -1;
    values.push(timeMs < 0 ? null : encodeTimer({ timeMs, firedAtMs: null }));
  }
  return { store, keys, values };
}

function timedNode(stage: Stage, { timers = [] }: Timed, name: string): TimerNode | null {
  const index = timers.findIndex(({ node, hasTimers }) => node === name && hasTimers);
  return index >= 0 && (stage.timers ?? []).includes(index) ? (timers[index] ?? null) : null;
}
