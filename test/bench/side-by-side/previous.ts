import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";

/** The commit that this one is compared with, built in a folder of its own. */

export interface Previous {
  readonly commit: string;
  /** Of all commits since. */
  readonly messages: string;
  readonly root: string;
  remove(): void;
}

function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", args, { cwd: REPOSITORY_ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/** Where a branch left main; on main itself, the commit before. null where there is none. */
export function previousCommit(): string | null {
  const head = git("rev-parse", "HEAD");
  if (head === null) return null;
  const fork = git("merge-base", "HEAD", "origin/main");
  return fork === null || fork === head ? git("rev-parse", "HEAD~1") : fork;
}

/** A reason why it cannot be built, as text. */
export function buildPrevious(): Previous | string {
  const commit = previousCommit();
  if (commit === null) return "there is no commit before this one here";
  const root = mkdtempSync(join(tmpdir(), "outrigger-previous-"));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  process.once("exit", remove);
  const unpack = 'git archive "$1" | tar -x -C "$2"';
  const shell = ["-e", "-o", "pipefail", "-c", unpack, "unpack", commit, root];
  const { status } = spawnSync("bash", shell, { cwd: REPOSITORY_ROOT });
  const fault = status === 0 ? build(root) : "its files cannot be had";
  const messages = git("log", "--format=%B", `${commit}..HEAD`) ?? "";
  if (fault === null) return { commit: commit.slice(0, 7), messages, root, remove };
  remove();
  return `the commit before, ${commit.slice(0, 7)}, does not build: ${fault}`;
}

/** With the packages of this checkout, and its own workspaces. */
function build(root: string): string | null {
  const [ours, theirs] = [REPOSITORY_ROOT, root].map((at) => join(at, "node_modules"));
  if (ours === undefined || theirs === undefined) return "there are no packages";
  mkdirSync(join(theirs, "@outrigger"), { recursive: true });
  for (const name of readdirSync(ours)) {
    if (name !== "@outrigger") symlinkSync(join(ours, name), join(theirs, name));
  }
  symlinkSync(join(root, "clients/typescript"), join(theirs, "@outrigger/client"));
  symlinkSync(join(root, "dev-broker"), join(theirs, "@outrigger/dev-broker"));
  const nested = join(REPOSITORY_ROOT, "clients/typescript/node_modules");
  if (existsSync(nested)) {
    cpSync(nested, join(root, "clients/typescript/node_modules"), { recursive: true });
  }
  const tsc = join(ours, "typescript/bin/tsc");
  const steps = [
    [tsc, "-p", "clients/typescript/tsconfig.build.json"],
    [tsc, "-p", "tsconfig.build.json"],
    ["--import", "tsx", "scripts/bundle.ts"],
  ];
  // What was before there was one script of many modules has none to make.
  if (!existsSync(join(root, "scripts/bundle.ts"))) steps.pop();
  for (const step of steps) {
    const { status, stdout, stderr } = spawnSync(process.execPath, step, {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) return `${stdout}${stderr}`.split("\n")[0] || step.join(" ");
  }
  return null;
}
