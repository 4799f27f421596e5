import { pino } from "pino";
import { shown } from "../config/secrets.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { prettyLine } from "./pretty-line.ts";

/** JSON lines for machines; one readable line each for a person, with or without colour. */
export type LogStyle = "json" | "plain" | "color";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** What suits standard error, by default. */
  readonly style?: LogStyle;
  /** Takes whole lines with their newline; stderr by default. */
  readonly write?: (line: string) => void;
}

/** What suits a stream: https://no-color.org holds for a terminal, JSON for everything else. */
export function logStyleOf(isTerminal: boolean, noColor: string | undefined): LogStyle {
  if (!isTerminal) return "json";
  return noColor === undefined || noColor === "" ? "color" : "plain";
}

/**
 * The log of the process. Every line has `time` (ISO 8601, UTC), `level` and `msg`; lines of a task
 * have `task`, `partition` and `epoch`. Fields whose name says secret are redacted.
 */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const style = options.style ?? logStyleOf(process.stderr.isTTY === true, process.env["NO_COLOR"]);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => write(style === "json" ? line : prettyLine(line, style === "color")) },
  );
  return {
    debug: (message, fields) => logger.debug(redacted(fields), message),
    info: (message, fields) => logger.info(redacted(fields), message),
    warn: (message, fields) => logger.warn(redacted(fields), message),
    error: (message, fields) => logger.error(redacted(fields), message),
  };
}

function redacted(fields: LogFields = {}): LogFields {
  const entries = Object.entries(fields).map(([name, value]) => {
    return [name, typeof value === "string" ? shown(name, value) : value];
  });
  return Object.fromEntries(entries);
}
