/**
 * What tracing costs a record, without the rest of the sidecar: batches of 500 rows, each with a
 * `traceparent` header, are planned, committed and their spans exported as OTLP to nobody. Processor
 * time of the process, so that other work on the machine matters little.
 *
 *   node --import tsx --conditions=@outrigger/source test/bench/tracing.ts
 */
import { createServer } from "node:http";
import { performance } from "node:perf_hooks";
import { trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { RecordColumns } from "../../src/model/columns.ts";
import type { Telemetry } from "../../src/ports/telemetry.ts";
import { Recorder } from "../../src/telemetry/recorder.ts";
import { Registry } from "../../src/telemetry/registry.ts";
import { silentTelemetry } from "../../src/telemetry/silent.ts";
import { Tracing } from "../../src/telemetry/tracing.ts";
import { freePort } from "../support/ports.ts";
import { rowsWithHeaders } from "../unit/telemetry/headers.ts";

const ROWS = 500;
const BATCHES_PER_COMMIT = 20;
const COMMITS = 200;
const FACTS = { requestedAtMs: 0, lastStableOffset: 0, highWatermark: 0 };

function batch(sampledEach: number): RecordColumns {
  return rowsWithHeaders(
    Array.from({ length: ROWS }, (_, row) => {
      const id = (row + 1).toString(16);
      const flags = row % sampledEach === sampledEach - 1 ? "01" : "00";
      return [["traceparent", `00-${id.padStart(32, "0")}-${id.padStart(16, "0")}-${flags}`]];
    }),
  );
}

/** What the runtime calls for the records of one commit. */
function commit(telemetry: Telemetry, columns: RecordColumns): void {
  const input = { source: 0, partition: 0, columns, from: 0, to: ROWS };
  const chunk = { topic: "in", partition: 0, fence: 0, nextOffset: 0, leaderEpoch: 0, bytes: 0 };
  const traces = Array.from({ length: BATCHES_PER_COMMIT }, () => {
    telemetry.fetched({ ...chunk, columns }, FACTS);
    const planned = telemetry.planned({ name: "0_0", epoch: 1 }, "in", input);
    planned?.dispatched(1, false);
    telemetry.answered("in", 1);
    planned?.done();
    return planned;
  });
  const records = ROWS * BATCHES_PER_COMMIT;
  const committing = telemetry.commitStarted({ tasks: 1, traces });
  for (const phase of ["producing", "sendingOffsets", "ending", "applying"]) {
    telemetry.phaseEnded(phase, 1);
  }
  const sent = new Map([["out", records]]);
  committing?.sent(sent, records * 100);
  committing?.ended("committed", null);
  telemetry.committed(5, sent, {
    records,
    dropped: 0,
    skipped: 0,
    deadLettered: 0,
    parked: 0,
    released: 0,
  });
  // As when the records leave: their headers are as they came for the next round.
  for (const each of traces) each?.undone("over");
}

async function measure(name: string, telemetry: Telemetry, sampledEach: number): Promise<void> {
  const columns = batch(sampledEach);
  for (let i = 0; i < COMMITS / 4; i++) commit(telemetry, columns);
  const before = process.cpuUsage();
  const startedAtMs = performance.now();
  for (let i = 0; i < COMMITS; i++) {
    commit(telemetry, columns);
    // The exporter has its turn, as it has between two commits.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { user, system } = process.cpuUsage(before);
  const records = COMMITS * BATCHES_PER_COMMIT * ROWS;
  const nanos = ((user + system) * 1_000) / records;
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  process.stdout.write(
    `${name.padEnd(40)} ${nanos.toFixed(0).padStart(6)} ns a record (${seconds} s)\n`,
  );
}

const server = createServer((request, response) => {
  request.resume().on("end", () => response.end());
});
const port = await freePort();
await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
const options = { group: "app", clientId: "app", recordSpansMax: 1_000_000, isPropagating: true };
const recorder = (tracing: Tracing | null) =>
  new Recorder({
    registry: new Registry(),
    tracing,
    allKafkaNames: false,
    status: () => {
      throw new Error("nobody asks");
    },
  });
await measure("no telemetry at all", silentTelemetry, 100);
await measure("off: counted, not traced", recorder(null), 100);
for (const [sampler, said] of [
  ["parentbased_traceidratio", "our roots at 1 %"],
  ["parentbased_always_on", "all of our roots"],
] as const) {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_TRACES_SAMPLER: sampler,
    OTEL_TRACES_SAMPLER_ARG: "0.01",
  });
  trace.disable();
  const sdk = new NodeSDK();
  sdk.start();
  const tracing = new Tracing(trace.getTracer("bench"), options);
  await measure(`traced, no record sampled, ${said}`, recorder(tracing), 1_000_000);
  await measure(`traced, 1 % of records, ${said}`, recorder(tracing), 100);
  await sdk.shutdown();
}
server.close();
