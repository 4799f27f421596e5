import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A test driver's process. */
export interface DriverProcess {
  readonly address: string;
  readonly token: string;
  /** Resolves when it has ended; it ends with its standard input. */
  stop(): Promise<void>;
}

/** How to start it: `OUTRIGGER_BIN`, the package `outrigger` beside the application, or the path. */
function sidecarCommand(): readonly string[] {
  const given = process.env["OUTRIGGER_BIN"];
  if (given !== undefined && given !== "") return withNode(given);
  try {
    const found = createRequire(join(process.cwd(), "x.js")).resolve("outrigger/package.json");
    return withNode(join(found, "../dist/src/main.js"));
  } catch {
    return ["outrigger"];
  }
}

function withNode(path: string): readonly string[] {
  return /\.[cm]?js$/.test(path) ? [process.execPath, path] : [path];
}

/** Starts a driver and waits for the line that says where it listens. */
export async function startProcess(
  args: readonly string[],
  command: readonly string[] = sidecarCommand(),
): Promise<DriverProcess> {
  const [file = "", ...before] = command;
  const child = spawn(file, [...before, "test-driver", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  // Whoever does not close it is not kept from ending: then its input ends, and so does it.
  child.unref();
  const first = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once("line", resolve);
  });
  const line = await Promise.race([first, exited.then((reason) => failed(command, reason))]);
  const { address, token } = JSON.parse(line) as { address: string; token: string };
  return { address, token, stop: () => stop(child, exited) };
}

function failed(command: readonly string[], reason: string): never {
  throw new Error(
    `the test driver could not be started with "${command.join(" ")} test-driver" (${reason}): ` +
      "install the package outrigger, or set OUTRIGGER_BIN to its command",
  );
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  child.ref();
  child.stdin?.end();
  await exited;
}
