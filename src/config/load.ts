import { readFileSync, statSync } from "node:fs";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { parseConfigFile } from "./files.ts";
import { type ConfigSources, type LoadedConfig, resolveConfig } from "./resolve.ts";

export interface LoadSources extends Omit<ConfigSources, "file"> {
  /** Path of a YAML or .properties file. */
  readonly file?: string | undefined;
}

/** Reads the file, if one is named, and resolves every key. Throws CONFIG_INVALID. */
export function loadConfig({ file, ...rest }: LoadSources): LoadedConfig {
  const sources = { ...rest, readFile: readSecret };
  if (file === undefined) return resolveConfig(sources);
  return resolveConfig({ ...sources, file: parseConfigFile(file, readText(file)) });
}

const SECRET_BYTES_MAX = 64 * 1024;

function readSecret(path: string): string {
  const { size } = statSync(path);
  if (size > SECRET_BYTES_MAX)
    throw new RangeError(`it has ${size} bytes, ${SECRET_BYTES_MAX} at most`);
  return readFileSync(path, "utf8");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error: unknown) {
    const text = `the configuration file cannot be read: ${asError(error).message}`;
    const remedy = "name a file that is there by --config or OUTRIGGER_CONFIG";
    throw new OutriggerError("CONFIG_INVALID", `${text}; ${remedy}`, { cause: error });
  }
}
