import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

const FOLDER = join(REPOSITORY_ROOT, "dist/src/bundle");

test("a start takes the code cache of the build", () => {
  const script = `
    import { loadBundle } from "./dist/src/cli/bundle.js";
    process.stdout.write(String(loadBundle("./dist/src/bundle/outrigger.js").isCached));`;
  const run = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: REPOSITORY_ROOT,
    encoding: "utf8",
  });
  assert.equal(run.stdout, "true", run.stderr);
});

test("the build has compiled what the first records run, not only what a start loads", () => {
  const caches = readdirSync(FOLDER).filter((name) => name.endsWith(".cache"));
  assert.ok(caches.length > 0, "a build writes one");
  for (const name of caches) {
    const cache = readFileSync(join(FOLDER, name));
    // The texts of a function stand in the cache where the function does, and nowhere else of it.
    for (const text of [
      "a batch was answered that waits for no stage",
      "records come from `begin` of the same producer",
    ]) {
      assert.ok(cache.includes(text), `${name} lacks the function that says: ${text}`);
    }
  }
});
