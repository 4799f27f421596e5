import { createApp, EmitStrategy, Suppressed, tumbling, utf8 } from "@outrigger/client";

/** Counts in windows of a second, and writes each of them when it closes, by each of the two ways. */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const topic = process.env["OUTRIGGER_TEST_OUT"] ?? "out";

const windowed = app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .groupByKey()
  .windowedBy(tumbling("1s"));

windowed
  .emitStrategy(EmitStrategy.onWindowClose())
  .count({ store: "closed" })
  .map(({ key, value }) => ({ key: `closed ${key.key}@${key.window.start}`, value: `${value}` }))
  .to(topic, { key: utf8, value: utf8 });

windowed
  .count({ store: "suppressed" })
  .suppress(Suppressed.untilWindowCloses(), { name: "held-back" })
  .map(({ key, value }) => ({ key: `held ${key.key}@${key.window.start}`, value: `${value}` }))
  .to(topic, { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
