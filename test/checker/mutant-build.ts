import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { applyEdits, type Edit } from "../sim/edits.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

const COMPILED = join(REPOSITORY_ROOT, "dist/src");

/**
 * The compiled sidecar with edits made to its sources, beside it in `dist`: the same files but those.
 * Returns its `main.js`. Production code has no flag for any of it.
 */
export async function buildMutant(name: string, edits: readonly Edit[]): Promise<string> {
  const folder = join(REPOSITORY_ROOT, "dist", `mutant-${name}`);
  rmSync(folder, { recursive: true, force: true });
  cpSync(COMPILED, folder, { recursive: true });
  // The one script of all modules knows nothing of an edit: without it, the modules run.
  rmSync(join(folder, "bundle"), { recursive: true });
  for (const file of new Set(edits.map((edit) => edit.file))) {
    const source = readFileSync(join(REPOSITORY_ROOT, file), "utf8");
    const edited = applyEdits(file, source, edits, new Set());
    const { code } = await transform(edited, { loader: "ts", target: "node20", format: "esm" });
    const imports = code.replaceAll(/(from|import) "(\.[^"]*)\.ts"/g, '$1 "$2.js"');
    const target = file.replace(/^src\//, "").replace(/\.ts$/, ".js");
    writeFileSync(join(folder, target), imports);
  }
  return join(folder, "main.js");
}
