import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startDevBroker } from "@outrigger/dev-broker";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child, eventually } from "../support/sidecar-process.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-image-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

test("every RUN step of the Dockerfile's build is one of the script's", () => {
  const dockerfile = readFileSync(join(REPOSITORY_ROOT, "Dockerfile"), "utf8");
  const [build = ""] = dockerfile.split("# glibc");
  const steps = [...build.matchAll(/^RUN (.*)$/gm)].map(([, step]) => step);
  assert.deepEqual(
    steps,
    ["install", "build", "prune"].map((step) => `scripts/container-build.sh ${step}`),
  );
});

test("what the Dockerfile builds is small, and serves", {
  skip: process.platform === "linux" ? false : "the image is for Linux",
}, async () => {
  for (const file of run("git", ["ls-files", "-coz", "--exclude-standard"], REPOSITORY_ROOT).split(
    "\0",
  )) {
    const from = join(REPOSITORY_ROOT, file);
    if (file === "" || !existsSync(from)) continue;
    cpSync(from, join(folder, file), { recursive: true });
  }
  for (const step of ["install", "build", "prune"]) {
    run("bash", ["scripts/container-build.sh", step], folder);
  }
  assert.ok(!existsSync(join(folder, "node_modules/typescript")), "no tools of development");
  const kilobytes = Number(run("du", ["-sk", "node_modules"], folder).split("\t")[0]);
  assert.ok(kilobytes < 120_000, `node_modules has ${kilobytes} KB`);
  const main = join(folder, "dist/src/main.js");
  assert.match(run(process.execPath, [main, "--help"], folder), /outrigger run/);
  const broker = await startDevBroker();
  const flags = ["--bootstrap.servers", broker.bootstrapServers, "--application.id", "image"];
  const sidecar = new Child("sidecar", [main, "run", ...flags], {
    OUTRIGGER_STATE_DIR: join(folder, "state"),
  });
  try {
    const listens = (): boolean => sidecar.output.includes("outrigger is listening");
    await eventually("the sidecar to listen", listens, [sidecar]);
    assert.equal(await sidecar.stop(), "0", sidecar.output);
  } finally {
    await broker.stop();
  }
});
