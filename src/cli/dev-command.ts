import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { NO_SECURITY } from "../config/security.ts";
import { runSidecar } from "./sidecar-command.ts";
import { logOf, type World } from "./world.ts";

export interface DevArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
  readonly application: readonly string[];
  /** The broker's port; 0 for any that is free. */
  readonly brokerPort: number;
}

/** Of topics that the topology names and nobody made: enough to meet what partitions do. */
const PARTITIONS = 4;

/**
 * `outrigger dev`: an embedded broker and a sidecar on it. Nothing is kept: the broker lives in
 * memory, and the state in a directory that goes with the command.
 */
export async function dev(
  world: World,
  { flags, file, application, brokerPort }: DevArguments,
): Promise<number> {
  const { startDevBroker } = await import("@outrigger/dev-broker");
  // The broker first: one that is interrupted on its way up ends by itself, and leaves nothing.
  const broker = await startDevBroker({ port: brokerPort });
  try {
    const stateDir = mkdtempSync(join(tmpdir(), "outrigger-dev-"));
    try {
      const loaded = loadConfig({
        flags,
        env: world.env,
        file,
        presets: {
          "application.id": "outrigger-dev",
          "replication.factor": 1,
          "state.dir": stateDir,
          "server.token": randomUUID(),
        },
        // The embedded broker speaks plain text, whatever the file says of another.
        fixed: { "bootstrap.servers": broker.bootstrapServers, ...NO_SECURITY },
      });
      const { config, explicit } = loaded;
      const onListening = (address: string) => {
        world.say(devText(broker.bootstrapServers, address, config.serverToken));
        if (application.length === 0) world.say(HINT);
      };
      const log = logOf(world, config, loaded);
      return await runSidecar({
        config,
        explicit,
        application,
        env: world.env,
        log,
        onListening,
        missingTopicPartitions: PARTITIONS,
      });
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  } finally {
    await broker.stop();
  }
}

function devText(bootstrapServers: string, address: string, token: string | null): string {
  const lines = [
    `Kafka (in memory)  bootstrap.servers=${bootstrapServers}`,
    `Sidecar            OUTRIGGER_ADDRESS=${address}`,
  ];
  if (!address.startsWith("unix:")) lines.push(`                   OUTRIGGER_TOKEN=${token}`);
  return `${lines.join("\n")}\n`;
}

const HINT =
  "\nStart your application in another terminal with what is said of the sidecar as its " +
  "environment. Ctrl-C ends.\n";
