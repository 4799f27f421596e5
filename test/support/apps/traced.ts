import { trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { createApp, utf8 } from "@outrigger/client";

// A traced application: a span of its own in each record's handler, exported as OTEL_* says.
const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer("app");
let failuresLeft = Number(process.env["OUTRIGGER_TEST_FAILURES"] ?? 0);

const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .process<string, string>((record, ctx) =>
    tracer.startActiveSpan("handle", (span) => {
      span.setAttribute("value", record.value);
      span.end();
      if (record.value.startsWith("fails") && failuresLeft-- > 0) throw new Error("not today");
      ctx.forward({ key: record.key, value: record.value });
    }),
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
await sdk.shutdown();
