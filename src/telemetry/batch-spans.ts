import { type Link, type Span, SpanStatusCode } from "@opentelemetry/api";
import type { RecordColumns } from "../model/columns.ts";
import type { BatchTrace } from "../ports/telemetry.ts";
import { writeParent } from "./traceparent.ts";

/** The `process` span of one sampled record. */
export interface RecordSpan {
  readonly span: Span;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Where its `traceparent` stands, and the parent that it came with. */
  readonly position: number;
  readonly original: string;
}

/** The spans of a batch, and the contexts that they put into its records' headers. */
export class BatchSpans implements BatchTrace {
  readonly records: readonly RecordSpan[];
  readonly #batch: Span;
  readonly #columns: RecordColumns;
  #isOver = false;

  constructor(batch: Span, records: readonly RecordSpan[], columns: RecordColumns) {
    this.#batch = batch;
    this.records = records;
    this.#columns = columns;
  }

  /** To the batch's span and to those of its records. */
  get links(): Link[] {
    const spans = [this.#batch, ...this.records.map(({ span }) => span)];
    return spans
      .map((span) => span.spanContext())
      .filter(({ traceFlags }) => (traceFlags & 1) === 1)
      .map((context) => ({ context }));
  }

  dispatched(worker: number, again: boolean): void {
    const name = again ? "redelivered" : "dispatched";
    const attributes = { "outrigger.worker": worker };
    this.#batch.addEvent(name, attributes);
    // A first dispatch says no more than the batch's span; that a record went out again does.
    if (!again) return;
    for (const { span } of this.records) span.addEvent(name, attributes);
  }

  done(): void {
    this.#end(null);
  }

  undone(reason: string): void {
    const { bytes } = this.#columns;
    for (const { position, original } of this.records) writeParent(bytes, position, original);
    this.#end(reason);
  }

  /** Once: a batch that was done can be undone when one before it failed. */
  #end(error: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { span } of this.records) endWith(span, error);
    endWith(this.#batch, error);
  }
}

/** Ends a span; an error is named by what Kafka or the catalog calls it. */
export function endWith(span: Span, error: string | null): void {
  if (error !== null) {
    span.setAttribute("error.type", error);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
