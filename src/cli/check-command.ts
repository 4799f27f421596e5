import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finding, finding, sorted } from "../checks/finding.ts";
import { isForbidden, reportJson, reportText } from "../checks/report.ts";
import type { Config } from "../config/config.ts";
import { ConfigFaults, type LoadedConfig } from "../config/resolve.ts";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import type { Programs } from "../model/topology.ts";
import type { Log } from "../ports/log.ts";
import { EXIT } from "./exit-codes.ts";
import { version } from "./version.ts";
import { logOf, type World } from "./world.ts";

export interface CheckArguments {
  readonly load: () => LoadedConfig;
  /** Started for its topology, and ended again; empty for none. */
  readonly application: readonly string[];
  /** Waits for an application that is started elsewhere. */
  readonly wait: boolean;
  readonly asJson: boolean;
}

/** How long an application may take to connect. */
const TOPOLOGY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * `outrigger check`: everything that would keep a sidecar from exactly-once, or hurt it later.
 * Returns 2 when something is forbidden, 0 otherwise; throws when no broker answers.
 */
export async function check(world: World, args: CheckArguments): Promise<number> {
  const findings: Finding[] = [];
  let topology: "told" | "unknown" = "unknown";
  const config = configOf(args.load, findings);
  if (config !== null) {
    // Loaded here, so that `--help` answers without Kafka, RocksDB and gRPC.
    const { checkUp } = await import("../checkup.ts");
    const log = logOf(world, config);
    const programs = await programsOf(world, config, log, args, findings);
    if (programs !== null) topology = "told";
    findings.push(...(await checkUp(config, programs, log)));
  }
  const report = { findings: sorted(findings), topology };
  world.say(args.asJson ? reportJson(report) : reportText(report));
  return isForbidden(report) ? EXIT.usage : EXIT.ok;
}

function configOf(load: () => LoadedConfig, findings: Finding[]): Config | null {
  try {
    return load().config;
  } catch (thrown: unknown) {
    if (!(thrown instanceof ConfigFaults)) throw thrown;
    findings.push(
      ...thrown.faults.map((fault) =>
        finding("configuration", {
          subject: "the configuration",
          problem: fault,
          consequence: "nothing starts",
          remedy: "set what is said there; docs/configuration.md lists every key",
        }),
      ),
    );
    return null;
  }
}

async function programsOf(
  world: World,
  config: Config,
  log: Log,
  { application, wait }: CheckArguments,
  findings: Finding[],
): Promise<Programs | null> {
  if (application.length === 0 && !wait) return null;
  try {
    return application.length === 0
      ? await waitForTopology(world, config, log)
      : await askApplication(world, config, log, application);
  } catch (thrown: unknown) {
    const isTopology = thrown instanceof OutriggerError && thrown.code.startsWith("TOPOLOGY_");
    if (!isTopology) throw thrown;
    findings.push(
      finding("topology", {
        subject: "the topology",
        code: thrown.code,
        problem: thrown.message,
        consequence: "the application is turned away",
        remedy: "mend the topology; what needs it was not checked",
      }),
    );
    return null;
  }
}

async function waitForTopology(world: World, config: Config, log: Log): Promise<Programs> {
  const { learnTopology } = await import("../checkup.ts");
  const onListening = (address: string) =>
    world.complain(`waiting for an application at OUTRIGGER_ADDRESS=${address}\n`);
  const signal = timeout("no application connected");
  const { programs, close } = await learnTopology(
    config,
    { log, version: version(), onListening },
    signal,
  );
  await close();
  return programs;
}

/** Starts the application beside a socket of our own, so that one that runs already is left alone. */
async function askApplication(
  world: World,
  config: Config,
  log: Log,
  application: readonly string[],
): Promise<Programs> {
  const { learnTopology } = await import("../checkup.ts");
  const folder = mkdtempSync(join(tmpdir(), "outrigger-check-"));
  const ending = new AbortController();
  const address = process.platform === "win32" ? "127.0.0.1:0" : `unix:${join(folder, "a.sock")}`;
  const token = config.serverToken ?? "check";
  let stop = async (): Promise<void> => {};
  try {
    const { programs, close } = await learnTopology(
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
    return programs;
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
