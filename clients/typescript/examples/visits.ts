import { createApp, int64, nullable, session, utf8 } from "@outrigger/client";

/** How many clicks each visit has: a visit ends where a user clicks nothing for half an hour. */

export const app = createApp({ defaultKeySerde: utf8, defaultValueSerde: utf8 });

app
  .stream("clicks")
  .groupByKey()
  .windowedBy(session("30m"))
  .count({ store: "clicks-by-visit" })
  // A visit that goes on has another window: what was told of the last one is taken back, as null.
  .map(({ key: { key: user, window }, value }) => ({
    key: `${user} ${window.start}-${window.end}`,
    value,
  }))
  .to("visits", { value: nullable(int64) });

if (process.argv[1] === import.meta.filename) await app.run({ handleSignals: true });
