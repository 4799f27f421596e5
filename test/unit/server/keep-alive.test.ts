import assert from "node:assert/strict";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { it } from "node:test";
import type { BareWorker } from "./bare-worker.ts";
import { ServedWorld } from "./served-world.ts";

const LIMIT = { timeout: 20_000 };
/** An idle peer is asked after this, and has this long to answer. */
const ASKED_AFTER_MS = 20_000;
const ANSWERED_WITHIN_MS = 10_000;

/** A way to the server that can fall silent: then nothing of the worker's arrives, and nothing is closed. */
class SilentWay {
  port = 0;
  isSilent = false;
  readonly #sockets: net.Socket[] = [];
  readonly #server: net.Server;

  private constructor(to: number) {
    this.#server = net.createServer((worker) => {
      const sidecar = net.connect(to, "127.0.0.1");
      this.#sockets.push(worker, sidecar);
      for (const socket of [worker, sidecar]) socket.on("error", () => {});
      worker.on("data", (bytes) => {
        if (!this.isSilent) sidecar.write(bytes);
      });
      sidecar.on("data", (bytes) => worker.write(bytes));
    });
  }

  static async to(port: number): Promise<SilentWay> {
    const way = new SilentWay(port);
    await once(way.#server.listen(0, "127.0.0.1"), "listening");
    way.port = (way.#server.address() as AddressInfo).port;
    return way;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** What the worker has sent so far has arrived, its answer to a ping as well. */
async function arrived({ session }: BareWorker): Promise<void> {
  if (session.connecting) await once(session, "connect");
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}

it(
  "a worker over TCP that answers no ping is gone in time, and another has its batches",
  LIMIT,
  async ({ mock }) => {
    // The library's keep-alive takes its time from these; sockets do not.
    mock.timers.enable({ apis: ["setTimeout"] });
    const served = await ServedWorld.start();
    const way = await SilentWay.to(served.port);
    const { kernel, gone } = served;
    try {
      const worker = served.worker({ port: way.port });
      kernel.input("a=1", "b=2", "c=3", "d=4", "e=5");
      await served.until(() => worker.batches.length === 2);
      const asking = async (inMs: number): Promise<void> => {
        const asked = once(worker.session, "ping", { signal: AbortSignal.timeout(5_000) });
        mock.timers.tick(inMs);
        await asked;
      };
      await asking(ASKED_AFTER_MS);
      for (let times = 0; times < 3; times++) {
        await arrived(worker);
        mock.timers.tick(ANSWERED_WITHIN_MS);
        assert.deepEqual(gone, [], "it has answered");
        if (times === 2) way.isSilent = true;
        await asking(ASKED_AFTER_MS - ANSWERED_WITHIN_MS);
      }
      mock.timers.tick(ANSWERED_WITHIN_MS - 1);
      const next = served.worker({ answers: true });
      await arrived(next);
      assert.deepEqual(gone, [], "it has time to answer");
      mock.timers.tick(1);
      await served.until(() => kernel.outputs().length === 5);
      assert.deepEqual(gone, ["the connection was lost"]);
      assert.deepEqual(kernel.outputs(), ["a=1", "b=2", "c=3", "d=4", "e=5"]);
    } finally {
      way.close();
      await served.close();
    }
  },
);
