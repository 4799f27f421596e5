import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { distrust } from "./trust.ts";

/** As RocksDB says it of another process, and of this one; "block" and a path may hold the word too. */
const LOCKED = /^(?:IO error: )?(?:While lock file|lock hold by)/;

/**
 * The system's refusals that say nothing about what is on the disk: emptying a directory would mend
 * none of them. What RocksDB finds damaged, a file that is missing and a sector that cannot be read
 * have the same code, EIO.
 */
const REFUSALS = [
  "No space left",
  "quota exceeded",
  "Too many open files",
  "Permission denied",
  "not permitted",
  "Read-only file system",
  "Cannot allocate memory",
  "File too large",
];

function isRefused(text: string): boolean {
  return REFUSALS.some((refusal) => text.includes(refusal));
}

/** What failed, in RocksDB's words: of a write they are in the cause. */
function wordsOf(thrown: unknown): { readonly text: string; readonly code: unknown } {
  const error = asError(thrown);
  const inner = error.cause instanceof Error ? error.cause : error;
  return { text: inner.message, code: "code" in inner ? inner.code : undefined };
}

/**
 * The error of an open store. Damage is STORE_CORRUPTED, and the directory is marked, so that it is
 * emptied before it is opened again.
 */
export function operationError(path: string, doing: string, thrown: unknown): OutriggerError {
  const { text, code } = wordsOf(thrown);
  if (code === "EIO" && !isRefused(text)) return damage(path, `${doing} failed: ${text}`, thrown);
  return new OutriggerError(
    "STORE_FAILED",
    `${doing} ${path} failed (${text}): free space or mend the disk, then start again; nothing that ` +
      "was committed is lost",
    { cause: thrown },
  );
}

/** The error of a directory that does not open. */
export function openError(path: string, thrown: unknown): OutriggerError {
  const { text } = wordsOf(thrown);
  const options = { cause: thrown };
  if (LOCKED.test(text)) {
    return new OutriggerError(
      "STATE_DIRECTORY_LOCKED",
      `${path} is in use by another process: stop it, or give this one another state.dir or ` +
        "application.id",
      options,
    );
  }
  if (!isRefused(text)) return damage(path, `opening failed: ${text}`, thrown);
  return new OutriggerError(
    "STORE_FAILED",
    `${path} cannot be opened (${text}): make room, or mend its rights or limits, then start again; ` +
      "what it holds is kept",
    options,
  );
}

function damage(path: string, reason: string, cause: unknown): OutriggerError {
  distrust(path, reason);
  return distrusted(path, reason, cause);
}

export function distrusted(path: string, reason: string, cause?: unknown): OutriggerError {
  const text = `${path} is damaged (${reason}): it is emptied, and restored from the changelog`;
  return new OutriggerError("STORE_CORRUPTED", text, { cause });
}
