// How one script is made of modules, for `src/cli/bundle.ts` to load.
import { type BuildOptions, type BuildResult, build } from "esbuild";

interface Written extends BuildOptions {
  readonly write: false;
  readonly metafile: true;
}

/** Stays in node_modules: what is native, what looks for files beside itself, what few sidecars load. */
const EXTERNAL = [
  "@bokuweb/zstd-wasm",
  "@node-rs/crc32",
  "@opentelemetry/api",
  "@opentelemetry/sdk-node",
  "@outrigger/dev-broker",
  "lz4-napi",
  "rocksdb-native",
  "snappy",
];

/** The script and its source map as they are to be written, and esbuild's account of what is in them. */
export function bundleOf(entry: string, outfile: string): Promise<BuildResult<Written>> {
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: EXTERNAL,
    // Names stay, so that a stack says where it was; the map says the rest.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
    define: { "import.meta.url": "bundleUrl" },
    banner: { js: "(function (exports, require, module, __filename, __dirname, bundleUrl) {" },
    footer: { js: "})" },
  });
}
