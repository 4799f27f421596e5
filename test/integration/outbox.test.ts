import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { freePort } from "../support/ports.ts";
import { Postgres, postgresPrograms } from "../support/postgres.ts";
import { Scene } from "../support/scene.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { makeTopics, produce } from "../support/topics.ts";

const ORDERS = 1_000;
/** So many mails are in the outbox when a process is killed: the application's and the sidecar's turns. */
const KILLS = [100, 200, 300, 400, 500, 600];
/** Small batches and quick commits, so that every kill falls among many. */
const FLAGS = { "batch.max.records": 20, "commit.interval.ms": 10 };
const FROM = "mailed-orders";
const TO = "queued-mails";

const programs = postgresPrograms();
const kind = availableBrokers().at(-1);
if (programs === null) {
  process.stdout.write("NOT PROVED: the outbox example, because PostgreSQL is not installed\n");
} else if (kind !== undefined) {
  describe(`an outbox in PostgreSQL, with ${kind.name}`, () => suite(programs, kind));
}

/** Counts every attempt to write a mail, those that meet a row among them. */
const AUDIT = `
  create table outbox (idempotency_key text primary key, recipient text not null,
    subject text not null, sent_at timestamptz);
  create table attempts (idempotency_key text);
  create function count_attempt() returns trigger language plpgsql as
    $$ begin insert into attempts values (new.idempotency_key); return new; end $$;
  create trigger attempted before insert on outbox for each row execute function count_attempt();`;

function suite(programs: string, kind: NonNullable<ReturnType<typeof availableBrokers>[number]>) {
  let broker: Broker;
  let postgres: Postgres;
  let database: pg.Pool;
  let scene: Scene;

  before(async () => {
    postgres = await Postgres.start(programs);
    database = new pg.Pool({ connectionString: postgres.url });
    // The server may end before a connection that was told to end has done so.
    database.on("error", () => {});
    await database.query(AUDIT);
    broker = await kind.start();
    scene = await Scene.make(kind.name, broker, "outbox", FLAGS);
    await makeTopics(scene.kafka, [FROM, TO]);
  });
  after(async () => {
    await scene.end();
    await broker.stop();
    await database.end();
    await postgres.stop();
  });

  const count = async (what: string): Promise<number> => {
    const { rows } = await database.query(`select count(*)::int as n from ${what}`);
    return rows[0].n;
  };
  const startApplication = (): Child =>
    scene.startApplication("clients/typescript/examples/outbox.js", { DATABASE_URL: postgres.url });

  test("R-16: a mail for each order, once, whichever process is killed", async () => {
    const orders = Array.from({ length: ORDERS }, (_, n) => ({
      key: `order-${n}`,
      value: JSON.stringify({ customer: `c${n}@example.test`, cents: n }),
    }));
    await produce(scene.kafka, FROM, orders);
    let sidecar = scene.startSidecar();
    let application = startApplication();
    for (const [turn, mails] of KILLS.entries()) {
      const isReached = async (): Promise<boolean> => (await count("outbox")) >= mails;
      await eventually(`${mails} mails`, isReached, [sidecar, application]);
      if (turn % 2 === 0) {
        await application.kill();
        application = startApplication();
      } else {
        await sidecar.kill();
        sidecar = scene.startSidecar();
      }
    }
    await scene.records(TO, ORDERS);
    const queued = (await scene.judge([TO])).map((judged) =>
      judged.map(({ value }) => String(value)).sort(),
    );
    const { rows } = await database.query("select idempotency_key as key, recipient from outbox");
    const keys = rows.map(({ key }) => String(key)).sort();
    for (const each of queued) assert.deepEqual(each, keys);
    assert.deepEqual(
      rows.map(({ recipient }) => recipient).sort(),
      orders.map(({ value }) => JSON.parse(value).customer).sort(),
    );
    assert.ok(
      (await count("attempts")) > ORDERS,
      "no record was processed twice: nothing is shown",
    );
  });

  test("the relay sends each mail under its key, though it is killed while it sends", async () => {
    const received: string[] = [];
    let waiting: (() => void) | null = null;
    const mails = createServer((request, response) => {
      received.push(String(request.headers["idempotency-key"]));
      request.resume();
      const answer = (): void => {
        response.end();
      };
      // The answer to one mail is held back until its relay is dead.
      if (received.length === 50) waiting = answer;
      else answer();
    });
    const port = await freePort();
    await new Promise<void>((resolve) => mails.listen(port, "127.0.0.1", resolve));
    const start = (): Child => {
      const environment = {
        DATABASE_URL: postgres.url,
        MAIL_URL: `http://127.0.0.1:${port}/mails`,
      };
      const script = "dist/clients/typescript/examples/outbox-relay.js";
      return new Child("relay", [script], environment);
    };
    const relay = start();
    const others: Child[] = [];
    try {
      await eventually("a mail to be under way", () => waiting !== null, [relay]);
      await relay.kill();
      others.push(start(), start());
      const isSent = async (): Promise<boolean> =>
        (await count("outbox where sent_at is null")) === 0;
      await eventually("all mails to be sent", isSent, others);
      for (const other of others) assert.equal(await other.stop(), "0", other.output);
    } finally {
      for (const child of [relay, ...others]) if (child.isRunning) await child.kill();
      mails.closeAllConnections();
      mails.close();
    }
    assert.equal(new Set(received).size, ORDERS);
    // What the killed relay had sent of its transaction was sent again, under the same keys.
    assert.ok(received.length > ORDERS && received.length <= ORDERS + 100, `${received.length}`);
  });
}
