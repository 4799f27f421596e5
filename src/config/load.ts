import { readFileSync } from "node:fs";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { parseConfigFile } from "./files.ts";
import { type ConfigSources, type LoadedConfig, resolveConfig } from "./resolve.ts";

export interface LoadSources extends Omit<ConfigSources, "file"> {
  /** Path of a YAML or .properties file. */
  readonly file?: string | undefined;
}

/** Reads the file, if one is named, and resolves every key. Throws CONFIG_INVALID. */
export function loadConfig({ file, ...sources }: LoadSources): LoadedConfig {
  if (file === undefined) return resolveConfig(sources);
  return resolveConfig({ ...sources, file: parseConfigFile(file, readText(file)) });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error: unknown) {
    const text = `the configuration file cannot be read: ${asError(error).message}`;
    throw new OutriggerError("CONFIG_INVALID", text, { cause: error });
  }
}
