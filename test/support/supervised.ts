import type { Child } from "./sidecar-process.ts";

/** More often than that no test's application should die. */
const DEATHS_MAX = 20;

/** An application that is started again whenever it ends, as a platform does. */
export class Supervised {
  /** How each of its processes ended: `SIGKILL`, or an exit code. */
  readonly deaths: string[] = [];
  readonly #start: () => Child;
  readonly #loop: Promise<void>;
  #current: Child;
  #isStopping = false;

  constructor(start: () => Child) {
    this.#start = start;
    this.#current = start();
    this.#loop = this.#supervise();
  }

  async #supervise(): Promise<void> {
    for (;;) {
      const how = await this.#current.ended();
      if (this.#isStopping) return;
      this.deaths.push(how);
      if (this.deaths.length >= DEATHS_MAX) return;
      this.#current = this.#start();
    }
  }

  /** It runs on, and is not started again when it ends. */
  leave(): void {
    this.#isStopping = true;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#current.stop();
    await this.#loop;
  }
}
