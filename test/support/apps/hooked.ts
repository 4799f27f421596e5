import { appendFileSync } from "node:fs";
import { createApp, utf8 } from "@outrigger/client";

/**
 * Copies records, and asks the hook `receipt` for each, which writes a line into the file
 * OUTRIGGER_TEST_LEDGER: its idempotency key, and what it was asked. A record `fail…` fails after it has
 * asked, the hook fails on `poison…`, and on `kill…` it ends the process.
 */
const ledger = process.env["OUTRIGGER_TEST_LEDGER"] ?? "ledger";
const text = { key: utf8, value: utf8 };
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

const receipt = app.afterCommit<string, string>(
  "receipt",
  async ({ key, value, idempotencyKey }) => {
    appendFileSync(ledger, `${idempotencyKey} ${key} ${value}\n`);
    if (value.startsWith("kill")) process.kill(process.pid, "SIGKILL");
    // Short, so that there are kills between an effect and the commit of its offset.
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (value.startsWith("poison")) throw new Error("no mail today");
  },
  { ...text, failurePolicy: { retry: { max: 2, initial: 50 }, exhausted: "deadLetter" } },
);

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", text)
  .process<string, string>(
    ({ key, value }, ctx) => {
      ctx.afterCommit(receipt, value);
      ctx.forward({ key, value });
      if (value.startsWith("fail")) throw new Error("half-way");
    },
    { name: "copy", failurePolicy: { retry: { max: 0 }, exhausted: "skip" } },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", text);

await app.run({ handleSignals: true });
