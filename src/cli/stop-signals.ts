import type { StopSignal } from "./exit-codes.ts";

const STOPPING: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * The signals that ask the process to stop: the first ends it in order, a second at once. Until
 * `close`, they no longer end the process by themselves.
 */
export class StopSignals {
  readonly first: Promise<StopSignal>;
  readonly second: Promise<StopSignal>;
  readonly #listener: (signal: NodeJS.Signals) => void;

  constructor() {
    const waiting: ((signal: StopSignal) => void)[] = [];
    this.first = new Promise((resolve) => waiting.push(resolve));
    this.second = new Promise((resolve) => waiting.push(resolve));
    this.#listener = (signal) => {
      const stop = STOPPING.find((known) => known === signal);
      if (stop !== undefined) waiting.shift()?.(stop);
    };
    for (const signal of STOPPING) process.on(signal, this.#listener);
  }

  close(): void {
    for (const signal of STOPPING) process.off(signal, this.#listener);
  }
}
