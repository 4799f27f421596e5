import type { TraceIds } from "../ports/telemetry.ts";
import { traceIdsOf } from "../telemetry/traceparent.ts";
import type { Batch } from "./batch.ts";

/** The span of a batch's row, or what its producer traced it by; null where it has neither. */
export function idsOf({ rows }: Pick<Batch, "rows">, row: number): TraceIds | null {
  let rest = row;
  for (const { columns, from, to } of rows) {
    if (rest < to - from) return traceIdsOf(columns, from + rest);
    rest -= to - from;
  }
  return null;
}
