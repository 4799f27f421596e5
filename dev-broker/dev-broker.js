// Starts the embedded broker in a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("dev-broker-main.js", import.meta.url));
const START_TIMEOUT_MS = 20_000;

export async function startDevBroker({ port = 0 } = {}) {
  const child = spawn(process.execPath, [MAIN, "--port", String(port)], {
    stdio: ["pipe", "pipe", "pipe"],
    // A Ctrl-C in the terminal is the parent's business: it stops the broker last.
    detached: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => {
    said = (said + text).slice(-4_000);
  });
  const exited = once(child, "exit");
  const ready = await firstLine(child, exited, () => said);
  const stop = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    child.kill(signal);
    await exited;
  };
  // A parent that forgets to stop the broker may still end; the broker then ends by itself.
  child.unref();
  for (const stream of child.stdio) stream?.unref?.();
  return {
    bootstrapServers: `127.0.0.1:${ready.port}`,
    pid: child.pid,
    stop: () => stop("SIGTERM"),
    kill: () => stop("SIGKILL"),
  };
}

async function firstLine(child, exited, said) {
  const lines = createInterface({ input: child.stdout });
  const timer = new Promise((_, reject) => {
    const why = `the embedded broker did not start within ${START_TIMEOUT_MS} ms: ${said()}`;
    setTimeout(() => reject(new Error(why)), START_TIMEOUT_MS).unref();
  });
  const died = exited.then(([code, signal]) => {
    const reason = said().trim() || `it ended with ${signal ?? `exit code ${code}`}`;
    throw new Error(`the embedded broker did not start: ${reason}`);
  });
  died.catch(() => {});
  const [line] = await Promise.race([once(lines, "line"), died, timer]);
  return JSON.parse(line);
}
