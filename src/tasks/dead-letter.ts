import type { TextHeader } from "../model/headers.ts";

/** Why a record was given up. */
export interface DeadLetterCause {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly applicationId: string;
  readonly task: string;
  /** The node whose code failed; empty where nobody knows. */
  readonly node: string;
  /** The class, the message and the stack of the failure, as the application's language has them. */
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly reason: DeadLetterReason;
  /** How often it was tried, or how many workers died of it. */
  readonly attempts: number;
}

export type DeadLetterReason =
  /** Its tries were used up. */
  | "retries_exhausted"
  /** The application asked for it. */
  | "rejected"
  /** A built-in node cannot read its value. */
  | "malformed"
  /** Every window that it belongs to had closed. */
  | "late"
  /** Workers died of it. */
  | "process_crash"
  /** Workers hung on it, past processing.timeout.ms. */
  | "processing_timeout"
  /** Parked behind another record of its key, and dropped with it. */
  | "parked_behind";

/** Names of Kafka Streams' (KIP-1034), so that whoever reads its dead letters reads ours. */
export const STREAMS_HEADERS = {
  exception: "__streams.errors.exception",
  message: "__streams.errors.message",
  stacktrace: "__streams.errors.stacktrace",
  topic: "__streams.errors.topic",
  partition: "__streams.errors.partition",
  offset: "__streams.errors.offset",
} as const;

export const OUTRIGGER_HEADERS = {
  reason: "outrigger.errors.reason",
  attempts: "outrigger.errors.attempts",
  applicationId: "outrigger.errors.application.id",
  task: "outrigger.errors.task",
  node: "outrigger.errors.node",
  timestamp: "outrigger.errors.timestamp",
} as const;

/** The headers that a dead letter has behind those of its record, within `bytesMax`. */
export function deadLetterHeaders(cause: DeadLetterCause, bytesMax: number): TextHeader[] {
  const short: TextHeader[] = [
    [STREAMS_HEADERS.exception, cause.type],
    [STREAMS_HEADERS.topic, cause.topic],
    [STREAMS_HEADERS.partition, String(cause.partition)],
    [STREAMS_HEADERS.offset, String(cause.offset)],
    [OUTRIGGER_HEADERS.reason, cause.reason],
    [OUTRIGGER_HEADERS.attempts, String(cause.attempts)],
    [OUTRIGGER_HEADERS.applicationId, cause.applicationId],
    [OUTRIGGER_HEADERS.task, cause.task],
    [OUTRIGGER_HEADERS.timestamp, String(cause.timestamp)],
  ];
  if (cause.node !== "") short.push([OUTRIGGER_HEADERS.node, cause.node]);
  let left = bytesMax - short.reduce((sum, header) => sum + sizeOf(header), 0);
  // A record near the limit must still fit: the stack goes first, then the message.
  for (const [name, text] of [
    [STREAMS_HEADERS.message, cause.message],
    [STREAMS_HEADERS.stacktrace, cause.stack],
  ] as const) {
    const header: TextHeader = [name, text];
    if (text === "" || sizeOf(header) > left) continue;
    short.push(header);
    left -= sizeOf(header);
  }
  return short;
}

/** Room for the two lengths of a header, as varints. */
const LENGTHS = 10;

function sizeOf([name, value]: TextHeader): number {
  return name.length + 3 * value.length + LENGTHS;
}
