import { createApp, tumbling, utf8 } from "@outrigger/client";

/** The yardstick of the design: group by key, count in 5-minute windows, map, to. */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .groupByKey()
  .windowedBy(tumbling("5m"))
  .count()
  .map(({ key: { key, window }, value }) => ({
    key: `${key}@${window.start}`,
    value: String(value),
  }))
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
