import type { Config } from "../config/config.ts";
import type { LoadedConfig } from "../config/resolve.ts";
import type { Log } from "../ports/log.ts";
import { createLog, logStyleOf } from "../telemetry/log.ts";
import { otelSecrets } from "../telemetry/otel-environment.ts";
import { Repeats } from "../telemetry/repeats.ts";

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

/** The log of a command; no line shows a value that `loaded` marks as a secret. */
export function logOf(
  world: World,
  config: Config,
  loaded?: Pick<LoadedConfig, "settings" | "secrets">,
): Log {
  const style = logStyleOf(world.isTerminal, world.env["NO_COLOR"]);
  const marked = [...(loaded?.secrets ?? [])].map((key) => String(loaded?.settings[key] ?? ""));
  const secrets = [config.serverToken, ...marked, ...otelSecrets(world.env)];
  const repeats = new Repeats();
  process.once("exit", () => repeats.flush());
  return createLog({ level: config.logLevel, style, write: world.complain, secrets, repeats });
}
