import { createApp, json, utf8 } from "@outrigger/client";

/**
 * Orders with their customer's name, asked of a service. The call happens at least once for each
 * record: the service can tell a repeated one by its Idempotency-Key.
 */

interface Order {
  readonly customer: string;
  readonly cents: number;
}

interface EnrichedOrder extends Order {
  readonly name: string;
}

const customersUrl = process.env["CUSTOMERS_URL"] ?? "http://localhost:8080/customers";

const app = createApp();

app
  .stream("orders", { key: utf8, value: json<Order>() })
  .process<string, EnrichedOrder>(async (order, ctx) => {
    const response = await fetch(`${customersUrl}/${order.value.customer}`, {
      headers: { "Idempotency-Key": order.idempotencyKey },
      signal: ctx.signal,
    });
    // Thrown, the record fails, and is tried again by the sidecar's policy.
    if (!response.ok) throw new Error(`the service answered ${response.status}`);
    const { name } = (await response.json()) as { name: string };
    ctx.forward({ key: order.key, value: { ...order.value, name } });
  })
  .to("orders-enriched", { key: utf8, value: json() });

await app.run({ handleSignals: true });
