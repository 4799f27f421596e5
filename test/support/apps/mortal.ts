import { createApp, int64, timestampedKeyValueStore, utf8 } from "@outrigger/client";

/** Counts records of a key that follow each other within ten seconds; odd counts have a topic of theirs. */
const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const seen = timestampedKeyValueStore("seen", { key: utf8, value: int64, ttl: "10s" });
const out = process.env["OUTRIGGER_TEST_OUT"] ?? "out";

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .process<string, bigint>(
    async ({ key }, ctx) => {
      const store = ctx.store(seen);
      const before = await store.get(key);
      const count = (before?.value ?? 0n) + 1n;
      store.put(key, count);
      ctx.forward({ key, value: count });
    },
    { stores: [seen] },
  )
  .to(({ value }) => (value % 2n === 0n ? out : `${out}-odd`), {
    topics: [out, `${out}-odd`],
    key: utf8,
    value: int64,
  });

await app.run({ handleSignals: true });
