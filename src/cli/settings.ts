import { type Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import { keyReferences } from "../config/reference.ts";
import type { LoadedConfig } from "../config/resolve.ts";
import type { World } from "./world.ts";

/** By flag: dotted keys stay as they are. */
export interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly [key: string]: unknown;
}

const KEYS: ReadonlySet<string> = new Set(keyReferences.map(({ key }) => key));

/** Each has ninety options, of which a start would build those of every command. */
const TAKING_SETTINGS = new WeakSet<Command>();

/** It takes every setting as an option, once `addSettings` has found its name in a command line. */
export function withSettings(command: Command): Command {
  TAKING_SETTINGS.add(command);
  return command;
}

/** Gives the commands that are named there, `program` or those below it, their options. */
export function addSettings(program: Command, argv: readonly string[]): void {
  if (TAKING_SETTINGS.has(program)) addOptions(program);
  for (const command of program.commands) {
    if (argv.includes(command.name())) addSettings(command, argv);
  }
}

function addOptions(command: Command): void {
  command.option("--config <file>", "YAML or .properties file; also OUTRIGGER_CONFIG.");
  for (const { key, description, default: value } of keyReferences) {
    const said = value === null ? description : `${description} (default: ${value})`;
    command.addOption(new Option(`--${key} <value>`, said).helpGroup("Settings:"));
  }
}

export function loadFor(options: Options, world: World): LoadedConfig {
  return loadConfig({ flags: flagsOf(options), env: world.env, file: fileOf(options, world) });
}

export function flagsOf(options: Options): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([key]) => KEYS.has(key)));
}

export function fileOf(options: Options, world: World): string | undefined {
  return options.config ?? world.env["OUTRIGGER_CONFIG"];
}
