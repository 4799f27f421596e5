import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import type { DeclaredTopology, Programs } from "../model/topology.ts";
import type { Log } from "../ports/log.ts";
import { version } from "./version.ts";
import type { World } from "./world.ts";

/** What an application would run. */
export interface Learnt {
  readonly programs: Programs;
  readonly declared: DeclaredTopology;
}

/** How long an application may take to connect. */
const TOPOLOGY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

export async function waitForTopology(world: World, config: Config, log: Log): Promise<Learnt> {
  const { learnTopology } = await import("../checkup.ts");
  const onListening = (address: string) =>
    world.complain(`waiting for an application at OUTRIGGER_ADDRESS=${address}\n`);
  const signal = timeout("no application connected");
  const { close, ...learnt } = await learnTopology(
    config,
    { log, version: version(), onListening },
    signal,
  );
  await close();
  return learnt;
}

/** Starts the application beside a socket of our own, so that one that runs already is left alone. */
export async function askApplication(
  world: World,
  config: Config,
  log: Log,
  application: readonly string[],
): Promise<Learnt> {
  const { learnTopology } = await import("../checkup.ts");
  const folder = mkdtempSync(join(tmpdir(), "outrigger-ask-"));
  const ending = new AbortController();
  const address = process.platform === "win32" ? "127.0.0.1:0" : `unix:${join(folder, "a.sock")}`;
  const token = config.serverToken ?? "ask";
  let stop = async (): Promise<void> => {};
  try {
    const { close, ...learnt } = await learnTopology(
      { ...config, serverAddress: address, serverToken: token },
      {
        log,
        version: version(),
        onListening: (at) => {
          const env = { ...world.env, OUTRIGGER_ADDRESS: at, OUTRIGGER_TOKEN: token };
          stop = startApplication(application, env, (error) => ending.abort(error));
        },
      },
      AbortSignal.any([
        ending.signal,
        timeout(`the application "${application[0]}" did not connect`),
      ]),
    );
    await close();
    return learnt;
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function startApplication(
  [program = "", ...args]: readonly string[],
  env: Record<string, string | undefined>,
  ended: (error: OutriggerError) => void,
): () => Promise<void> {
  // Standard output is the report's.
  const child = spawn(program, args, { stdio: ["ignore", 2, 2], env });
  child.once("error", (error) => {
    const text = `the application "${program}" cannot be started: ${asError(error).message}`;
    ended(new OutriggerError("CONFIG_INVALID", `${text}; give its command after --`));
  });
  child.once("exit", (code, signal) => {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const text = `the application "${program}" ended ${how} before it told its topology`;
    ended(new OutriggerError("CONFIG_INVALID", `${text}: see what it printed`));
  });
  return async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.kill("SIGTERM");
    await exited;
    clearTimeout(kill);
  };
}

function timeout(what: string): AbortSignal {
  const controller = new AbortController();
  const text = `${what} within ${TOPOLOGY_TIMEOUT_MS / 1_000} s: check its OUTRIGGER_ADDRESS`;
  const error = new OutriggerError("REQUEST_TIMED_OUT", text);
  setTimeout(() => controller.abort(error), TOPOLOGY_TIMEOUT_MS).unref();
  return controller.signal;
}
