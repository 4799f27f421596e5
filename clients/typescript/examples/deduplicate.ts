import { createApp, int64, json, keyValueStore, utf8 } from "@outrigger/client";

/** Payments that were sent more than once, each only once: remembers the ids it has seen. */

interface Payment {
  readonly id: string;
  readonly cents: number;
}

const seen = keyValueStore("seen-payments", { key: utf8, value: int64 });

const app = createApp();

app
  .stream("payments", { key: utf8, value: json<Payment>() })
  .process(
    async (payment, ctx) => {
      const store = ctx.store(seen);
      if ((await store.get(payment.value.id)) !== undefined) return;
      store.put(payment.value.id, BigInt(payment.timestamp));
      ctx.forward(payment);
    },
    { stores: [seen] },
  )
  .to("payments-once", { key: utf8, value: json() });

await app.run({ handleSignals: true });
