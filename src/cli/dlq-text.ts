import { isUtf8 } from "node:buffer";
import type { Letter, LetterCause } from "../letters/letter.ts";
import type { ReplayMark } from "../letters/replay-mark.ts";
import { placeName } from "../letters/selection.ts";

/** What a list says of a letter; it keeps nothing of what was fetched but the key. */
export interface ListedLetter {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly cause: Omit<LetterCause, "stack">;
  readonly replayed: ReplayMark | null;
}

export function listed(letter: Letter, replayed: ReplayMark | null): ListedLetter {
  const { partition, offset, timestamp, key } = letter;
  const { stack: _, ...cause } = letter.cause;
  return { partition, offset, timestamp, key: key && Buffer.from(key), cause, replayed };
}

const HEADINGS = ["LETTER", "TIME", "SOURCE", "REASON", "TRIES", "KEY", "ERROR", "REPLAYED"];
const KEY_LENGTH_MAX = 40;
const ERROR_LENGTH_MAX = 60;

/** For people: a line for each letter, in columns. */
export function listText(topic: string, letters: readonly ListedLetter[], more: boolean): string {
  if (letters.length === 0) return `no such dead letters in ${topic}\n`;
  const rows = [HEADINGS, ...letters.map(rowOf)];
  const widths = HEADINGS.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const count = `${letters.length} ${letters.length === 1 ? "letter" : "letters"} of ${topic}`;
  const rest = more ? "; there are more: raise --limit, or say which" : "";
  return `${lines.join("\n")}\n\n${count}${rest}\n`;
}

function rowOf(letter: ListedLetter): string[] {
  const { cause, replayed } = letter;
  return [
    placeName(letter),
    timeText(letter.timestamp),
    sourceText(cause),
    oneLine(cause.reason ?? "-"),
    String(cause.attempts ?? "-"),
    cut(keyText(letter.key), KEY_LENGTH_MAX),
    cut(errorOf(cause), ERROR_LENGTH_MAX),
    replayed === null ? "" : timeText(replayed.atMs),
  ];
}

/** For scripts: one object. */
export function listJson(topic: string, letters: readonly ListedLetter[], more: boolean): string {
  const all = letters.map(({ key, cause, replayed, ...place }) => {
    return { ...place, ...cause, ...bytesJson("key", key), replayed: replayedJson(replayed) };
  });
  return `${JSON.stringify({ topic, more, letters: all }, null, 2)}\n`;
}

/** One letter, whole, for people. */
export function letterText(topic: string, letter: Letter, replayed: ReplayMark | null): string {
  const { cause, headers, key, value } = letter;
  const attempts = cause.attempts === null ? "" : `, tried ${cause.attempts} times`;
  const node = cause.node === null ? "" : `, node ${cause.node}`;
  const lines = [
    `letter       ${topic} ${placeName(letter)}`,
    `time         ${timeText(letter.timestamp)}`,
    `source       ${sourceText(cause)}`,
    `reason       ${cause.reason ?? "-"}${attempts}`,
    `application  ${cause.applicationId ?? "-"}, task ${cause.task ?? "-"}${node}`,
    `error        ${errorOf(cause)}`,
    `replayed     ${replayedText(replayed)}`,
  ].map(oneLine);
  lines.push(...block("stack", cause.stack));
  lines.push(
    "headers",
    ...headers.map((each) => `  ${oneLine(each.key)}  ${oneLine(bytesText(each.value))}`),
  );
  lines.push(`key          ${keyText(key)}`, ...block("value", bytesText(value)));
  return `${lines.join("\n")}\n`;
}

/** One letter, whole, for scripts. */
export function letterJson(topic: string, letter: Letter, replayed: ReplayMark | null): string {
  const { partition, offset, timestamp, cause, headers, key, value } = letter;
  const all = {
    topic,
    ...{ partition, offset, timestamp },
    ...cause,
    ...bytesJson("key", key),
    ...bytesJson("value", value),
    headers: headers.map((each) => ({ name: each.key, ...bytesJson("value", each.value) })),
    replayed: replayedJson(replayed),
  };
  return `${JSON.stringify(all, null, 2)}\n`;
}

function block(title: string, text: string | null): string[] {
  if (text === null) return [];
  return [title, ...text.split("\n").map((line) => `  ${oneLine(line)}`)];
}

function replayedText(mark: ReplayMark | null): string {
  if (mark === null) return "no";
  const times = mark.times === 1 ? "" : `, ${mark.times} times in all`;
  return `${timeText(mark.atMs)} to ${mark.to}${times}`;
}

function replayedJson(mark: ReplayMark | null): object | null {
  return mark === null ? null : { at: timeText(mark.atMs), to: mark.to, times: mark.times };
}

function sourceText({ source }: Pick<LetterCause, "source">): string {
  return source === null ? "-" : `${oneLine(source.topic)} ${placeName(source)}`;
}

function errorOf({ type, message }: Pick<LetterCause, "type" | "message">): string {
  const text = [type, message].filter((each) => each !== null && each !== "").join(": ");
  return oneLine(text === "" ? "-" : text);
}

/** As `--key` takes it. */
export function keyText(key: Buffer | null): string {
  if (key === null) return "-";
  const text = key.toString("utf8");
  const isPlain = isUtf8(key) && oneLine(text) === text && !/^(hex:|base64:|-$|$)/.test(text);
  return isPlain ? text : `hex:${key.toString("hex")}`;
}

/** Text where it is text, else `hex:` and the bytes. */
function bytesText(bytes: Buffer | null): string {
  if (bytes === null) return "(null)";
  const text = bytes.toString("utf8");
  return isUtf8(bytes) && !BINARY.test(text) ? text : `hex:${bytes.toString("hex")}`;
}

function bytesJson(name: string, bytes: Buffer | null): Record<string, string | null> {
  const text = bytes !== null && isUtf8(bytes) ? bytes.toString("utf8") : null;
  return { [name]: text, [`${name}Base64`]: bytes === null ? null : bytes.toString("base64") };
}

const TIME_MAX_MS = 8.64e15;

function timeText(ms: number): string {
  return ms >= 0 && ms <= TIME_MAX_MS ? new Date(ms).toISOString() : `${ms} ms`;
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

// Control characters: what a record holds must not steer the terminal of who looks at it.
const CONTROL = /\p{Cc}/gu;
const BINARY = /[^\P{Cc}\t\n\r]/u;

function oneLine(text: string): string {
  return text.replaceAll(CONTROL, (each) => {
    return `\\u${each.codePointAt(0)?.toString(16).padStart(4, "0")}`;
  });
}
