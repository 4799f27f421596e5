// `npm run dev-broker:verify`: rebuilds the embedded broker and compares checksums, where exactly the
// toolchain that go.mod names is present; says plainly that it did not, elsewhere.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./setup.mjs";

const folder = join(ROOT, "dev-broker");
const [, toolchain] = /^toolchain (\S+)$/m.exec(readFileSync(join(folder, "go.mod"), "utf8")) ?? [];
const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "", GOOS: "js", GOARCH: "wasm" };
const present = spawnSync("go", ["env", "GOVERSION"], { env, encoding: "utf8" }).stdout?.trim();
if (present !== toolchain) {
  process.stdout.write(`not verified: go.mod pins ${toolchain}, here is ${present || "no Go"}\n`);
  process.stdout.write("0 passed, 0 failed, 1 skipped\n");
  process.exit(0);
}
const out = mkdtempSync(join(tmpdir(), "outrigger-broker-"));
try {
  const built = join(out, "kfake.wasm");
  const flags = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", built, "."];
  const { status } = spawnSync("go", flags, { cwd: folder, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  const actual = createHash("sha256").update(readFileSync(built)).digest("hex");
  const expected = readFileSync(join(folder, "kfake.wasm.sha256"), "utf8").trim();
  const same = actual === expected;
  process.stdout.write(`built ${actual}\nsaid  ${expected}\n`);
  process.stdout.write(`${same ? 1 : 0} passed, ${same ? 0 : 1} failed\n`);
  process.exitCode = same ? 0 : 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
