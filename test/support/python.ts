import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, REPOSITORY_ROOT } from "./kafka-jars.ts";

const REQUIREMENTS = join(REPOSITORY_ROOT, "test/ops/requirements.txt");

/** The Python SDK's sources, for an application that runs in `opsPython`. */
export const PYTHON_SDK = join(REPOSITORY_ROOT, "clients/python/src");

let python: string | null | undefined;

/**
 * Python with what test/ops/requirements.txt names, in a virtual environment of the user's cache; null
 * where it cannot be made, which is said.
 */
export function opsPython(): string | null {
  if (python !== undefined) return python;
  const wanted = readFileSync(REQUIREMENTS);
  const version = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const folder = cacheFolder(`ops-python-${version}`);
  const binary = join(folder, process.platform === "win32" ? "Scripts/python" : "bin/python");
  const mark = join(folder, "installed");
  if (!existsSync(mark)) {
    spawnSync("python3", ["-m", "venv", folder], { stdio: "ignore" });
    const flags = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS];
    const { status } = spawnSync(binary, flags, { stdio: ["ignore", "ignore", "inherit"] });
    if (status === 0) writeFileSync(mark, "");
  }
  python = existsSync(mark) ? binary : null;
  if (python === null) {
    process.stdout.write(
      "NOT PROVED: no traces, and no metrics, were read by anybody but us: there is no python3 with " +
        "the packages of test/ops/requirements.txt\n",
    );
  }
  return python;
}
