import { spawn } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "./kafka-jars.ts";

export interface Ran {
  /** An exit code, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the sidecar, compiled, to its end. */
export async function outrigger(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const main = join(REPOSITORY_ROOT, "dist/src/main.js");
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text: Buffer) => {
    said.stdout += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    said.stderr += text.toString();
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on("close", (...how) => resolve(how)),
  );
  return { status: signal ?? code, ...said };
}
