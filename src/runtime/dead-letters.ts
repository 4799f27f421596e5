import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  STRIDE,
  VALUE_LENGTH,
} from "../model/columns.ts";
import { withHeaders } from "../model/headers.ts";
import type { RowRange } from "../model/rows.ts";
import { deadLetterHeaders } from "../tasks/dead-letter.ts";
import type { Sentence } from "./failures.ts";

type Said = Pick<Sentence, "reason" | "attempts"> & {
  readonly fault: Pick<Sentence["fault"], "node" | "type" | "message" | "stack">;
};

/** A record that was given up: what a cut writes for it. */
export interface DeadLetter {
  readonly row: RowRange;
  /** The record's own headers and those that say why, in Kafka's record format. */
  readonly headers: Buffer;
}

/** Room for what surrounds key, value and headers in a record. */
const RECORD_OVERHEAD_BYTES = 64;

/**
 * The dead letter of one input row; its key and value stay as they are, to the byte. Null for a record
 * so large that not even the shortest reason fits beside it.
 */
export function deadLetterOf(
  row: RowRange,
  sentence: Said,
  origin: { readonly topic: string; readonly applicationId: string; readonly task: string },
  recordBytesMax: number,
): DeadLetter | null {
  const { columns, from, partition } = row;
  const at = from * STRIDE;
  const { bytes, positions } = columns;
  const [start, end] = [positions[at + HEADERS_POSITION] ?? 0, positions[at + HEADERS_END] ?? 0];
  const taken =
    Math.max(0, positions[at + KEY_LENGTH] ?? 0) +
    Math.max(0, positions[at + VALUE_LENGTH] ?? 0) +
    (end - start) +
    RECORD_OVERHEAD_BYTES;
  const { fault, reason, attempts } = sentence;
  const cause = {
    ...origin,
    ...fault,
    partition,
    offset: columns.offsets[from] ?? -1,
    timestamp: columns.timestamps[from] ?? -1,
    reason,
    attempts,
  };
  const headers = withHeaders(bytes, start, end, deadLetterHeaders(cause, recordBytesMax - taken));
  const fits = taken - (end - start) + headers.length <= recordBytesMax;
  return fits ? { row, headers } : null;
}
