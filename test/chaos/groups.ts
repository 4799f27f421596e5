import { cpSync } from "node:fs";
import kafkajs from "kafkajs";
import { eventually } from "../support/sidecar-process.ts";
import { type Arena, pause } from "./arena.ts";
import type { Fault, Faults } from "./fault.ts";

/** Sidecars come and go, and others use what is theirs alone. */

const PROCESS_ID = "hijacked";
const STORM_MS = 24_000;

/** All but one of `names` come and go, in order and not; at the end all are there. */
function storm(names: readonly string[]): Fault {
  return {
    does: `${names.length} sidecars join and leave, in order or killed, every second or two`,
    run: async (arena) => {
      const running = new Set<string>();
      const until = performance.now() + STORM_MS;
      for (const name of names) {
        arena.start(name);
        running.add(name);
      }
      while (performance.now() < until) {
        const name = names[arena.random(names.length)] ?? "a";
        if (!running.has(name)) {
          arena.startSidecar(name);
          running.add(name);
        } else if (running.size > 1) {
          running.delete(name);
          if (arena.random(2) === 0) await arena.stop(name);
          else await arena.kill(name);
        }
        await pause(700 + arena.random(1_800));
      }
      for (const name of names) if (!running.has(name)) arena.startSidecar(name);
    },
  };
}

/** Another producer takes the transactional id, which fences the sidecar. */
async function hijack(arena: Arena, times: number): Promise<void> {
  arena.start("a", {}, { "process.id": PROCESS_ID });
  await arena.progress();
  for (let i = 0; i < times; i++) {
    const producer = arena.run.kafka.producer({
      transactionalId: `${arena.prefix}-${PROCESS_ID}-0`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    await eventually("the id to be free", async () => {
      try {
        // kafkajs asks for its id with the first transaction.
        const transaction = await producer.transaction();
        await transaction.abort();
        return true;
      } catch (error: unknown) {
        // kafkajs does not wait for a transaction that is just being ended.
        if (error instanceof kafkajs.KafkaJSError) return false;
        throw error;
      }
    });
    await producer.disconnect();
    await pause(400 + arena.random(400));
  }
}

export const GROUPS: Faults = {
  "hijack-once": {
    does: "another producer takes the transactional id once",
    run: (arena) => hijack(arena, 1),
  },
  "hijack-storm": {
    does: "another producer takes the transactional id eight times",
    run: (arena) => hijack(arena, 8),
  },
  "cloned-directory": {
    does: "the state directory of a running sidecar is copied, and another starts on the copy",
    run: async (arena) => {
      arena.start("a");
      await arena.progress();
      await arena.stop("a");
      cpSync(arena.run.stateDir("a"), arena.run.stateDir("b"), { recursive: true });
      arena.start("a");
      arena.start("b");
      await arena.progress(1_000);
    },
  },
  "storm-of-2": storm(["a", "b"]),
  "storm-of-3": storm(["a", "b", "c"]),
};
