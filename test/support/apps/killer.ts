import { createApp, DeadLetter, int64, keyValueStore, Park, utf8 } from "@outrigger/client";

/**
 * Counts the records of each key in a store and sends `<count> <value>`. With some values it comes no
 * further than that: `kill` ends the process, `fail` throws, `reject` asks for a dead letter, `park` to be
 * parked; unless `OUTRIGGER_TEST_MENDED` is set.
 */
const counts = keyValueStore("counts", { key: utf8, value: int64 });
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: utf8 })
  .process<string, string>(
    async ({ key, value }, ctx) => {
      const store = ctx.store(counts);
      const count = ((await store.get(key)) ?? 0n) + 1n;
      store.put(key, count);
      ctx.forward({ key, value: `${count} ${value}` });
      if (process.env["OUTRIGGER_TEST_MENDED"] !== undefined) return;
      if (value === "kill") process.kill(process.pid, "SIGKILL");
      if (value === "fail") throw new RangeError("half-way");
      if (value === "reject") throw new DeadLetter("no use");
      if (value === "park") throw new Park("not yet");
    },
    { stores: [counts], name: "count" },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
