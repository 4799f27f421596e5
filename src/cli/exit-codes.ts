import { CheckRefused } from "../checks/finding.ts";
import { InvariantError } from "../errors/invariant.ts";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { inSources } from "./stack.ts";

/** What the exit code says; a signal adds 128, as shells do: 129, 130, 143. */
export const EXIT = {
  ok: 0,
  /** Something failed that a restart or a person can mend. */
  failed: 1,
  /** The command line or the configuration is wrong, or a check forbids the start. */
  usage: 2,
  /** A broken invariant: our bug. */
  bug: 70,
} as const;

/** What a command leaves behind, for whoever ran it. */
export interface Outcome {
  exitCode: number;
}

/** The exit code of a signal that stopped us. */
export function exitCodeOfSignal(signal: StopSignal): number {
  switch (signal) {
    case "SIGHUP":
      return 129;
    case "SIGINT":
      return 130;
    case "SIGTERM":
      return 143;
  }
}

export type StopSignal = "SIGHUP" | "SIGINT" | "SIGTERM";

export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof InvariantError) return EXIT.bug;
  if (thrown instanceof CheckRefused) return EXIT.usage;
  if (thrown instanceof OutriggerError) {
    return thrown.code === "CONFIG_INVALID" ? EXIT.usage : EXIT.failed;
  }
  // Whatever else reaches the top was foreseen by nobody.
  return EXIT.bug;
}

/** An error as a person reads it: the code, the message, the causes, what to do, the page. */
export function errorText(thrown: unknown): string {
  const error = asError(thrown);
  if (!(error instanceof OutriggerError)) {
    return `outrigger: a bug was met, please report it: ${inSources(error.stack ?? error.message)}\n`;
  }
  const lines = [`outrigger: ${error.code}: ${error.message}`];
  let { cause } = error;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth++) {
    lines.push(`  caused by: ${cause.message}`);
    cause = cause.cause;
  }
  lines.push(`  what to do: ${error.remedy} See docs/errors/${error.code}.md`);
  return `${lines.join("\n")}\n`;
}

const CAUSES_MAX = 5;
