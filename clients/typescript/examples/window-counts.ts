import { bytes, createApp, int64, tumbling, utf8 } from "@outrigger/client";

/** How many events of each key there are in every 5 minutes. */

export const app = createApp();

app
  .stream("events", { key: utf8, value: bytes })
  .groupByKey()
  .windowedBy(tumbling("5m"))
  .count({ store: "counts" })
  .map(({ key: { key, window }, value }) => ({ key: `${key}@${window.start}`, value }))
  .to("event-counts", { key: utf8, value: int64 });

if (process.argv[1] === import.meta.filename) await app.run({ handleSignals: true });
