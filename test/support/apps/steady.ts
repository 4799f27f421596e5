import { createApp, tumbling, utf8 } from "@outrigger/client";

/**
 * Every record as it came, to `<prefix>-copy`; and for each, to `<prefix>-windows`,
 * `<start of its window> <its value> <count>`.
 */
const prefix = process.env["OUTRIGGER_TEST_PREFIX"] ?? "steady";
const texts = { key: utf8, value: utf8 };
const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const input = app.stream(`${prefix}-in`, texts);

input.mapValues((value) => value).to(`${prefix}-copy`, texts);

input
  .groupByKey()
  .windowedBy(tumbling("10s", { grace: "10s" }))
  .aggregate(
    () => "none 0",
    (_key, value, before) => `${value} ${Number(before.split(" ")[1]) + 1}`,
    { store: "windows", value: utf8 },
  )
  .map(({ key: { key, window }, value }) => ({ key, value: `${window.start} ${value}` }))
  .to(`${prefix}-windows`, texts);

await app.run({ handleSignals: true });
