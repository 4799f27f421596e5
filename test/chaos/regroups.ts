import { BETWEEN } from "../checker/regrouped.ts";
import { committedOffsets, unlessNotReady } from "../checker/workload.ts";
import { type Arena, pause } from "./arena.ts";
import type { Fault, Faults } from "./fault.ts";

/** Two sub-topologies with a repartition between them, shared by sidecars that are killed. */

const KILLS = 10;
/** Where the topic between, the changelog behind it and two tasks' offsets are in one transaction. */
const POINTS = ["produceSent", "sendingOffsets", "ending", "endSent", "applying", "answered"];
const WATCH_MS = 200;
/** Longer than a commit that was answered takes to be seen. */
const UNSEEN_MS = 5_000;

/** SIGKILL to any of `names`, again and again; now and then without its disk, or to several at once. */
function killed(names: readonly string[]): Fault {
  return {
    does: `${names.length} sidecars share a repartition; any of them is killed, ${KILLS} times`,
    regroups: true,
    livenessMs: 60_000,
    run: async (arena) => {
      const watch = new Watch(arena);
      for (const name of names) arena.start(name);
      await arena.progress();
      for (let kills = 0; kills < KILLS; kills++) {
        await pause(300 + arena.random(1_700));
        const first = arena.random(names.length);
        const many = arena.random(4) === 0 ? names.length : 1;
        const victims = names.map((_, i) => names[(first + i) % names.length] ?? "a");
        await Promise.all(victims.slice(0, many).map((name) => arena.kill(name)));
        if (arena.random(4) === 0) arena.wipe(victims[0] ?? "a");
        await pause(arena.random(2) === 0 ? 0 : arena.random(3_000));
        for (const name of victims.slice(0, many)) arena.startSidecar(name);
      }
      await arena.recovers(60_000);
      await watch.end();
    },
  };
}

/** One of them dies within a commit, each time at another point. */
function killedWithin(names: readonly string[]): Fault {
  return {
    does: `${names.length} sidecars share a repartition; one after the other dies within a commit`,
    regroups: true,
    livenessMs: 60_000,
    run: async (arena) => {
      const watch = new Watch(arena);
      for (const name of names.slice(1)) arena.start(name);
      for (const [index, point] of POINTS.entries()) {
        const name = names[index % names.length] ?? "a";
        if (index > 0) await arena.kill(name);
        arena.start(name, { OUTRIGGER_FAILPOINT: `${point}:${4 + arena.random(30)}` });
        await arena.endsAtItsFailpoint(name);
        arena.startSidecar(name);
      }
      await arena.recovers(60_000);
      await watch.end();
    },
  };
}

/**
 * I15, all the while: what is between is deleted no further than was committed. The broker is asked for the
 * start of the log first; a commit may be seen a little after its answer.
 */
class Watch {
  readonly #arena: Arena;
  readonly #since = new Map<number, number>();
  readonly #running: Promise<void>;
  #ends = false;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#running = this.#run();
    // A fault that fails does not come to its end.
    arena.atEnd(() => {
      this.#ends = true;
    });
  }

  async end(): Promise<void> {
    this.#ends = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ends) {
      await pause(WATCH_MS);
      try {
        await this.#look();
      } catch (error: unknown) {
        if (!this.#ends) this.#tell(`I15 cannot be watched: ${String(error)}`);
      }
    }
  }

  /** The first is enough. */
  #tell(violation: string): void {
    this.#arena.violations.push(violation);
    this.#ends = true;
  }

  async #look(): Promise<void> {
    const { admin, prefix } = this.#arena;
    const topic = `${prefix}-${BETWEEN}`;
    const logs = await unlessNotReady(() => admin.fetchTopicOffsets(topic));
    const committed = await committedOffsets(admin, prefix, BETWEEN);
    for (const { partition, low } of committed === null ? [] : (logs ?? [])) {
      const offset = Math.max(0, committed?.get(partition) ?? 0);
      if (Number(low) <= offset) {
        this.#since.delete(partition);
        continue;
      }
      const since = this.#since.get(partition) ?? performance.now();
      this.#since.set(partition, since);
      if (performance.now() - since < UNSEEN_MS) continue;
      const text = `deleted up to ${low} while ${offset} was committed`;
      this.#tell(`I15 ${topic}-${partition}: ${text}`);
      return;
    }
  }
}

export const REGROUPS: Faults = {
  "regroup-killed-of-2": killed(["a", "b"]),
  "regroup-killed-of-3": killed(["a", "b", "c"]),
  "regroup-within-of-2": killedWithin(["a", "b"]),
  "regroup-within-of-3": killedWithin(["a", "b", "c"]),
};
