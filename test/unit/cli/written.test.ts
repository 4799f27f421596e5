import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as rest } from "node:timers/promises";

const BYTES = 2_000_000;

/** Writes more than a pipe has room for, and exits as the command line does. */
function writer(): ChildProcess {
  const source = `
    import { written } from "./src/cli/written.ts";
    process.stdout.write("x".repeat(${BYTES}));
    process.stderr.write("written");
    await written(process.stdout);
    process.exit(3);
  `;
  const flags = ["--import", "tsx", "--input-type=module", "-e", source];
  return spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
}

test("a reader that is slow gets all of it", async () => {
  const child = writer();
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  const closed = once(child, "close");
  await once(stderr, "data");
  await rest(100);
  let bytes = 0;
  stdout.on("data", (piece: Buffer) => {
    bytes += piece.length;
  });
  assert.deepEqual(await closed, [3, null]);
  assert.equal(bytes, BYTES);
});

test("a reader that has gone holds nothing up, and is no error", async () => {
  const child = writer();
  child.stdout?.destroy();
  assert.deepEqual(await once(child, "exit"), [3, null]);
});
