import { randomUUID } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Log } from "../ports/log.ts";
import { letHeapGrow } from "./collector.ts";
import { EXIT, exitCodeOfSignal } from "./exit-codes.ts";
import { StopSignals } from "./stop-signals.ts";
import { Supervisor } from "./supervisor.ts";
import { version } from "./version.ts";

export interface SidecarCommand {
  readonly config: Config;
  /** The application to supervise; empty for one that is started elsewhere. */
  readonly application: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Makes the topology's missing topics with so many partitions; left out, they are an error. */
  readonly missingTopicPartitions?: number;
  /** Keys of the settings that somebody wrote down. */
  readonly explicit: ReadonlySet<string>;
  /** Called once the sidecar listens, with what applications need. */
  readonly onListening?: (address: string) => void;
}

/**
 * Runs the sidecar, and the application beside it, until a signal or an error. Returns the exit
 * code: 0 after a drain that SIGTERM asked for; throws what stopped the sidecar.
 */
export async function runSidecar(command: SidecarCommand): Promise<number> {
  const signals = new StopSignals();
  const serving = serve(command, signals);
  // After a second signal nobody waits for the orderly end any more, whatever becomes of it.
  serving.catch(() => {});
  try {
    return await Promise.race([serving, signals.second.then(exitCodeOfSignal)]);
  } finally {
    signals.close();
  }
}

async function serve(command: SidecarCommand, signals: StopSignals): Promise<number> {
  // Loaded here, so that `--help` answers without Kafka, RocksDB and gRPC.
  const { startSidecar } = await import("../sidecar.ts");
  const token = command.config.serverToken ?? (isSupervising(command) ? randomUUID() : null);
  const starting = startSidecar(
    { ...command.config, serverToken: token },
    {
      log: command.log,
      version: version(),
      failpoint: command.env["OUTRIGGER_FAILPOINT"],
      hostile: command.env["OUTRIGGER_HOSTILE"],
      missingTopicPartitions: command.missingTopicPartitions,
      explicit: command.explicit,
    },
  );
  const sidecar = await Promise.race([starting, signals.first]);
  if (typeof sidecar === "string") {
    // Nothing is in flight yet, and a start may wait long for brokers: end at once.
    starting.catch(() => {});
    return exitCodeOfSignal(sidecar);
  }
  letHeapGrow();
  command.onListening?.(sidecar.address);
  const supervisor = isSupervising(command) ? supervise(command, sidecar.address, token) : null;
  let exitCode: number;
  try {
    const failed = supervisor === null ? [] : [supervisor.failed];
    const stopped = sidecar.stopped.then(() => null);
    const signal = await Promise.race([signals.first, stopped, ...failed]);
    // SIGTERM is how an orchestrator says stop, and the drain is what it asked for: all is well.
    const isDone = signal === null || signal === "SIGTERM";
    exitCode = isDone ? EXIT.ok : exitCodeOfSignal(signal);
  } finally {
    supervisor?.hold();
    // The sidecar first: it waits for the answers to what the application holds, and commits them.
    await sidecar.stop().finally(() => supervisor?.stop());
  }
  // A stop that did not go well is told here.
  await sidecar.stopped;
  return exitCode;
}

function isSupervising({ application }: SidecarCommand): boolean {
  return application.length > 0;
}

function supervise(command: SidecarCommand, address: string, token: string | null): Supervisor {
  const supervisor = new Supervisor({
    command: command.application,
    env: { ...command.env, OUTRIGGER_ADDRESS: address, OUTRIGGER_TOKEN: token ?? undefined },
    log: command.log,
  });
  supervisor.start();
  return supervisor;
}
