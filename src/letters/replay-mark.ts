import type { LetterPlace } from "./letter.ts";
import { placeName } from "./selection.ts";

/** What is written of a letter that was replayed, in the transaction of its replay. */
export interface ReplayMark {
  /** When the command that replayed it last was started, in ms. */
  readonly atMs: number;
  /** The topic that it went to. */
  readonly to: string;
  readonly times: number;
}

/** Holds the marks of a dead-letter topic, and is the transactional id of its replays. */
export function replaysTopicOf(deadLetterTopic: string): string {
  return `${deadLetterTopic}-replays`;
}

/** With the topic's id: a topic that was deleted and made again has letters at the same places. */
export function markKey(topicId: string, place: LetterPlace): string {
  return `${topicId}/${placeName(place)}`;
}

export function encodeMark({ atMs, to, times }: ReplayMark): string {
  return JSON.stringify({ v: 1, at: atMs, to, times });
}

/** Null for a deletion, and for what is no mark of ours. */
export function decodeMark(value: Buffer | null): ReplayMark | null {
  if (value === null) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString("utf8"));
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { v, at, to, times } = Object.fromEntries(Object.entries(parsed));
  if (v !== 1 || typeof at !== "number" || typeof to !== "string") return null;
  return typeof times === "number" ? { atMs: at, to, times } : null;
}

/** The marks of one dead-letter topic, by `markKey`. */
export type ReplayMarks = Map<string, ReplayMark>;

/** Whether a letter is to be replayed: it never was, or last by a command started before `againBeforeMs`. */
export function isDue(mark: ReplayMark | undefined, againBeforeMs: number | null): boolean {
  if (mark === undefined) return true;
  return againBeforeMs !== null && mark.atMs < againBeforeMs;
}

/** Whether the letter of a mark is gone for good: deleted by retention, or with its topic. */
export function isStale(
  key: string,
  topicId: string,
  starts: ReadonlyMap<number, number>,
): boolean {
  const [, id, partition, offset] = /^([^/]*)\/(\d+)@(\d+)$/.exec(key) ?? [];
  if (id !== topicId) return true;
  const start = starts.get(Number(partition));
  return start !== undefined && Number(offset) < start;
}
