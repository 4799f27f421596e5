import { spawnSync } from "node:child_process";
import { FAILPOINTS } from "../../src/runtime/failpoint.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { type Arena, pause } from "./arena.ts";
import type { Fault, Faults } from "./fault.ts";

/** Sidecars that are stopped, thought dead, and wake: zombies. */

const ZOMBIE_POINTS = [
  "dispatched",
  "staged",
  "producing",
  "sendingOffsets",
  "ending",
  "endSent",
  "applying",
] as const;

async function stopsItself(child: Child): Promise<void> {
  await eventually("the sidecar to stop itself", () => {
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(child.pid)], {
      encoding: "utf8",
    });
    return stdout.trim().startsWith("T");
  });
}

/** It wakes once another has taken its tasks over; then the other leaves, and all comes back. */
function zombieAt(point: (typeof ZOMBIE_POINTS)[number]): Fault {
  return {
    does: `SIGSTOP past the session: ${FAILPOINTS[point]}; another takes over, then SIGCONT`,
    run: async (arena) => {
      const times = 4 + arena.random(40);
      const first = arena.start("a", { OUTRIGGER_FAILPOINT: `${point}:${times}:stop` });
      await stopsItself(first);
      arena.start("b");
      await arena.progress();
      first.signal("SIGCONT");
      await arena.progress();
      await arena.stop("b");
    },
  };
}

async function pausedFor(arena: Arena, ms: number): Promise<void> {
  const sidecar = arena.start("a");
  await arena.progress();
  sidecar.signal("SIGSTOP");
  await pause(ms);
  sidecar.signal("SIGCONT");
}

export const PAUSES: Faults = {
  ...Object.fromEntries(ZOMBIE_POINTS.map((point) => [`zombie-${point}`, zombieAt(point)])),
  "pause-half-session": {
    does: "SIGSTOP for half a session, then SIGCONT; nobody takes over",
    run: (arena) => pausedFor(arena, 3_000),
  },
  "pause-past-session": {
    does: "SIGSTOP for longer than a session, then SIGCONT; nobody takes over",
    run: (arena) => pausedFor(arena, 9_000),
  },
  "pause-past-transaction": {
    does: "SIGSTOP between offsets and EndTxn for longer than the transaction timeout; another works",
    run: async (arena) => {
      const first = arena.start("a", { OUTRIGGER_FAILPOINT: "ending:20:stop" });
      await stopsItself(first);
      arena.start("b");
      await pause(14_000);
      await arena.progress();
      first.signal("SIGCONT");
    },
  },
  "defaults-zombie": {
    does: "a zombie on a broker with Kafka's own timeouts: a session of 45 s",
    broker: {},
    livenessMs: 75_000,
    run: async (arena) => {
      const first = arena.start("a", { OUTRIGGER_FAILPOINT: "ending:20:stop" });
      await stopsItself(first);
      arena.start("b");
      await arena.progress(200, 75_000);
      first.signal("SIGCONT");
    },
  },
};
