import { bytes, createApp, keyValueStore, utf8 } from "@outrigger/client";

/**
 * Remembers each key's last value. Forwards every value, behind it the one before of its key, and what
 * the key `first` has now: that one is asked for, the one before travels with the batch.
 * `OUTRIGGER_TEST_KILL`, `<n>:<ms>`, ends the process within so long after the code of the n-th record that
 * it sees: the answer is on its way.
 */
const [times = "0", ms = "0"] = (process.env["OUTRIGGER_TEST_KILL"] ?? "").split(":");
let left = Number(times);

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

const lasts = keyValueStore("lasts", { key: utf8, value: bytes });
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", { key: utf8, value: bytes })
  .process<string, Uint8Array | null>(
    async (record, ctx) => {
      const store = ctx.store(lasts);
      const before = await store.get(record.key);
      store.put(record.key, record.value);
      await ctx.forward({ key: record.key, value: record.value });
      if (before !== undefined) await ctx.forward({ key: `${record.key} before`, value: before });
      const first = record.key === "first" ? undefined : await store.get("first");
      left -= 1;
      if (left === 0) setTimeout(die, Math.random() * Number(ms));
      if (first !== undefined) await ctx.forward({ key: `${record.key} first`, value: first });
    },
    { stores: [lasts] },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", { key: utf8, value: bytes });

await app.run({ handleSignals: true });
