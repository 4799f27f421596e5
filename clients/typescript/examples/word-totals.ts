import { createApp, int64, utf8 } from "@outrigger/client";

/** How often each word has come, in whatever partition: each goes to the task that counts it. */

export const app = createApp({ defaultKeySerde: utf8, defaultValueSerde: utf8 });

app
  .stream("sentences")
  .flatMapValues((sentence) => sentence.toLowerCase().match(/[a-z]+/g) ?? [])
  .groupBy(({ value: word }) => word)
  .count({ store: "word-totals" })
  .to("word-totals", { value: int64 });

if (process.argv[1] === import.meta.filename) await app.run({ handleSignals: true });
