import { encodeParkCommand } from "../../src/tasks/park-command.ts";
import type { ModelKafka } from "./kafka/model.ts";
import type { Loop } from "./loop.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import { APPLICATION_ID } from "./topologies.ts";

/** At the end everything is released, so often as it takes: what was parked last as well. */
const END_EVERY_MS = 700;

/**
 * The operator of a world with parking: which records the application cannot take before it is mended, and
 * the commands that release them, some too early, some twice.
 */
export class Commands {
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #kafka: ModelKafka;
  readonly #plan: Plan;
  readonly #trace: (line: () => string) => void;

  constructor(
    loop: Loop,
    random: Random,
    kafka: ModelKafka,
    plan: Plan,
    trace: (line: () => string) => void,
  ) {
    this.#loop = loop;
    this.#random = random;
    this.#kafka = kafka;
    this.#plan = plan;
    this.#trace = trace;
  }

  isBad(value: string, isOver: boolean): boolean {
    const { parking } = this.#plan;
    if (parking === undefined || isOver || this.#loop.nowMs >= parking.mendedAtMs) return false;
    return Number(value.slice(value.indexOf(".") + 1)) % parking.badOneIn === 0;
  }

  start(): void {
    for (const ms of this.#plan.parking?.commandsMs ?? []) {
      this.#loop.after(ms, null, () => this.#release(this.#random.chance(0.5)));
    }
  }

  /** The application is mended: all that waits is let go. */
  end(): void {
    if (this.#plan.parking === undefined) return;
    this.#release(true);
    this.#loop.after(END_EVERY_MS, null, () => this.end());
  }

  #release(all: boolean): void {
    const { keys, partitions } = this.#plan;
    const name = `k${this.#random.int(0, keys - 1)}`;
    const key = all ? null : Buffer.from(name);
    this.#trace(() => `command: release ${all ? "all" : name}`);
    const text = encodeParkCommand({ action: "release", key, until: Number.MAX_SAFE_INTEGER });
    const record = { key: null, value: Buffer.from(text), timestamp: Math.floor(this.#loop.nowMs) };
    for (let partition = 0; partition < partitions; partition++) {
      const log = this.#kafka.log(`${APPLICATION_ID}-control`, partition);
      log?.appendPlain([record], this.#loop.nowMs);
    }
    for (const check of [...this.#kafka.grown]) check();
  }
}
