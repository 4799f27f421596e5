import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { published, type Result, SUITES, type SuiteName, sumsOf } from "./results.ts";

/** `record-main.ts SUITE LOG`: the log is what the suite's command has said. */
const RESULTS = join(REPOSITORY_ROOT, "docs/results.json");
const PAGE = join(REPOSITORY_ROOT, "docs/guarantees.md");

function isSuite(name: string): name is SuiteName {
  return Object.hasOwn(SUITES, name);
}

function commit(): string {
  const git = (...args: string[]): string =>
    spawnSync("git", args, { cwd: REPOSITORY_ROOT, encoding: "utf8" }).stdout.trim();
  const changed = git("status", "--porcelain", "--", "src", "test");
  if (changed !== "") throw new Error(`commit first, so that the result has a name:\n${changed}`);
  return git("rev-parse", "--short", "HEAD");
}

const [suite = "", log = ""] = process.argv.slice(2);
if (!isSuite(suite)) throw new Error(`"${suite}" is none of ${Object.keys(SUITES).join(", ")}`);
const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, "utf8")) as Result[]) : [];
const date = statSync(log).mtime.toISOString().slice(0, 10);
const result: Result = { suite, ...sumsOf(readFileSync(log, "utf8")), date, commit: commit() };
const results = [...before.filter((each) => each.suite !== suite), result];
writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(PAGE, published(readFileSync(PAGE, "utf8"), results));
