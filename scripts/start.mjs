// `node scripts/start.mjs <compiled script> …`: set-up, then the script in this very process's place.
import { spawn } from "node:child_process";
import { ensureBuilt, ensureInstalled, ROOT } from "./setup.mjs";

const [, , script, ...args] = process.argv;
ensureInstalled();
ensureBuilt();
const child = spawn(process.execPath, ["--enable-source-maps", `${ROOT}${script}`, ...args], {
  stdio: "inherit",
});
// Ctrl-C reaches the child through the terminal; a signal sent to us alone is passed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
