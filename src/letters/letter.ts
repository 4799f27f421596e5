import {
  HEADERS_END,
  HEADERS_POSITION,
  type Header,
  type RecordColumns,
  STRIDE,
} from "../model/columns.ts";
import { HeaderWalk, hasHeaders } from "../model/header-walk.ts";
import { firstHeaders } from "../model/headers.ts";
import { OUTRIGGER_HEADERS, STREAMS_HEADERS } from "../tasks/dead-letter.ts";

/** Where a letter lies in its topic. */
export interface LetterPlace {
  readonly partition: number;
  readonly offset: number;
}

/** A dead letter: the record that was given up, as it was, and what is said of it. */
export interface Letter extends LetterPlace {
  /** The record's own, in ms; the letter's where nobody wrote down the record's. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The record's own headers, without those that say why it was given up. */
  readonly headers: readonly Header[];
  /** The same in Kafka's record format; null for none. */
  readonly headersBytes: Buffer | null;
  readonly cause: LetterCause;
}

/** What a letter says of its record; null where it does not say it. */
export interface LetterCause {
  /** The record that was given up. */
  readonly source: (LetterPlace & { readonly topic: string }) | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly applicationId: string | null;
  readonly task: string | null;
  readonly node: string | null;
  readonly type: string | null;
  readonly message: string | null;
  readonly stack: string | null;
}

const ADDED: ReadonlySet<string> = new Set([
  ...Object.values(STREAMS_HEADERS),
  ...Object.values(OUTRIGGER_HEADERS),
]);

/**
 * Reads one row of a dead-letter topic, of Kafka Streams' or ours. Key, value and headers are views of
 * the row's buffer. What was added stands behind the record's own headers, each name once: so a record
 * that had such headers itself keeps them.
 */
export function letterAt(columns: RecordColumns, row: number, partition: number): Letter {
  const { bytes, positions } = columns;
  const from = positions[row * STRIDE + HEADERS_POSITION] ?? 0;
  const to = positions[row * STRIDE + HEADERS_END] ?? 0;
  const { headers, ends } = headersOf(bytes, from, to);
  const own = ownCount(headers);
  const said = new Map(headers.slice(own).map(({ key, value }) => [key, textOf(value)]));
  return {
    partition,
    offset: columns.offsets[row] ?? -1,
    timestamp: wholeOf(said.get(OUTRIGGER_HEADERS.timestamp)) ?? columns.timestamps[row] ?? -1,
    key: columns.key(row),
    value: columns.value(row),
    headers: headers.slice(0, own),
    headersBytes: own === 0 ? null : firstHeaders(bytes, from, ends[own - 1] ?? from, own),
    cause: causeOf(said),
  };
}

/** Headers in Kafka's record format, as views of `bytes`. */
export function ownHeaders(bytes: Buffer, from: number, to: number): Header[] {
  return headersOf(bytes, from, to).headers;
}

function headersOf(bytes: Buffer, from: number, to: number): { headers: Header[]; ends: number[] } {
  const headers: Header[] = [];
  const ends: number[] = [];
  if (!hasHeaders(bytes, from, to)) return { headers, ends };
  const walk = new HeaderWalk();
  for (let left = walk.start(bytes, from, to); left > 0; left--) {
    walk.next();
    const { keyPosition, keyLength, valuePosition, valueLength } = walk;
    const end = valuePosition + Math.max(0, valueLength);
    headers.push({
      key: bytes.toString("utf8", keyPosition, keyPosition + keyLength),
      value: valueLength < 0 ? null : bytes.subarray(valuePosition, end),
    });
    ends.push(end);
  }
  return { headers, ends };
}

/** How many headers stand before those that were added. */
function ownCount(headers: readonly Header[]): number {
  const seen = new Set<string>();
  let own = headers.length;
  for (; own > 0; own--) {
    const name = headers[own - 1]?.key ?? "";
    if (!ADDED.has(name) || seen.has(name)) break;
    seen.add(name);
  }
  return own;
}

function causeOf(said: ReadonlyMap<string, string | null>): LetterCause {
  const text = (name: string): string | null => said.get(name) ?? null;
  const topic = text(STREAMS_HEADERS.topic);
  const partition = wholeOf(text(STREAMS_HEADERS.partition));
  const offset = wholeOf(text(STREAMS_HEADERS.offset));
  const isPlaced = topic !== null && topic !== "" && partition !== null && offset !== null;
  return {
    source: isPlaced ? { topic, partition, offset } : null,
    reason: text(OUTRIGGER_HEADERS.reason),
    attempts: wholeOf(text(OUTRIGGER_HEADERS.attempts)),
    applicationId: text(OUTRIGGER_HEADERS.applicationId),
    task: text(OUTRIGGER_HEADERS.task),
    node: text(OUTRIGGER_HEADERS.node),
    type: text(STREAMS_HEADERS.exception),
    message: text(STREAMS_HEADERS.message),
    stack: text(STREAMS_HEADERS.stacktrace),
  };
}

function textOf(value: Buffer | null): string | null {
  return value === null ? null : value.toString("utf8");
}

/** A whole number that is not negative; null for anything else. */
function wholeOf(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
