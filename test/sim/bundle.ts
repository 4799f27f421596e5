import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { applyEdits, type Edit } from "./edits.ts";
import { SCALE } from "./mutants.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..");
const OUT = join(ROOT, "dist", "sim");

/** What simulated code gets in the place of time, chance and the machine. */
const GLOBALS: Readonly<Record<string, string>> = {
  setTimeout: "sim_setTimeout",
  setImmediate: "sim_setImmediate",
  clearTimeout: "sim_clear",
  clearImmediate: "sim_clear",
  "performance.now": "sim_now",
  "Date.now": "sim_wall",
  "Math.random": "sim_random",
  "AbortSignal.timeout": "sim_abortTimeout",
  "AbortSignal.any": "sim_abortAny",
};

/** What the stores stand on. */
const MODULES: Readonly<Record<string, string>> = {
  "rocksdb-native": "memory-rocksdb.ts",
  "node:fs": "replaced-fs.ts",
  "node:crypto": "replaced-crypto.ts",
};

/** No name of these may be left in what was bundled from `src`. */
const FORBIDDEN = [/\bsetInterval\b/, /\bnew Date\(\)/, /\bqueueMicrotask\b/, /\bnextTick\b/];

/**
 * Builds the simulator with the sidecar's sources in it, and `edits` made to them: production code has
 * no flag for any of it. Returns the file.
 */
export async function bundle(name: string, edits: readonly Edit[]): Promise<string> {
  mkdirSync(OUT, { recursive: true });
  const outfile = join(OUT, `${name}.mjs`);
  const all = [...SCALE, ...edits];
  const made = new Set<Edit>();
  await build({
    entryPoints: [join(HERE, "worker.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "error",
    define: GLOBALS,
    inject: [join(HERE, "virtual-globals.ts")],
    plugins: [replacing(all, made)],
  });
  const missed = all.find((edit) => !made.has(edit));
  if (missed !== undefined) {
    throw new Error(`${missed.file} is not part of the simulation, and cannot be edited`);
  }
  return outfile;
}

function replacing(edits: readonly Edit[], made: Set<Edit>): Plugin {
  return {
    name: "replacing",
    setup(hooks) {
      hooks.onResolve({ filter: /^(rocksdb-native|node:fs|node:crypto)$/ }, ({ path, importer }) =>
        relative(ROOT, importer).startsWith(join("src", "stores"))
          ? { path: join(HERE, MODULES[path] ?? "") }
          : null,
      );
      hooks.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const file = relative(ROOT, path).replaceAll("\\", "/");
        const contents = applyEdits(file, readFileSync(path, "utf8"), edits, made);
        const found = FORBIDDEN.find((pattern) => pattern.test(contents));
        if (found !== undefined) throw new Error(`${file} uses ${found.source}: see bundle.ts`);
        return { contents, loader: "ts" };
      });
    },
  };
}
