// Few scripts beside the modules, which is what starts quickly: one of the whole sidecar with V8's code cache
// for it, so that a start reads two files instead of six hundred and compiles next to nothing; and the SDK's,
// with what it needs of protobuf.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleOf, sdkBundleOf } from "./bundle-of.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SIDECAR = join(ROOT, "dist/src/bundle");
const SDK = join(ROOT, "clients/typescript/dist/bundle");
const LICENSES = "LICENSES.txt";
const WARM_UP_MAX_MS = 120_000;

process.chdir(ROOT);
write(SIDECAR, await bundleOf("src/cli/process.ts", join(SIDECAR, "outrigger.js")));
write(SDK, await sdkBundleOf("clients/typescript", SDK));
// In a process of its own, which is started as a sidecar is: the cache is for the flags of V8 that it has.
const warm = [join(ROOT, "scripts/warm-bundle.mjs"), join(SIDECAR, "outrigger.js")];
// What the environment says of sidecars and telemetry is meant for others.
const isMeant = ([name]: readonly [string, unknown]): boolean => !/^(OUTRIGGER|OTEL)_/.test(name);
const env = Object.fromEntries(Object.entries(process.env).filter(isMeant));
const how = { stdio: "inherit", timeout: WARM_UP_MAX_MS, env } as const;
process.exitCode = spawnSync(process.execPath, warm, how).status ?? 1;

/** Touches nothing where it is the same as before: what was cached of it is still good. */
function write(folder: string, built: Awaited<ReturnType<typeof bundleOf>>): void {
  const { outputFiles, metafile } = built;
  const isSame = outputFiles.every(
    ({ path, contents }) => existsSync(path) && readFileSync(path).equals(contents),
  );
  if (isSame) return;
  mkdirSync(folder, { recursive: true });
  // Each whole: somebody may be starting.
  for (const { path, contents } of outputFiles) {
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
  writeFileSync(join(folder, LICENSES), licensesOf(Object.keys(metafile.inputs)));
  const kept = new Set([LICENSES, ...outputFiles.map(({ path }) => basename(path))]);
  for (const name of readdirSync(folder)) if (!kept.has(name)) rmSync(join(folder, name));
}

/** Of every package that the scripts hold a part of. */
function licensesOf(inputs: readonly string[]): string {
  const inside = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(inside)]
    .toSorted()
    .map((folder) => licenseOf(folder, inputs))
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** Its file, or what stands at the head of its sources where it has none. */
function licenseOf(folder: string, inputs: readonly string[]): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const texts =
    file === undefined
      ? new Set(inputs.filter((path) => path.startsWith(`${folder}/`)).flatMap(headOf))
      : [readFileSync(join(folder, file), "utf8").trim()];
  return [`${name} ${version} (${license})`, ...texts].join("\n\n").concat("\n");
}

function headOf(path: string): string[] {
  const [head = ""] = /^(?:\/\/.*\n)*/.exec(readFileSync(path, "utf8")) ?? [];
  return head.includes("Copyright") ? [head.replaceAll(/^\/\/ ?/gm, "").trim()] : [];
}
