// What every entry command needs first: dependencies installed, code built. Plain Node, no packages.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = `${ROOT}node_modules`;
const MARK = `${MODULES}/.outrigger-installed`;
const LOCK = `${ROOT}.setup-lock`;
/** A lock without a name is one that is being written. */
const LOCK_NAMELESS_MS = 2_000;
const NODE_MIN = [20, 19];

function say(text) {
  process.stdout.write(`${text}\n`);
}

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: "inherit", ...options });
  return result.status ?? 1;
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  say(`Outrigger needs Node ${NODE_MIN.join(".")} or later; this is ${process.versions.node}.`);
  process.exit(2);
}

/** Two commands at once must not install over each other. The lock names who holds it. */
function withLock(work) {
  while (!takeLock()) {
    if (isLockStale()) rmSync(LOCK, { force: true, recursive: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  // `process.exit` runs no finally; the lock must go either way.
  const release = () => rmSync(LOCK, { force: true });
  process.once("exit", release);
  work();
  process.off("exit", release);
  release();
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

/** Ctrl-C while npm or the compiler runs ends us without a chance to take the lock back. */
function isLockStale() {
  try {
    const pid = Number(readFileSync(LOCK, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return pid === 0 && Date.now() - statSync(LOCK).mtimeMs > LOCK_NAMELESS_MS;
  } catch (error) {
    return error.code === "ESRCH" || error.code === "EISDIR";
  }
}

function fingerprint() {
  const hash = createHash("sha256");
  hash.update(readFileSync(`${ROOT}package-lock.json`)).update(process.version);
  return hash.digest("hex");
}

/**
 * Installs what package-lock.json says, unless it is there. Not `npm ci`: that refuses a lock file
 * which lacks the optional packages of platforms other than the one it was made on.
 */
export function ensureInstalled() {
  requireNode();
  withLock(() => {
    const wanted = fingerprint();
    if (existsSync(MARK) && readFileSync(MARK, "utf8") === wanted) return;
    say("installing dependencies …");
    const npm = process.env.npm_execpath;
    const flags = ["install", "--no-save", "--no-fund", "--no-audit", "--loglevel=error"];
    const code = npm?.endsWith(".js")
      ? run(process.execPath, [npm, ...flags])
      : run("npm", flags, { shell: process.platform === "win32" });
    if (code !== 0) {
      say("npm install failed; what it said stands above.");
      process.exit(code);
    }
    writeFileSync(MARK, wanted);
  });
}

/** Compiles what changed, and makes one script of it. */
export function ensureBuilt() {
  withLock(() => {
    const tsc = `${MODULES}/typescript/bin/tsc`;
    for (const project of ["clients/typescript/tsconfig.build.json", "tsconfig.build.json"]) {
      const code = run(process.execPath, [tsc, "-p", project]);
      if (code !== 0) process.exit(code);
    }
    const code = run(process.execPath, ["--import", "tsx", `${ROOT}scripts/bundle.ts`]);
    if (code !== 0) process.exit(code);
  });
}
