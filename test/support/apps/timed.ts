import { createApp, int64, keyValueStore, utf8 } from "@outrigger/client";

/**
 * Sets timers as its records say, `what-n`, and forwards each that fires as `name time`:
 *
 *   once    50 ms of stream time from now
 *   moved   10 ms from now, then moved to 100
 *   wall    at 700 ms from now by the wall clock
 *   doomed  300 ms from now; `spared-n`, of the same key, cancels it
 *   fail    50 ms from now, and the record fails
 *
 * A punctuator of stream time counts its calls in the task's store, and forwards each count.
 */
const text = { key: utf8, value: utf8 };
const ticks = keyValueStore("ticks", { key: utf8, value: int64 });
const app = createApp({ logger: { info: () => {}, warn: () => {} } });

app
  .stream(process.env["OUTRIGGER_TEST_IN"] ?? "in", text)
  .process<string, string>(
    ({ value, timestamp }, { timers }) => {
      const [what, n = ""] = value.split("-");
      if (what === "once" || what === "fail") timers.set(value, timestamp + 50);
      if (what === "moved") timers.set(value, timestamp + 10);
      if (what === "moved") timers.set(value, timestamp + 100);
      if (what === "wall") timers.set(value, Date.now() + 700, { clock: "wallClock" });
      if (what === "doomed") timers.set(value, timestamp + 300);
      if (what === "spared") timers.delete(`doomed-${n}`);
      if (what === "fail") throw new Error("half-way");
    },
    {
      name: "wait",
      stores: [ticks],
      failurePolicy: { retry: { max: 0 }, exhausted: "skip" },
      onTimer: ({ key, name, time }, ctx) => ctx.forward({ key, value: `${name} ${time}` }),
      punctuators: [
        {
          name: "tick",
          interval: 250,
          onPunctuate: async (_, ctx) => {
            const store = ctx.store(ticks);
            const count = ((await store.get("all")) ?? 0n) + 1n;
            await store.put("all", count);
            ctx.forward({ key: "tick", value: `tick ${count}` });
          },
        },
      ],
    },
  )
  .to(process.env["OUTRIGGER_TEST_OUT"] ?? "out", text);

await app.run({ handleSignals: true });
