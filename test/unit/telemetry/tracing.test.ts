import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TracerProvider } from "@opentelemetry/api";
import { tracing } from "@opentelemetry/sdk-node";
import type { RecordColumns } from "../../../src/model/columns.ts";
import { Tracing } from "../../../src/telemetry/tracing.ts";
import { headerText, rowsWithHeaders } from "./headers.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

function traceparent(row: number, flags = "01"): string {
  return `00-${TRACE}-${(row + 1).toString(16).padStart(16, "0")}-${flags}`;
}

function sampledRows(count: number, flags = "01"): RecordColumns {
  return rowsWithHeaders(
    Array.from({ length: count }, (_, row) => [["traceparent", traceparent(row, flags)] as const]),
  );
}

function scene(ourRoots: "on" | "off" = "on", recordSpansMax = 1_000) {
  const exporter = new tracing.InMemorySpanExporter();
  const root = ourRoots === "on" ? new tracing.AlwaysOnSampler() : new tracing.AlwaysOffSampler();
  const provider: TracerProvider = new tracing.BasicTracerProvider({
    sampler: new tracing.ParentBasedSampler({ root }),
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  const options = { group: "app", clientId: "app", recordSpansMax, isPropagating: true };
  const traces = new Tracing(provider.getTracer("test"), options);
  const plan = (columns: RecordColumns) =>
    traces.planned({ name: "0_0", epoch: 1 }, "in", {
      source: 0,
      partition: 0,
      columns,
      from: 0,
      to: columns.count,
    });
  const names = (): string[] => exporter.getFinishedSpans().map(({ name }) => name);
  const commit = (...batches: ReturnType<typeof plan>[]) =>
    traces.commitStarted({ tasks: 1, traces: batches });
  return { traces, plan, commit, names, finished: () => exporter.getFinishedSpans() };
}

describe("a batch's spans", () => {
  it("put themselves into the headers of sampled records, and only of those", () => {
    const { plan, finished } = scene();
    const columns = rowsWithHeaders([
      [["traceparent", traceparent(0)]],
      [["traceparent", traceparent(1, "00")]],
      [],
    ]);
    const untouched = [1, 2].map((row) => headerText(columns, row));
    plan(columns)?.done();
    const record = finished().find(({ attributes }) => "messaging.kafka.offset" in attributes);
    assert.equal(record?.spanContext().traceId, TRACE);
    const own = `00-${TRACE}-${record?.spanContext().spanId}-01`;
    assert.ok(headerText(columns, 0).endsWith(own));
    assert.deepEqual(
      [1, 2].map((row) => headerText(columns, row)),
      untouched,
    );
    assert.equal(finished().length, 2, "one of the record, one of the batch");
  });

  it("undone, leave the records as they came, and end as an error, once", () => {
    const { plan, finished } = scene();
    const columns = sampledRows(3);
    const before = Buffer.from(columns.bytes);
    const trace = plan(columns);
    assert.ok(!columns.bytes.equals(before));
    trace?.undone("HANDLER_FAILED");
    assert.ok(columns.bytes.equals(before));
    assert.deepEqual(
      finished().map(({ attributes }) => attributes["error.type"]),
      Array(4).fill("HANDLER_FAILED"),
    );
    const again = plan(columns);
    again?.done();
    again?.undone("closed");
    assert.ok(columns.bytes.equals(before), "also after they were done");
    assert.equal(finished().length, 8);
    assert.equal(finished().at(-1)?.attributes["error.type"], undefined);
  });

  it("tell a redelivery to the records, a first dispatch not", () => {
    const { plan, finished } = scene();
    const trace = plan(sampledRows(1));
    trace?.dispatched(1, false);
    trace?.dispatched(2, true);
    trace?.done();
    const events = finished().map((span) => span.events.map(({ name }) => name));
    assert.deepEqual(events, [["redelivered"], ["dispatched", "redelivered"]]);
  });

  it("tell a second stage from a redelivery", () => {
    const { plan, finished } = scene();
    const trace = plan(sampledRows(1));
    trace?.dispatched(1, false);
    trace?.dispatched(1, false);
    trace?.done();
    const events = finished().map((span) => span.events.map(({ name }) => name));
    assert.deepEqual(events, [[], ["dispatched", "dispatched"]]);
  });

  it("are the records' alone where our own roots are not sampled, and none without sampled records", () => {
    const { plan, names } = scene("off");
    const trace = plan(sampledRows(2));
    trace?.done();
    assert.deepEqual(names(), ["process in", "process in"]);
    assert.equal(plan(sampledRows(2, "00")), null);
    assert.equal(plan(rowsWithHeaders([])), null);
  });

  it("are bounded: so many records a second, so many links a batch", () => {
    const { plan, finished } = scene("on", 10);
    const columns = sampledRows(500);
    plan(columns)?.done();
    const batch = finished().at(-1);
    assert.equal(batch?.links.length, 128);
    assert.equal(batch?.attributes["outrigger.batch.sampled"], 500);
    assert.equal(batch?.attributes["messaging.batch.message_count"], 500);
    // The bound is for a second, and a second may have begun meanwhile.
    const records = finished().length - 1;
    assert.ok(records >= 10 && records <= 20, `${records} record spans`);
  });
});

describe("a commit's spans", () => {
  it("are one of its own with links to what it commits, and one in each sampled record's trace", () => {
    const { plan, commit, finished } = scene();
    const batch = plan(sampledRows(2));
    batch?.done();
    const trace = commit(batch, null);
    trace.sent(new Map([["out", 7]]), 300);
    trace.ended("committed", null);
    const spans = finished().slice(3);
    assert.deepEqual(spans.map(({ name }) => name).sort(), [
      "commit app",
      "commit in",
      "commit in",
      "send out",
    ]);
    const own = spans.find(({ name }) => name === "commit app");
    assert.deepEqual(own?.links.length, 3, "the batch and two records");
    assert.equal(own?.attributes["outrigger.transaction.records"], 7);
    assert.equal(own?.attributes["outrigger.transaction.bytes"], 300);
    const send = spans.find(({ name }) => name === "send out");
    assert.equal(send?.parentSpanContext?.spanId, own?.spanContext().spanId);
    assert.equal(send?.attributes["messaging.batch.message_count"], 7);
    for (const span of spans.filter(({ name }) => name === "commit in")) {
      assert.equal(span.spanContext().traceId, TRACE);
      assert.equal(span.attributes["outrigger.transaction.outcome"], "committed");
    }
  });

  it("name the outcome and Kafka's error when it is not committed", () => {
    const { plan, commit, finished } = scene();
    commit(plan(sampledRows(1))).ended("aborted", "NOT_ENOUGH_REPLICAS");
    const outcomes = finished().map(({ attributes }) => [
      attributes["outrigger.transaction.outcome"],
      attributes["error.type"],
    ]);
    assert.deepEqual(outcomes, Array(2).fill(["aborted", "NOT_ENOUGH_REPLICAS"]));
  });
});
