import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, REPOSITORY_ROOT } from "./kafka-jars.ts";

const REQUIREMENTS = join(REPOSITORY_ROOT, "test/ops/requirements.txt");

const OPS = "ops-python";

/** The Python SDK's sources, for an application that runs in `opsPython`. */
export const PYTHON_SDK = join(REPOSITORY_ROOT, "clients/python/src");

const found = new Map<string, string | null>();

/**
 * Python with what a file of requirements names, in a virtual environment of the user's cache; null
 * where it cannot be made.
 */
export function pythonWith(name: string, requirements: string): string | null {
  const known = found.get(name);
  if (known !== undefined) return known;
  const wanted = readFileSync(requirements);
  const version = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const folder = cacheFolder(`${name}-${version}`);
  const binary = join(folder, process.platform === "win32" ? "Scripts/python" : "bin/python");
  const mark = join(folder, "installed");
  if (!existsSync(mark)) {
    spawnSync("python3", ["-m", "venv", folder], { stdio: "ignore" });
    const flags = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements];
    const { status } = spawnSync(binary, flags, { stdio: ["ignore", "ignore", "inherit"] });
    if (status === 0) writeFileSync(mark, "");
  }
  const python = existsSync(mark) ? binary : null;
  found.set(name, python);
  return python;
}

/** The same with test/ops/requirements.txt, and said where it is not to be had. */
export function opsPython(): string | null {
  const isFirst = !found.has(OPS);
  const python = pythonWith(OPS, REQUIREMENTS);
  if (python === null && isFirst) {
    process.stdout.write(
      "NOT PROVED: no traces, and no metrics, were read by anybody but us: there is no python3 with " +
        "the packages of test/ops/requirements.txt\n",
    );
  }
  return python;
}
