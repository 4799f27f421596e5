import {
  createApp,
  EmitStrategy,
  Suppressed,
  tumbling,
  utf8,
  type Windowed,
} from "@outrigger/client";

/**
 * Counts in windows of a second, here and in the sidecar, and writes each of them when it closes, by each of
 * the ways there are; and counts by key, here, and writes that once per commit.
 */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const topic = process.env["OUTRIGGER_TEST_OUT"] ?? "out";
const text = { key: utf8, value: utf8 };

const grouped = app.stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", text).groupByKey();
const windowed = grouped.windowedBy(tumbling("1s"));
const one = (_key: string, _value: string, count: string): string => String(Number(count) + 1);

function said(way: string) {
  return ({ key, value }: { key: Windowed<string>; value: unknown }) => {
    return { key: `${way} ${key.key}@${key.window.start}`, value: `${value}` };
  };
}

windowed
  .emitStrategy(EmitStrategy.onWindowClose())
  .count({ store: "closed" })
  .map(said("closed"))
  .to(topic, text);

windowed
  .emitStrategy(EmitStrategy.onWindowClose())
  .aggregate(() => "0", one, { store: "folded", value: utf8 })
  .map(said("folded"))
  .to(topic, text);

windowed
  .count({ store: "suppressed" })
  .suppress(Suppressed.untilWindowCloses(), { name: "held-back" })
  .map(said("held"))
  .to(topic, text);

grouped
  .emitStrategy(EmitStrategy.onCommit())
  .aggregate(() => "0", one, { store: "committed", value: utf8 })
  .to(`${topic}-commits`, text);

await app.run({ handleSignals: true });
