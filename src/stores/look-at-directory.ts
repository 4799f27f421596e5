import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { Database } from "./database.ts";
import { openStateDirectory } from "./directory.ts";

export interface DirectoryLook {
  /** The process id kept there; null when there is none yet, or it cannot be read. */
  readonly processId: string | null;
  /**
   * Why no sidecar could start on it: STATE_DIRECTORY_LOCKED or STORE_FAILED. STORE_CORRUPTED where one
   * could, and would empty it first.
   */
  readonly error: OutriggerError | null;
}

const MEMORY_BYTES = 16 * 1024 * 1024;
const LOCK = "LOCK";

/**
 * Whether a sidecar could start on `<state.dir>/<application.id>`. Changes nothing there: RocksDB writes
 * to what it opens, and a start empties what is damaged, so a copy is opened, in the temporary folder.
 * Not for a process that has the directory open itself: its lock would be lost.
 */
export async function lookAtStateDirectory(
  path: string,
  processId: string | null,
): Promise<DirectoryLook> {
  const own = join(path, "process");
  const denied = unwritable(own);
  if (denied !== null || !existsSync(own)) return { processId, error: denied };
  const scratch = mkdtempSync(join(tmpdir(), "outrigger-look-"));
  try {
    const lock = await lockOf(own, join(scratch, "lock"));
    try {
      return await lookAtCopy(own, join(scratch, "copy"), processId);
    } finally {
      await lock?.close();
    }
  } catch (thrown: unknown) {
    if (!(thrown instanceof OutriggerError)) throw thrown;
    return { processId, error: thrown };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Takes the lock of a RocksDB without opening it: another one's lock file leads to it, and the system's
 * lock is on the file that is meant in the end. While it is held nobody writes what is copied.
 */
async function lockOf(own: string, holder: string): Promise<Database | null> {
  const file = resolve(own, LOCK);
  if (!existsSync(file)) return null;
  mkdirSync(holder);
  symlinkSync(file, join(holder, LOCK));
  try {
    return await Database.open(holder, { writeBufferBytes: 64 * 1024, blockCache: false });
  } catch (thrown: unknown) {
    throw saidOf(own, holder, thrown);
  }
}

async function lookAtCopy(
  own: string,
  copy: string,
  processId: string | null,
): Promise<DirectoryLook> {
  const to = join(copy, basename(own));
  try {
    cpSync(own, to, { recursive: true, filter: (from) => basename(from) !== LOCK });
  } catch (cause: unknown) {
    const text = `${own} cannot be read (${asError(cause).message}): mend that, then start`;
    throw new OutriggerError("STORE_FAILED", text, { cause });
  }
  let damage: OutriggerError | null = null;
  const onCorrupted = (_: string, error: OutriggerError): void => {
    damage = saidOf(own, to, error);
  };
  try {
    const directory = await openStateDirectory(copy, {
      processId,
      memoryBytesMax: MEMORY_BYTES,
      onCorrupted,
    });
    const found = directory.processId;
    await directory.close();
    return damage === null ? { processId: found, error: null } : { processId, error: damage };
  } catch (thrown: unknown) {
    throw saidOf(dirname(own), copy, thrown);
  }
}

/** The same of the directory itself. */
function saidOf(path: string, copy: string, thrown: unknown): OutriggerError {
  const error = asError(thrown);
  if (!(error instanceof OutriggerError)) throw error;
  return new OutriggerError(error.code, error.message.replaceAll(copy, path), { cause: error });
}

function unwritable(path: string): OutriggerError | null {
  let at = resolve(path);
  while (!existsSync(at)) at = dirname(at);
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
    return null;
  } catch (cause: unknown) {
    const text = `${path} cannot be made, since ${at} is not writable (${asError(cause).message})`;
    return new OutriggerError("STORE_FAILED", `${text}: change its rights, or set state.dir`, {
      cause,
    });
  }
}
