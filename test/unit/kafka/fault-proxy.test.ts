import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { Connection } from "../../../src/kafka/network/connection.ts";
import { type WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import type { Fault } from "../../support/fault-rules.ts";
import { ScriptedBroker } from "./scripted-broker.ts";

const ECHO = 99;
const OTHER = 98;
/** Where no answer is to come; far longer than one takes on loopback. */
const SHORT_MS = 1_000;
const LONG_MS = 30_000;

describe("the fault proxy", () => {
  let broker: ScriptedBroker;
  let proxy: FaultProxy;
  /** What the broker got, in its order. */
  let got: number[];
  const open: Connection[] = [];

  beforeEach(async () => {
    got = [];
    broker = await ScriptedBroker.start(({ reader }) => {
      const value = reader.int32();
      got.push(value);
      return new WireWriter().int32(value).finish();
    });
    proxy = await FaultProxy.start(`127.0.0.1:${broker.address.port}`);
  });

  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close();
    await proxy.stop();
    await broker.stop();
  });

  async function connected(requestTimeoutMs = LONG_MS): Promise<Connection> {
    const { openSocket } = proxy;
    const to = { ...broker.address, clientId: "client-1", requestTimeoutMs, openSocket };
    const connection = await Connection.open(to);
    open.push(connection);
    return connection;
  }

  function echo(value: number, apiKey = ECHO) {
    return {
      apiKey,
      apiVersion: 7,
      flexibleRequest: true,
      flexibleResponse: true,
      parts: [new WireWriter().int32(value).finish()],
      decode: (reader: WireReader) => reader.int32(),
    };
  }

  /** Answers, or the codes of errors, of requests 1, 2, 3 sent at once. */
  async function outcomes(connection: Connection): Promise<(number | string)[]> {
    const settled = await Promise.allSettled([1, 2, 3].map((v) => connection.send(echo(v))));
    return settled.map((each) => {
      if (each.status === "fulfilled") return each.value;
      assert.ok(each.reason instanceof OutriggerError);
      return each.reason.code;
    });
  }

  const LOST = "BROKER_UNAVAILABLE";
  const LATE = "REQUEST_TIMED_OUT";
  const cases: readonly (readonly [Fault, readonly (number | string)[], readonly number[]])[] = [
    [{ kind: "delay", ms: 20 }, [1, 2, 3], [1, 2, 3]],
    [{ kind: "dropRequest" }, [1, LATE, LATE], [1]],
    [{ kind: "dropAnswer" }, [1, LATE, LATE], [1, 2, 3]],
    [{ kind: "duplicate" }, [1, 2, 3], [1, 2, 2, 3]],
    [{ kind: "lostAnswer" }, [1, LOST, LOST], [1, 2]],
  ];
  for (const [fault, answers, received] of cases) {
    test(`${fault.kind} on the second of three requests`, async () => {
      proxy.inject({ apiKey: ECHO, nth: 2, fault });
      const timeoutMs = answers.includes(LATE) ? SHORT_MS : LONG_MS;
      assert.deepEqual(await outcomes(await connected(timeoutMs)), answers);
      assert.deepEqual(got.slice(0, received.length), received);
      if (fault.kind !== "lostAnswer") assert.equal(got.length, received.length);
      assert.deepEqual(
        proxy.history.map(({ apiKey, apiVersion, clientId, fault: kind }) => [
          apiKey,
          apiVersion,
          clientId,
          kind,
        ]),
        [[ECHO, 7, "client-1", fault.kind]],
      );
    });
  }

  for (const kind of ["close", "reset", "lostRequest", "halfOpen"] as const) {
    test(`${kind} ends what is under way: the broker never sees the request`, async () => {
      const connection = await connected(kind === "halfOpen" ? SHORT_MS : LONG_MS);
      assert.equal(await connection.send(echo(1)), 1);
      proxy.inject({ apiKey: ECHO, nth: 1, fault: { kind } });
      const error = await connection.send(echo(2)).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof OutriggerError);
      assert.equal(error.code, kind === "halfOpen" ? LATE : LOST);
      if (kind === "reset") assert.match(error.message, /ECONNRESET/);
      assert.deepEqual(got, [1]);
      assert.equal(await (await connected()).send(echo(3)), 3);
    });
  }

  test("a delay keeps order: what is behind waits too, and other connections do not", async () => {
    proxy.inject({ apiKey: ECHO, nth: 1, fault: { kind: "delay", ms: 1_000 } });
    const slow = await connected();
    const fast = await connected();
    const delayed = Promise.all([slow.send(echo(1)), slow.send(echo(2))]);
    assert.equal(await fast.send(echo(3)), 3);
    assert.deepEqual(got, [3]);
    await delayed;
    assert.deepEqual(got, [3, 1, 2]);
  });

  test("rules are by API, by number, by condition, and as often as they say", async () => {
    const connection = await connected();
    proxy.inject(
      { apiKey: OTHER, times: 2, fault: { kind: "duplicate" } },
      { when: ({ clientId }) => clientId === "another", fault: { kind: "close" } },
    );
    for (const value of [1, 2, 3]) await connection.send(echo(value, OTHER));
    await connection.send(echo(4));
    assert.deepEqual(got, [1, 1, 2, 2, 3, 4]);
    assert.equal(proxy.faults, 2);
    assert.deepEqual(
      [...proxy.requests],
      [
        [OTHER, 3],
        [ECHO, 1],
      ],
    );
    proxy.inject();
    await connection.send(echo(5, OTHER));
    assert.deepEqual(got.slice(6), [5]);
  });

  test("a cut lets nothing pass until it heals, and what was open before is dead", async () => {
    const before = await connected(SHORT_MS);
    assert.equal(await before.send(echo(1)), 1);
    proxy.cut();
    const during = await connected(SHORT_MS);
    const codes = await Promise.allSettled([before.send(echo(2)), during.send(echo(3))]);
    for (const each of codes) {
      assert.ok(each.status === "rejected" && each.reason instanceof OutriggerError);
      assert.equal(each.reason.code, LATE);
    }
    proxy.heal();
    assert.equal(await (await connected()).send(echo(4)), 4);
    assert.deepEqual(got, [1, 4]);
    assert.equal(proxy.connections, 3);
  });

  test("each broker of a cluster has a proxy of its own", async () => {
    const openSocket = FaultProxy.socketsThrough(new Map([[broker.address.port, proxy]]));
    const to = { ...broker.address, clientId: "c", requestTimeoutMs: LONG_MS, openSocket };
    const connection = await Connection.open(to);
    open.push(connection);
    assert.equal(await connection.send(echo(1)), 1);
    assert.equal(proxy.connections, 1);
    const elsewhere = { ...to, port: broker.address.port + 1 };
    await assert.rejects(Connection.open(elsewhere), /no proxy stands before port/);
  });
});
