import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

it("the process exits with the command's code, results on stdout, complaints on stderr", () => {
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", main, ...argv], { encoding: "utf8" });
  const described = run("config", "print", "--application.id", "a", "--bootstrap.servers", "b:1");
  assert.equal(described.status, 0, described.stderr);
  assert.match(described.stdout, /application.id/);
  const refused = run("config", "print");
  assert.equal(refused.status, 2);
  assert.equal(refused.stdout, "");
  assert.match(refused.stderr, /CONFIG_INVALID/);
});
