import { EXIT, errorText } from "./exit-codes.ts";
import { runCli } from "./program.ts";
import { written } from "./written.ts";

/** What `run` loads when it needs it; a build has it compiled ahead. */
export const loadSidecar = (): Promise<unknown> => import("../sidecar.ts");
/** Likewise for what a run does. */
export { runCli };

/** The process from its command line to its exit code. */
export async function runProcess(): Promise<never> {
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  const exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    say: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
  });
  await written(process.stdout);
  process.exit(exitCode);
}

// What nobody caught is a bug. The process ends at once: the next one takes over from what was
// committed, while this one could only guess what it still knows.
function crash(error: unknown): void {
  process.stderr.write(errorText(error));
  process.exit(EXIT.bug);
}
