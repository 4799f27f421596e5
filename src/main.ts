#!/usr/bin/env node
import { holdYoungGeneration } from "./cli/collector.ts";
import { EXIT, errorText } from "./cli/exit-codes.ts";
import { written } from "./cli/written.ts";

// What nobody caught is a bug. The process ends at once: the next one takes over from what was
// committed, while this one could only guess what it still knows.
function crash(error: unknown): void {
  process.stderr.write(errorText(error));
  process.exit(EXIT.bug);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

holdYoungGeneration();
const { runCli } = await import("./cli/program.ts");
const exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  say: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
});
await written(process.stdout);
process.exit(exitCode);
