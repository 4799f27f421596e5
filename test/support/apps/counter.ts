import { createApp, int64, keyValueStore, utf8 } from "@outrigger/client";

/**
 * Counts the records of each key in a store and sends `<count> <value>`. `OUTRIGGER_TEST_KILL` ends
 * the process without warning: `<moment>:<n>`, at the n-th record that it sees.
 *   before    the record has not been touched
 *   between   the store was written, nothing was sent
 *   after     the record's code is done; its batch is not answered, unless it was the last
 *   later     some time after: the answer may be on its way, staged, or committed
 */
const [moment, times = "0"] = (process.env["OUTRIGGER_TEST_KILL"] ?? "").split(":");
let left = Number(times);

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

const counts = keyValueStore("counts", { key: utf8, value: int64 });
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .process<string, string>(
    async (record, ctx) => {
      left -= 1;
      if (left === 0 && moment === "before") die();
      const store = ctx.store(counts);
      const count = ((await store.get(record.key)) ?? 0n) + 1n;
      store.put(record.key, count);
      if (left === 0 && moment === "between") die();
      await ctx.forward({ key: record.key, value: `${count} ${record.value}` });
      if (left === 0 && moment === "after") die();
      if (left === 0 && moment === "later") setTimeout(die, 3);
    },
    { stores: [counts] },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
