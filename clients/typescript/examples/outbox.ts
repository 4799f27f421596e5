import { createApp, json, utf8 } from "@outrigger/client";
import { Pool } from "pg";

/**
 * A mail for each order, by an outbox: the handler writes the mail to PostgreSQL, `outbox-relay.ts`
 * sends it. A record is processed again when a process dies before its transaction is committed; its
 * idempotency key, the same each time, is the table's key, so that the second row is none.
 */

interface Order {
  readonly customer: string;
  readonly cents: number;
}

const database = new Pool({ connectionString: process.env["DATABASE_URL"] });
await database.query(`create table if not exists outbox (
  idempotency_key text primary key,
  recipient text not null,
  subject text not null,
  sent_at timestamptz
)`);

const app = createApp();

app
  .stream("mailed-orders", { key: utf8, value: json<Order>() })
  .process<string, string>(async (order, ctx) => {
    const { customer, cents } = order.value;
    await database.query(
      `insert into outbox (idempotency_key, recipient, subject) values ($1, $2, $3)
       on conflict (idempotency_key) do nothing`,
      [order.idempotencyKey, customer, `Your order over ${(cents / 100).toFixed(2)}`],
    );
    ctx.forward({ key: order.key, value: order.idempotencyKey });
  })
  .to("queued-mails", { key: utf8, value: utf8 });

await app.run({ handleSignals: true });
await database.end();
