import { type Arena, pause } from "./arena.ts";
import { type Fault, type Faults, SHORT_SESSIONS } from "./fault.ts";

/** The broker dies or goes away, the network is cut, and answers are lost. */

const APIS = {
  Produce: 0,
  Fetch: 1,
  OffsetFetch: 9,
  InitProducerId: 22,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  ConsumerGroupHeartbeat: 68,
} as const;
/** Requests that are few: the first is as good as any. */
const RARE: readonly string[] = ["OffsetFetch", "InitProducerId", "ConsumerGroupHeartbeat"];

async function brokerAway(arena: Arena, end: () => Promise<void>, ms: number): Promise<void> {
  arena.start("a");
  await arena.progress();
  await end();
  await pause(ms);
  await arena.ground.brokers.restart();
}

async function cutFor(arena: Arena, ms: number): Promise<void> {
  arena.start("a");
  await arena.progress();
  arena.ground.network.cut();
  await pause(ms);
  arena.ground.network.heal();
}

function lostAnswers(api: keyof typeof APIS): Fault {
  return {
    does: `${api} is done by the broker, and its answer lost with the connection`,
    run: async (arena) => {
      const times = RARE.includes(api) ? 2 : 5;
      arena.trouble(APIS[api], { kind: "lostAnswer" }, RARE.includes(api) ? 1 : 7, times);
      arena.start("a");
      await arena.meets(times);
    },
  };
}

function inTheWay(
  does: string,
  api: keyof typeof APIS,
  kind: Parameters<Arena["trouble"]>[1],
): Fault {
  return {
    does,
    run: async (arena) => {
      arena.trouble(APIS[api], kind, 9, 3);
      arena.start("a");
      await arena.meets(3);
    },
  };
}

export const BROKERS: Faults = {
  "broker-killed": {
    does: "the broker is killed, and back after 2 s",
    broker: SHORT_SESSIONS,
    run: (arena) => brokerAway(arena, () => arena.ground.brokers.kill(), 2_000),
  },
  "broker-stopped": {
    does: "the broker is stopped in order, and back after 2 s",
    broker: SHORT_SESSIONS,
    run: (arena) => brokerAway(arena, () => arena.ground.brokers.stopInOrder(), 2_000),
  },
  "broker-away": {
    does: "the broker is killed, and away for longer than sessions and transactions",
    broker: SHORT_SESSIONS,
    run: (arena) => brokerAway(arena, () => arena.ground.brokers.kill(), 14_000),
  },
  "broker-and-sidecar-killed": {
    does: "the sidecar dies between EndTxn and its stores, the broker a moment later",
    broker: SHORT_SESSIONS,
    run: async (arena) => {
      arena.start("a", { OUTRIGGER_FAILPOINT: `applying:${4 + arena.random(30)}` });
      await arena.endsAtItsFailpoint("a");
      await arena.ground.brokers.kill();
      arena.startSidecar("a");
      await arena.ground.brokers.restart();
    },
  },
  "network-cut": {
    does: "the network is cut for longer than a session",
    run: (arena) => cutFor(arena, 8_000),
  },
  "network-cut-long": {
    does: "the network is cut for longer than a session and a transaction",
    run: (arena) => cutFor(arena, 15_000),
  },
  "endTxn-lost": inTheWay("EndTxn is lost on its way", "EndTxn", { kind: "lostRequest" }),
  "endTxn-doubled": inTheWay("EndTxn arrives twice", "EndTxn", { kind: "duplicate" }),
  "endTxn-late": inTheWay("EndTxn arrives late", "EndTxn", { kind: "delay", ms: 1_500 }),
  "produce-doubled": inTheWay("Produce arrives twice", "Produce", { kind: "duplicate" }),
  "offsets-doubled": inTheWay("TxnOffsetCommit arrives twice", "TxnOffsetCommit", {
    kind: "duplicate",
  }),
  ...Object.fromEntries(
    (Object.keys(APIS) as (keyof typeof APIS)[]).map((api) => [`lost-${api}`, lostAnswers(api)]),
  ),
};
