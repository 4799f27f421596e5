import { createApp, utf8 } from "@outrigger/client";

/** Counts by another key than the input's: `3 what came with it` is counted under 3. */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .map(({ value }) => ({ key: value.slice(0, value.indexOf(" ")), value }))
  .groupByKey({ key: utf8, value: utf8 })
  .count({ store: "by-group" })
  .map(({ key, value }) => ({ key, value: String(value) }))
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
