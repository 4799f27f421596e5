import { pino } from "pino";
import { REDACTED, shown } from "../config/secrets.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { prettyLine } from "./pretty-line.ts";
import { Repeats } from "./repeats.ts";

/** JSON lines for machines; one readable line each for a person, with or without colour. */
export type LogStyle = "json" | "plain" | "color";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** What suits standard error, by default. */
  readonly style?: LogStyle;
  /** Takes whole lines with their newline; stderr by default. */
  readonly write?: (line: string) => void;
  /** Values that no line may show, wherever they stand: secrets of the configuration. */
  readonly secrets?: readonly (string | null | undefined)[];
  /** How often lines may repeat. */
  readonly repeats?: Repeats;
}

/** What suits a stream: https://no-color.org holds for a terminal, JSON for everything else. */
export function logStyleOf(isTerminal: boolean, noColor: string | undefined): LogStyle {
  if (!isTerminal) return "json";
  return noColor === undefined || noColor === "" ? "color" : "plain";
}

/** A secret shorter than this is a word that lines may have for other reasons. */
const SECRET_LENGTH_MIN = 4;

/**
 * The log of the process. Every line has `time` (ISO 8601, UTC), `level` and `msg`; lines of a task
 * have `task`, `partition` and `epoch`, and `trace_id` and `span_id` where they belong to a span. Lines
 * that repeat are limited, and say `repeated`. Fields whose name says secret are redacted, and so are
 * the values given as secrets.
 */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const style = options.style ?? logStyleOf(process.stderr.isTTY === true, process.env["NO_COLOR"]);
  const repeats = options.repeats ?? new Repeats();
  // As they are, and as JSON writes them.
  const secrets = (options.secrets ?? []).filter(isSecret).flatMap((secret) => {
    return [JSON.stringify(secret).slice(1, -1), secret];
  });
  const hidden = (line: string): string => {
    return secrets.reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
  };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line) => {
        const shownLine = hidden(line);
        write(style === "json" ? shownLine : prettyLine(shownLine, style === "color"));
      },
    },
  );
  const limited = (level: LogOptions["level"]) => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(level)) return;
    const place = [level, message, fields?.["task"], fields?.["worker"]].join("\0");
    repeats.line(place, (repeated) => {
      const all = repeated === 0 ? fields : { ...fields, repeated };
      logger[level](redacted(all), message);
    });
  };
  return {
    // Asked for by who looks for something: every line counts.
    debug: (message, fields) => logger.debug(redacted(fields), message),
    info: limited("info"),
    warn: limited("warn"),
    error: limited("error"),
  };
}

function isSecret(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value.length >= SECRET_LENGTH_MIN;
}

function redacted(fields: LogFields = {}): LogFields {
  const entries = Object.entries(fields).map(([name, value]) => {
    return [name, typeof value === "string" ? shown(name, value) : value];
  });
  return Object.fromEntries(entries);
}
