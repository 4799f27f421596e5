import type { Letter, LetterPlace } from "./letter.ts";

/** Which letters are meant: all that fit everything that is said. */
export interface Selection {
  /** Exactly these; null for all. */
  readonly places: readonly LetterPlace[] | null;
  /** The topic that the record was given up from. */
  readonly source: string | null;
  readonly reason: string | null;
  readonly key: Buffer | null;
  /** The record's own timestamp, in ms, or later. */
  readonly sinceMs: number | null;
}

export const EVERY_LETTER: Selection = {
  places: null,
  source: null,
  reason: null,
  key: null,
  sinceMs: null,
};

/** `2@17`: offset 17 of partition 2. */
export function placeName({ partition, offset }: LetterPlace): string {
  return `${partition}@${offset}`;
}

/** Null for what names no place. */
export function parsePlace(text: string): LetterPlace | null {
  const [, partition, offset] = /^(\d{1,10})@(\d{1,16})$/.exec(text) ?? [];
  if (partition === undefined || offset === undefined) return null;
  const place = { partition: Number(partition), offset: Number(offset) };
  return Number.isSafeInteger(place.offset) ? place : null;
}

export function isSelected(letter: Letter, selection: Selection): boolean {
  const { places, source, reason, key, sinceMs } = selection;
  const { cause } = letter;
  if (source !== null && cause.source?.topic !== source) return false;
  if (reason !== null && cause.reason !== reason) return false;
  if (sinceMs !== null && letter.timestamp < sinceMs) return false;
  if (key !== null && (letter.key === null || !letter.key.equals(key))) return false;
  return places === null || places.some((place) => isAt(letter, place));
}

function isAt(letter: LetterPlace, { partition, offset }: LetterPlace): boolean {
  return letter.partition === partition && letter.offset === offset;
}

/** The offsets of a partition that can hold a selected letter, within those that it has; null for none. */
export function rangeOf(
  { places }: Selection,
  partition: number,
  range: { readonly start: number; readonly end: number },
): { readonly start: number; readonly end: number } | null {
  let { start, end } = range;
  if (places !== null) {
    const offsets = places.filter((each) => each.partition === partition).map((at) => at.offset);
    if (offsets.length === 0) return null;
    start = Math.max(
      start,
      offsets.reduce((a, b) => Math.min(a, b)),
    );
    end = Math.min(end, offsets.reduce((a, b) => Math.max(a, b)) + 1);
  }
  return start < end ? { start, end } : null;
}
