/** The application of sdk-server.test.ts: counts words in a store; some words do something else. */
import {
  createApp,
  keyValueStore,
  OutriggerClientError,
  safeInt64,
  utf8,
} from "../../clients/typescript/src/index.ts";

const counts = keyValueStore("counts", { key: utf8, value: safeInt64 });
const app = createApp({ applicationId: "words" });

app
  .stream("words", { key: utf8, value: utf8 })
  .process<string, number>(
    async ({ key, value, idempotencyKey }, ctx) => {
      if (value === "fail") throw new RangeError(`no count for ${key}`);
      const store = ctx.store(counts);
      // `of <word>` asks for a word that is not the record's own.
      const word = value.startsWith("of ") ? value.slice("of ".length) : key;
      const count = ((await store.get(word)) ?? 0) + 1;
      store.put(word, count);
      const headers = [{ key: "id", value: Buffer.from(idempotencyKey) }];
      ctx.forward({ key: word, value: count, headers });
    },
    { stores: [counts], name: "count" },
  )
  .to("counts", { key: utf8, value: safeInt64 });

try {
  await app.run({ handleSignals: true });
} catch (error: unknown) {
  if (!(error instanceof OutriggerClientError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 3;
}
