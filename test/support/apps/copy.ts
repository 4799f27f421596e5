import { bytes, createApp } from "@outrigger/client";

/** Every record as it came: key, value, timestamp and headers. */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: bytes, value: bytes })
  .process<Uint8Array | null, Uint8Array | null>((record, ctx) =>
    ctx.forward({ key: record.key, value: record.value }),
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: bytes, value: bytes });

await app.run({ handleSignals: true });
