import { type Arena, pause } from "./arena.ts";
import type { Faults } from "./fault.ts";

/** The application dies, hangs, is slow, and is hostile. */

const TIMES = 3;
const SLOW_MS = 8_000;

async function again(arena: Arena, end: () => Promise<unknown>): Promise<void> {
  arena.start("a");
  for (let i = 0; i < TIMES; i++) {
    await arena.progress();
    await pause(arena.random(50));
    await end();
    arena.startApplication("a");
  }
}

export const APPLICATIONS: Faults = {
  "app-killed": {
    does: `the application is killed ${TIMES} times and started again`,
    run: (arena) => again(arena, () => arena.application("a").kill()),
  },
  "app-restarted": {
    does: `the application is stopped by SIGTERM ${TIMES} times and started again`,
    run: (arena) => again(arena, () => arena.application("a").stop()),
  },
  "app-absent": {
    does: "the application is killed and away for longer than a session and a transaction",
    run: async (arena) => {
      arena.start("a");
      await arena.progress();
      await arena.application("a").kill();
      await pause(12_000);
      arena.startApplication("a");
    },
  },
  "app-hung": {
    does: "the application is stopped past processing.timeout.ms and wakes beside its successor",
    run: async (arena) => {
      arena.start("a", {}, { "processing.timeout.ms": 2_000 });
      await arena.progress();
      const hung = arena.application("a");
      hung.signal("SIGSTOP");
      await pause(4_000);
      arena.run.startApplication("a");
      await arena.progress();
      hung.signal("SIGCONT");
    },
  },
  "app-slow": {
    does: "the application gets a tenth of the time",
    run: async (arena) => {
      arena.start("a");
      await arena.progress();
      const application = arena.application("a");
      const until = performance.now() + SLOW_MS;
      while (performance.now() < until) {
        application.signal("SIGSTOP");
        await pause(450);
        application.signal("SIGCONT");
        await pause(50);
      }
    },
  },
  "app-and-sidecar-killed": {
    does: "both are killed at once, while a commit is under way",
    run: async (arena) => {
      arena.start("a", { OUTRIGGER_FAILPOINT: "ending:20" });
      await arena.endsAtItsFailpoint("a");
      await arena.application("a").kill();
      arena.start("a");
    },
  },
  "app-hostile": {
    does: "every batch is revoked and sent again; answers come late",
    run: async (arena) => {
      arena.start("a", { OUTRIGGER_HOSTILE: "revoke-every-batch" });
      await arena.progress(1_000);
    },
  },
};
