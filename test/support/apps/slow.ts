import { createApp, utf8 } from "@outrigger/client";

// Copies records, and holds each until SIGUSR2: so that a test can look on while it is held.
const released = new Promise<void>((resolve) => process.once("SIGUSR2", () => resolve()));
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .process<string, string>(async ({ key, value }, ctx) => {
    process.stdout.write(`holds ${value}\n`);
    await released;
    ctx.forward({ key, value });
  })
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
