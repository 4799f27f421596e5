import {
  type Context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { RecordColumns } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type {
  BatchTrace,
  CommitFacts,
  CommitOutcome,
  CommitTrace,
  TakeoverTrace,
  TaskLabel,
  TraceIds,
} from "../ports/telemetry.ts";
import { BatchSpans, endWith, type RecordSpan } from "./batch-spans.ts";
import { type Operation, operationAttributes, recordAttributes } from "./span-attributes.ts";
import { contextOf, mayBeSampled, type RecordContext, writeParent } from "./traceparent.ts";

/** More links say no more; the real count is an attribute. */
const LINKS_MAX = 128;

export interface TracingOptions {
  readonly group: string;
  readonly clientId: string;
  /** `tracing.record.spans.max`: per second. */
  readonly recordSpansMax: number;
  /** Whether records' own trace context is read and written; without, records have no spans. */
  readonly isPropagating: boolean;
}

/**
 * Makes the sidecar's spans. Each fetch, batch, transaction and takeover has one, a root of its own
 * that the sampler decides on, with links to the sampled records. A record has spans of its own only
 * where its producer sampled its trace: `process` and `commit`, below the producer's span.
 */
export class Tracing {
  readonly #tracer: Tracer;
  readonly #options: TracingOptions;
  readonly #budget: SpanBudget;

  constructor(tracer: Tracer, options: TracingOptions) {
    this.#tracer = tracer;
    this.#options = options;
    this.#budget = new SpanBudget(options.recordSpansMax);
  }

  fetched(chunk: FetchedChunk, { requestedAtMs }: FetchFacts): void {
    const { topic, partition, columns } = chunk;
    if (columns.count === 0) return;
    const span = this.#start("poll", { topic, partition }, SpanKind.CLIENT, {
      startTime: requestedAtMs,
    });
    if (span.isRecording()) {
      const sampled = this.#sampledRows(columns, 0, columns.count);
      span.addLinks(linksOf(columns, sampled));
      span.setAttributes(batchCounts(columns.count, sampled.length));
    }
    span.end();
  }

  #sampledRows(columns: RecordColumns, from: number, to: number): number[] {
    const rows: number[] = [];
    if (!this.#options.isPropagating) return rows;
    for (let row = from; row < to; row++) if (mayBeSampled(columns, row)) rows.push(row);
    return rows;
  }

  planned(task: TaskLabel, topic: string, input: RowRange): BatchTrace | null {
    const { columns, partition, from, to } = input;
    if (to === from) return null;
    const batch = this.#start("process", { topic, partition }, SpanKind.CONSUMER, {});
    const sampled = this.#sampledRows(columns, from, to);
    if (batch.isRecording()) {
      // Before the records' headers name our own spans.
      batch.addLinks(linksOf(columns, sampled));
      batch.setAttributes({
        ...batchCounts(to - from, sampled.length),
        "outrigger.task": task.name,
        "outrigger.task.epoch": task.epoch,
      });
    }
    const records = this.#recordSpans(topic, input, sampled, batch);
    if (records.length === 0 && !batch.isRecording()) return null;
    return new BatchSpans(batch, records, columns);
  }

  commitStarted(facts: CommitFacts): CommitTrace {
    const batches = facts.traces.filter((each) => each instanceof BatchSpans);
    const span = this.#start("commit", { topic: "" }, SpanKind.CLIENT, {});
    if (span.isRecording()) {
      const links = batches.flatMap(({ links }) => links);
      span.addLinks(links.slice(0, LINKS_MAX));
      span.setAttribute("outrigger.transaction.tasks", facts.tasks);
    }
    const link = span.isRecording() ? [{ context: span.spanContext() }] : [];
    const records = batches.flatMap((batch) =>
      batch.records.map((record) => {
        const below = trace.setSpan(ROOT_CONTEXT, record.span);
        return this.#startRecord("commit", record, SpanKind.CLIENT, link, below);
      }),
    );
    return new CommitSpans(span, records, (topic, count, startTime) => {
      const below = trace.setSpan(ROOT_CONTEXT, span);
      const send = this.#start("send", { topic }, SpanKind.CLIENT, { startTime }, below);
      send.setAttribute("messaging.batch.message_count", count);
      send.end();
    });
  }

  takeover(task: TaskLabel): TakeoverTrace {
    const span = this.#tracer.startSpan(`takeover ${task.name}`, {}, ROOT_CONTEXT);
    span.setAttributes({ "outrigger.task": task.name, "outrigger.task.epoch": task.epoch });
    return new TakeoverSpans(span, (store, changelog, records, startTime) => {
      const attributes = {
        "messaging.destination.name": changelog.topic,
        "messaging.destination.partition.id": String(changelog.partition),
        "outrigger.store": store,
        "outrigger.restore.records": records,
      };
      const below = trace.setSpan(ROOT_CONTEXT, span);
      this.#tracer.startSpan(`restore ${store}`, { attributes, startTime }, below).end();
    });
  }

  /** Spans of sampled records, whose headers then carry them: in place, 16 bytes each. */
  #recordSpans(
    topic: string,
    { columns, partition }: RowRange,
    sampled: readonly number[],
    batch: Span,
  ): RecordSpan[] {
    const links = batch.isRecording() ? [{ context: batch.spanContext() }] : [];
    const records: RecordSpan[] = [];
    for (const row of sampled) {
      const context = contextOf(columns, row);
      if (context?.sampled !== true || !this.#budget.take()) continue;
      const offset = columns.offsets[row] ?? 0;
      const below = trace.setSpanContext(ROOT_CONTEXT, remote(context));
      const at = { topic, partition, offset };
      const span = this.#startRecord("process", at, SpanKind.CONSUMER, links, below);
      // Another sampler than the producer's may have decided otherwise: then its context passes on.
      if (!span.isRecording()) continue;
      writeParent(columns.bytes, context.position, span.spanContext().spanId);
      const original = context.spanId;
      records.push({ span, topic, partition, offset, position: context.position, original });
    }
    return records;
  }

  #startRecord(
    operation: Operation,
    { topic, partition, offset }: Omit<RecordSpan, "span" | "position" | "original">,
    kind: SpanKind,
    links: Link[],
    parent: Context,
  ): Span {
    const attributes = recordAttributes(operation, { topic, partition });
    attributes["messaging.kafka.offset"] = offset;
    return this.#tracer.startSpan(`${operation} ${topic}`, { kind, attributes, links }, parent);
  }

  #start(
    operation: Operation,
    destination: { readonly topic: string; readonly partition?: number },
    kind: SpanKind,
    options: { readonly startTime?: number; readonly links?: Link[] },
    parent: Context = ROOT_CONTEXT,
  ): Span {
    const attributes = operationAttributes(operation, this.#options, destination);
    const name = `${operation} ${destination.topic === "" ? this.#options.group : destination.topic}`;
    return this.#tracer.startSpan(name, { kind, attributes, ...options }, parent);
  }
}

class CommitSpans implements CommitTrace {
  readonly #span: Span;
  readonly #records: readonly Span[];
  readonly #send: (topic: string, count: number, startTime: number) => void;
  readonly #startedAtMs = performance.now();

  constructor(
    span: Span,
    records: readonly Span[],
    send: (topic: string, count: number, startTime: number) => void,
  ) {
    this.#span = span;
    this.#records = records;
    this.#send = send;
  }

  sent(records: ReadonlyMap<string, number>, bytes: number): void {
    if (!this.#span.isRecording()) return;
    let total = 0;
    for (const [topic, count] of records) {
      total += count;
      this.#send(topic, count, this.#startedAtMs);
    }
    this.#span.setAttributes({
      "outrigger.transaction.records": total,
      "outrigger.transaction.bytes": bytes,
    });
  }

  ended(outcome: CommitOutcome, error: string | null): void {
    for (const span of [...this.#records, this.#span]) {
      span.setAttribute("outrigger.transaction.outcome", outcome);
      endWith(span, error);
    }
  }
}

class TakeoverSpans implements TakeoverTrace {
  readonly ids: TraceIds;
  readonly #span: Span;
  readonly #restored: TakeoverTrace["restored"];

  constructor(span: Span, restored: TakeoverTrace["restored"]) {
    this.#span = span;
    this.#restored = restored;
    const { traceId, spanId } = span.spanContext();
    this.ids = { traceId, spanId };
  }

  restored(store: string, changelog: TopicPartition, records: number, sinceMs: number): void {
    this.#restored(store, changelog, records, sinceMs);
  }

  ended(error: string | null): void {
    endWith(this.#span, error);
  }
}

/** At most so many a second; what is above keeps its producer's context. */
class SpanBudget {
  readonly #perSecond: number;
  #left: number;
  #second = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  take(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#left = this.#perSecond;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }
}

function batchCounts(rows: number, sampled: number): Record<string, number> {
  return { "messaging.batch.message_count": rows, "outrigger.batch.sampled": sampled };
}

/** Looked for once for a batch: most rows are not sampled, and for those nothing is made. */
function linksOf(columns: RecordColumns, sampled: readonly number[]): Link[] {
  return sampled.slice(0, LINKS_MAX).flatMap((row) => {
    const context = contextOf(columns, row);
    return context === null ? [] : [{ context: remote(context) }];
  });
}

function remote({ traceId, spanId, state }: RecordContext): SpanContext {
  const traceState = state === null ? {} : { traceState: createTraceState(state) };
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true, ...traceState };
}
