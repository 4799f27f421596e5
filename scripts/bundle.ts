// One script of the whole sidecar beside its modules, and V8's code cache for it: a start reads two files
// instead of six hundred, and compiles next to nothing.
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
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleOf } from "./bundle-of.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "dist/src/bundle");
const BUNDLE = join(FOLDER, "outrigger.js");

process.chdir(ROOT);
const { outputFiles, metafile } = await bundleOf("src/cli/process.ts", BUNDLE);
const isSame = outputFiles.every(
  ({ path, contents }) => existsSync(path) && readFileSync(path).equals(contents),
);
if (!isSame) {
  mkdirSync(FOLDER, { recursive: true });
  for (const name of readdirSync(FOLDER)) if (name.endsWith(".cache")) rmSync(join(FOLDER, name));
  writeFileSync(join(FOLDER, "LICENSES.txt"), licenses(Object.keys(metafile.inputs)));
  // Each whole: a sidecar may be starting.
  for (const { path, contents } of outputFiles) {
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
}
// In a process of its own, with the flags of V8 that a sidecar has: the cache is for those.
const warm = join(ROOT, "scripts/warm-bundle.mjs");
const { status } = spawnSync(process.execPath, [warm, BUNDLE], { stdio: "inherit" });
process.exitCode = status ?? 1;

/** Of every package that the script holds a part of. */
function licenses(inputs: readonly string[]): string {
  const inside = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(inside)]
    .toSorted()
    .map(licenseOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
}
