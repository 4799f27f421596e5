import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { whyNotWhole } from "./wholeness.ts";

/** Its presence says that the directory is to be emptied before it is used; it holds the reason. */
const MARK = "DISTRUSTED";
const REASON_LENGTH_MAX = 500;

/**
 * What was found damaged is marked before anything else is done about it: whoever opens the directory
 * next, after a crash too, must not take it for sound because another block happens to be read.
 */
export function distrust(path: string, reason: string): void {
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, MARK), reason.slice(0, REASON_LENGTH_MAX));
  } catch (error: unknown) {
    throw new OutriggerError(
      "STORE_FAILED",
      `${path} is damaged (${reason}), and cannot be marked so (${asError(error).message}): mend the ` +
        "disk or delete that directory, then start again; it is restored from the changelog",
      { cause: error },
    );
  }
}

/** Why the directory was marked; null where it was not. */
export function markOf(path: string): string | null {
  const mark = join(path, MARK);
  if (!existsSync(mark)) return null;
  return readFileSync(mark, "utf8") || "it is marked";
}

/** What is on the disk says it; whatever else a system refuses says nothing about the directory. */
const DAMAGED = ["EIO", "ENOENT", "ENOTDIR", "EISDIR"];

/** Why the closed directory must not be used as it is; null where nothing speaks against it. */
export function whyDistrusted(path: string): string | null {
  try {
    return markOf(path) ?? whyNotWhole(path);
  } catch (thrown: unknown) {
    const error = asError(thrown);
    const text = `${path} cannot be read (${error.message})`;
    if ("code" in error && DAMAGED.includes(String(error.code))) return text;
    const options = { cause: thrown };
    throw new OutriggerError("STORE_FAILED", `${text}: mend that, then start again`, options);
  }
}

/**
 * Deletes what is in a closed directory, the mark last. Its lock file stays: with it another process
 * that was quicker would lose its lock to a third.
 */
export function empty(path: string): void {
  try {
    if (!existsSync(path)) return;
    if (!lstatSync(path).isDirectory()) rmSync(path);
    else for (const name of emptyingOrder(path)) rmSync(join(path, name), { recursive: true });
  } catch (error: unknown) {
    throw new OutriggerError(
      "STORE_FAILED",
      `${path} cannot be emptied (${asError(error).message}): mend the disk or delete it, then ` +
        "start again; it is restored from the changelog",
      { cause: error },
    );
  }
}

function emptyingOrder(path: string): string[] {
  const isLock = (name: string): boolean => name === "LOCK" && lstatSync(join(path, name)).isFile();
  const names = readdirSync(path).filter((name) => name !== MARK && !isLock(name));
  return existsSync(join(path, MARK)) ? [...names, MARK] : names;
}
