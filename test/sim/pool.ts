import { Worker } from "node:worker_threads";
import type { Job } from "./worker.ts";
import type { Outcome } from "./world.ts";

/** Real time that one world may take: a bound for a simulator that hangs. */
const WORLD_MS_MAX = 120_000;

/** Workers over one bundle, each with one world at a time. */
export class Pool {
  readonly #idle: Worker[];
  readonly #all: readonly Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor(file: string, size: number) {
    this.#all = Array.from({ length: size }, () => new Worker(file, { execArgv: [] }));
    this.#idle = [...this.#all];
  }

  async run(job: Job): Promise<Outcome> {
    const worker = this.#idle.pop() ?? (await this.#next());
    try {
      return await ask(worker, job);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #next(): Promise<Worker> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function ask(worker: Worker, job: Job): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(new Error(`a world took ${WORLD_MS_MAX} ms: ${JSON.stringify(job).slice(0, 200)}`)),
      WORLD_MS_MAX,
    );
    const done = (): void => {
      clearTimeout(timer);
      worker.off("message", answered);
      worker.off("error", failed);
    };
    const answered = (outcome: Outcome): void => {
      done();
      resolve(outcome);
    };
    const failed = (error: Error): void => {
      done();
      reject(error);
    };
    worker.on("message", answered);
    worker.on("error", failed);
    worker.postMessage(job);
  });
}
