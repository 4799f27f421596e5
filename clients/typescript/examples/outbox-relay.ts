import { Pool } from "pg";

/**
 * Sends what `outbox.ts` has written, until SIGTERM. A row is marked in the transaction that holds it,
 * after it was sent: a relay that dies between the two sends again, under the same Idempotency-Key.
 * Several relays share the work.
 */

const BATCH = 100;
const IDLE_MS = 200;

const mailUrl = process.env["MAIL_URL"] ?? "http://localhost:8025/mails";
const database = new Pool({ connectionString: process.env["DATABASE_URL"] });
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());

interface Mail {
  readonly idempotency_key: string;
  readonly recipient: string;
  readonly subject: string;
}

async function relay(): Promise<number> {
  const client = await database.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<Mail>(
      `select idempotency_key, recipient, subject from outbox where sent_at is null
       order by idempotency_key limit ${BATCH} for update skip locked`,
    );
    for (const { idempotency_key: key, recipient, subject } of rows) {
      const response = await fetch(mailUrl, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ recipient, subject }),
        signal: AbortSignal.timeout(10_000),
      });
      if (!response.ok) throw new Error(`${mailUrl} answered ${response.status} to ${key}`);
      await client.query("update outbox set sent_at = now() where idempotency_key = $1", [key]);
    }
    await client.query("commit");
    return rows.length;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

while (!stopping.signal.aborted) {
  const sent = await relay().catch((error: unknown) => {
    process.stderr.write(`${error}\n`);
    return 0;
  });
  if (sent === 0) await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}
await database.end();
