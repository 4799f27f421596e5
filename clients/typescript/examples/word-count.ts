import { bytes, createApp, int64, keyValueStore, utf8 } from "@outrigger/client";

/** How often each word has come: a count for each word of each line, as soon as it comes. */

const counts = keyValueStore("word-counts", { key: utf8, value: int64 });

const app = createApp();

app
  .stream("lines", { key: bytes, value: utf8 })
  .process<string, bigint>(
    async (line, ctx) => {
      const store = ctx.store(counts);
      for (const [word] of line.value.toLowerCase().matchAll(/[a-z]+/g)) {
        const count = ((await store.get(word)) ?? 0n) + 1n;
        store.put(word, count);
        ctx.forward({ key: word, value: count });
      }
    },
    { stores: [counts] },
  )
  .to("word-counts", { key: utf8, value: int64 });

await app.run({ handleSignals: true });
