import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startSidecarProcess } from "./sidecar-process.ts";

/** An application and a sidecar of its own, on a broker that others may use too. */
export class Pair {
  readonly children: readonly Child[];
  readonly #folder: string;

  constructor(
    bootstrapServers: string,
    applicationId: string,
    start: (environment: Record<string, string>) => Child,
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), "outrigger-pair-"));
    const address = `unix:${join(this.#folder, "s.sock")}`;
    const stateDir = join(this.#folder, "state");
    const sidecar = startSidecarProcess({ bootstrapServers, applicationId, stateDir, address });
    this.children = [start({ OUTRIGGER_ADDRESS: address }), sidecar];
  }

  /** Ends both as an operator does; what was done is committed then. */
  async stop(): Promise<void> {
    for (const child of this.children) {
      assert.equal(await child.stop(), "0", `${child.name} ended with:\n${child.output}`);
    }
  }

  /** For `finally`: does nothing after a `stop`. */
  async end(): Promise<void> {
    for (const child of this.children) if (child.isRunning) await child.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
