import type { Application } from "../../../src/ports/application.ts";
import { createApplicationServer } from "../../../src/server/server.ts";
import { copyProgram, KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { BareWorker } from "./bare-worker.ts";

const TOKEN = "secret";
/** The world's time runs while sockets are waited for: nothing of it is to come too late. */
const NEVER_MS = 1_000_000_000;

/** A kernel over a world in memory, behind the real server: its workers dial, over loopback. */
export class ServedWorld {
  readonly kernel: KernelWorld;
  /** Workers that are gone, and why. */
  readonly gone: string[] = [];
  readonly #server: Application & { readonly address: string };
  readonly #workers: BareWorker[] = [];

  private constructor(kernel: KernelWorld, server: Application & { readonly address: string }) {
    this.kernel = kernel;
    this.#server = server;
  }

  static async start(): Promise<ServedWorld> {
    const limits = { ...testLimits, processingTimeoutMs: NEVER_MS };
    const kernel = await KernelWorld.start(copyProgram, () => ({ outputs: [] }), undefined, limits);
    const { active, application } = kernel;
    active.workerGone(1);
    const server = await createApplicationServer(
      { applicationId: "app", address: "127.0.0.1:0", token: TOKEN },
      {
        connected: (worker, hello) => {
          server.welcome(worker, [copyProgram]);
          active.workerCame(worker, hello);
        },
        disconnected: (worker, reason) => {
          served.gone.push(reason);
          active.workerGone(worker);
        },
        answered: (worker, answer) => active.answered(worker, answer),
        handedBack: (worker, batch) => active.handedBack(worker, batch),
        asked: (worker, question) => active.asked(worker, question),
        credited: (...credit) => active.credited(...credit),
      },
    );
    application.dispatch = (worker, batch) => server.dispatch(worker, batch);
    const served = new ServedWorld(kernel, server);
    return served;
  }

  get port(): number {
    return Number(this.#server.address.split(":").at(-1));
  }

  /** At a port that leads to the server. */
  worker({ port = this.port, answers = false } = {}): BareWorker {
    const worker = new BareWorker(port, TOKEN, answers);
    this.#workers.push(worker);
    return worker;
  }

  /** Lets the world go on until it is so. */
  until(done: () => boolean): Promise<void> {
    return this.kernel.clock.until(done, NEVER_MS);
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.close();
    await this.#server.close();
  }
}
