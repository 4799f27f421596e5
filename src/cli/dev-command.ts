import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { runSidecar } from "./sidecar-command.ts";
import { logOf, type World } from "./world.ts";

export interface DevArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
  readonly application: readonly string[];
}

/**
 * `outrigger dev`: an embedded broker and a sidecar on it. Nothing is kept: the broker lives in
 * memory, and the state in a directory that goes with the command.
 */
export async function dev(
  world: World,
  { flags, file, application }: DevArguments,
): Promise<number> {
  const { startDevBroker } = await import("@outrigger/dev-broker");
  const stateDir = mkdtempSync(join(tmpdir(), "outrigger-dev-"));
  try {
    const broker = await startDevBroker();
    try {
      const { config } = loadConfig({
        flags,
        env: world.env,
        file,
        presets: {
          "application.id": "outrigger-dev",
          "replication.factor": 1,
          "state.dir": stateDir,
        },
        fixed: { "bootstrap.servers": broker.bootstrapServers },
      });
      const onListening = (address: string) => {
        world.say(devText(broker.bootstrapServers, address, application.length > 0));
      };
      const log = logOf(world, config);
      return await runSidecar({ config, application, env: world.env, log, onListening });
    } finally {
      await broker.stop();
    }
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function devText(bootstrapServers: string, address: string, isSupervised: boolean): string {
  const lines = [
    `Kafka (in memory)  bootstrap.servers=${bootstrapServers}`,
    `Sidecar            OUTRIGGER_ADDRESS=${address}`,
  ];
  if (!isSupervised) {
    lines.push(
      "",
      "Start your application in another terminal with that variable set. Ctrl-C ends.",
    );
  }
  return `${lines.join("\n")}\n`;
}
