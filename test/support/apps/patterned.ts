import { createApp, int64, keyValueStore, utf8 } from "@outrigger/client";

/** As `counter.ts`, for every topic whose name begins with that of the input. */
const counts = keyValueStore("counts", { key: utf8, value: int64 });
const app = createApp({ logger: { info: () => {}, warn: () => {} } });
const texts = { key: utf8, value: utf8 };

app
  .stream(new RegExp(`${process.env["OUTRIGGER_TEST_IN"] ?? "in"}.*`), texts)
  .process<string, string>(
    async (record, ctx) => {
      const store = ctx.store(counts);
      const count = ((await store.get(record.key)) ?? 0n) + 1n;
      store.put(record.key, count);
      await ctx.forward({ key: record.key, value: `${count} ${record.value}` });
    },
    { stores: [counts] },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", texts);

await app.run({ handleSignals: true });
