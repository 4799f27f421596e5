import type { Config } from "../config/config.ts";
import type { Log } from "../ports/log.ts";
import { createLog, logStyleOf } from "../telemetry/log.ts";

/** What a command sees of its surroundings. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Output of the command: standard output. */
  readonly say: (text: string) => void;
  /** Everything else: standard error. */
  readonly complain: (text: string) => void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
}

export function logOf(world: World, config: Config): Log {
  const style = logStyleOf(world.isTerminal, world.env["NO_COLOR"]);
  return createLog({ level: config.logLevel, style, write: world.complain });
}
