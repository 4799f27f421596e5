import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { openStateDirectory } from "./directory.ts";

export interface DirectoryLook {
  /** The process id kept there; null when there is none yet, or it cannot be read. */
  readonly processId: string | null;
  /** Why no sidecar could start on it: STATE_DIRECTORY_LOCKED or STORE_FAILED. */
  readonly error: OutriggerError | null;
}

const MEMORY_BYTES = 16 * 1024 * 1024;

/** Whether a sidecar could start on `<state.dir>/<application.id>`; makes nothing that is not there. */
export async function lookAtStateDirectory(
  path: string,
  processId: string | null,
): Promise<DirectoryLook> {
  if (!existsSync(join(path, "process"))) return { processId, error: unwritable(path) };
  try {
    const options = { processId, memoryBytesMax: MEMORY_BYTES, onCorrupted: () => {} };
    const directory = await openStateDirectory(path, options);
    const found = directory.processId;
    await directory.close();
    return { processId: found, error: null };
  } catch (thrown: unknown) {
    if (!(thrown instanceof OutriggerError)) throw thrown;
    return { processId, error: thrown };
  }
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
