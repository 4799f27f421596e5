// The application of `warm-up.mjs`: a copy, a count in windows, and a fold of its own.
import { bytes, createApp, int64, tumbling } from "@outrigger/client";

const app = createApp();
const records = app.stream("warm-in", { key: bytes, value: bytes });
records.mapValues((value) => value).to("warm-out", { key: bytes, value: bytes });
records
  .groupByKey()
  .windowedBy(tumbling("5m"))
  .count({ store: "counts" })
  .map(({ key, value }) => ({ key: key.key, value }))
  .to("warm-out", { key: bytes, value: int64 });
records
  .groupByKey()
  .aggregate(
    () => 0n,
    (_key, _value, count) => count + 1n,
    { store: "totals", value: int64 },
  )
  .to("warm-out", { key: bytes, value: int64 });
await app.run({ handleSignals: true });
