import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { Connection } from "../../../src/kafka/network/connection.ts";
import { type WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { type Script, ScriptedBroker } from "./scripted-broker.ts";

const API_KEY = 99;

function echo(value: number) {
  return {
    apiKey: API_KEY,
    apiVersion: 1,
    flexibleRequest: true,
    flexibleResponse: true,
    // Several parts, as a produce request has: they must arrive as one body.
    parts: [new WireWriter().int16(value >> 16).finish(), new WireWriter().int16(value).finish()],
    decode: (reader: WireReader) => reader.int32(),
  };
}

async function connected(
  script: Script,
  use: (connection: Connection, broker: ScriptedBroker) => Promise<void>,
  requestTimeoutMs = 5000,
): Promise<void> {
  const broker = await ScriptedBroker.start(script);
  try {
    const options = { ...broker.address, clientId: "test", requestTimeoutMs };
    const connection = await Connection.open(options);
    await use(connection, broker).finally(() => connection.close());
  } finally {
    await broker.stop();
  }
}

const answerEcho: Script = ({ reader }) => new WireWriter().int32(reader.int32()).finish();

function hasCode(code: string) {
  return (thrown: unknown) => thrown instanceof OutriggerError && thrown.code === code;
}

test("pipelined requests each get their own answer", () =>
  connected(answerEcho, async (connection) => {
    const values = Array.from({ length: 300 }, (_, i) => i);
    assert.deepEqual(
      await Promise.all(values.map((value) => connection.send(echo(value)))),
      values,
    );
    assert.equal(connection.inFlight, 0);
  }));

test("an answer that does not come in time fails everything in flight", () =>
  connected(
    () => null,
    async (connection) => {
      const outcomes = await Promise.allSettled([1, 2, 3].map((v) => connection.send(echo(v))));
      for (const outcome of outcomes) {
        assert.ok(outcome.status === "rejected" && hasCode("REQUEST_TIMED_OUT")(outcome.reason));
      }
      assert.ok(hasCode("REQUEST_TIMED_OUT")(connection.ended));
      await assert.rejects(connection.send(echo(4)), hasCode("REQUEST_TIMED_OUT"));
    },
    30,
  ));

test("a broker that goes away fails everything in flight, and the owner is told once", async () => {
  const broker = await ScriptedBroker.start(({ disconnect }) => {
    disconnect();
    return null;
  });
  const reasons: OutriggerError[] = [];
  const connection = await Connection.open({
    ...broker.address,
    clientId: "test",
    requestTimeoutMs: 5000,
    onClose: (reason) => reasons.push(reason),
  });
  const answers = [connection.send(echo(1)), connection.send(echo(2))];
  for (const outcome of await Promise.allSettled(answers)) {
    assert.ok(outcome.status === "rejected" && hasCode("BROKER_UNAVAILABLE")(outcome.reason));
  }
  connection.close();
  assert.equal(reasons.length, 1);
  await broker.stop();
});

test("an answer that cannot be decoded fails its own request alone", () =>
  connected(answerEcho, async (connection) => {
    const bad = { ...echo(1), decode: (reader: WireReader) => reader.uuid() };
    const [first, second] = await Promise.allSettled([
      connection.send(bad),
      connection.send(echo(2)),
    ]);
    assert.ok(first.status === "rejected" && hasCode("BROKER_ANSWER_MALFORMED")(first.reason));
    assert.deepEqual(second, { status: "fulfilled", value: 2 });
  }));

test("another correlation id, or an absurd size, ends the connection", async () => {
  for (const frame of [Buffer.from("000000050000ffff00", "hex"), Buffer.from("48545450", "hex")]) {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(frame));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const connection = await Connection.open({
      host: "127.0.0.1",
      port: address.port,
      clientId: "test",
      requestTimeoutMs: 5000,
    });
    await assert.rejects(connection.send(echo(1)), hasCode("BROKER_ANSWER_MALFORMED"));
    assert.ok(connection.ended);
    server.close();
    await once(server, "close");
  }
});

test("a port where nobody listens is an unavailable broker", async () => {
  const broker = await ScriptedBroker.start(() => null);
  const { address } = broker;
  await broker.stop();
  await assert.rejects(
    Connection.open({ ...address, clientId: "test", requestTimeoutMs: 1000 }),
    hasCode("BROKER_UNAVAILABLE"),
  );
});

test("a broker that throttles is sent nothing until its time has passed (KIP-219)", async () => {
  const arrived: number[] = [];
  const script: Script = ({ reader }) => {
    arrived.push(performance.now());
    return new WireWriter().int32(reader.int32()).finish();
  };
  await connected(script, async (connection) => {
    const throttled = {
      ...echo(150),
      decode: (reader: WireReader) => {
        reader.throttleTime();
        return reader.throttleMs;
      },
    };
    assert.equal(await connection.send(throttled), 150);
    assert.deepEqual(
      await Promise.all([connection.send(echo(1)), connection.send(echo(2))]),
      [1, 2],
    );
    const [first = 0, second = 0] = arrived;
    assert.ok(second - first >= 145, `the next request after ${second - first} ms`);
  });
});

test("what waits for a throttling broker fails when the connection ends, and when it is late", () =>
  connected(answerEcho, async (connection) => {
    const throttled = { ...echo(60), decode: (reader: WireReader) => reader.throttleTime() };
    await connection.send(throttled);
    await assert.rejects(connection.send(echo(1), 20), hasCode("BROKER_UNAVAILABLE"));
    await connection.send({ ...throttled, parts: echo(4_000).parts });
    const waiting = connection.send(echo(2));
    connection.close();
    await assert.rejects(waiting, hasCode("BROKER_UNAVAILABLE"));
  }));

test("a request may have less time than others", () =>
  connected(
    () => null,
    async (connection) => {
      const patient = connection.send(echo(1));
      const startedAt = performance.now();
      await assert.rejects(connection.send(echo(2), 30), hasCode("REQUEST_TIMED_OUT"));
      await assert.rejects(patient, hasCode("REQUEST_TIMED_OUT"));
      assert.ok(performance.now() - startedAt >= 100);
    },
    120,
  ));

test("a connection that nobody uses is closed before the broker does it", async () => {
  const broker = await ScriptedBroker.start(answerEcho);
  const options = { ...broker.address, clientId: "test", requestTimeoutMs: 5_000, idleMaxMs: 300 };
  const ended = new Promise<OutriggerError>((resolve) => {
    void Connection.open({ ...options, onClose: resolve }).then(async (connection) => {
      await new Promise((wait) => setTimeout(wait, 150));
      assert.equal(await connection.send(echo(3)), 3);
      usedAt = performance.now();
    });
  });
  let usedAt = 0;
  assert.match((await ended).message, /not asked for 300 ms/);
  assert.ok(performance.now() - usedAt > 290);
  await broker.stop();
});
