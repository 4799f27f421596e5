import { type BuildOptions, type BuildResult, build, type Plugin } from "esbuild";

interface Written extends BuildOptions {
  readonly write: false;
  readonly metafile: true;
}

const COMMON = {
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  target: "node20",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
} as const;

/** Stays in node_modules: what is native, what looks for files beside itself, what few sidecars load. */
const EXTERNAL = [
  "@bokuweb/zstd-wasm",
  "@node-rs/crc32",
  "@opentelemetry/api",
  "@opentelemetry/sdk-node",
  "@outrigger/dev-broker",
  "lz4-napi",
  "snappy",
];

/** RocksDB's binding is JavaScript but for one file, which it would look for beside itself. */
const addonOfRocksdb: Plugin = {
  name: "addon of RocksDB",
  setup: ({ onLoad }) =>
    onLoad({ filter: /rocksdb-native\/binding\.js$/ }, () => ({
      contents:
        'module.exports = require("require-addon")(".", require.resolve("rocksdb-native"));',
    })),
};

/** One script of a module and all that it needs, for `src/cli/bundle.ts` to load, and its source map. */
export async function bundleOf(entry: string, outfile: string): Promise<BuildResult<Written>> {
  const built = await build({
    ...COMMON,
    entryPoints: [entry],
    outfile,
    format: "cjs",
    // Names stay, so that a stack says where it was; the map says the rest.
    minifySyntax: true,
    minifyWhitespace: true,
    external: EXTERNAL,
    plugins: [addonOfRocksdb],
    logOverride: { "require-resolve-not-external": "silent" },
    sourcemap: "external",
    define: { "import.meta.url": "bundleUrl" },
    banner: { js: `(function (${PARAMETERS}) {` },
    footer: { js: "})" },
  });
  // What V8 takes from its cache has lost where imports come from: so they are handed in,
  // under a name of the same length, which moves nothing that the map says.
  const outputFiles = built.outputFiles.map((file) => {
    const text = file.text.replaceAll('import("', `${IMPORT}("`);
    return file.path.endsWith(".js") ? { ...file, text, contents: Buffer.from(text) } : file;
  });
  return { ...built, outputFiles };
}

const IMPORT = "Import";
/** What `src/cli/bundle.ts` calls the script with. */
const PARAMETERS = `exports, require, module, __filename, __dirname, bundleUrl, ${IMPORT}`;

/** Who gives a message's description to the schema registry has it from a protobuf of his own. */
const protobufOfTheUser: Plugin = {
  name: "protobuf of the user",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@bufbuild\/protobuf/ }, ({ importer, path }) =>
      importer.endsWith("schema-registry.ts") ? { path, external: true } : undefined,
    ),
};

/** The modules of the SDK, each entry a file and what they share in others: protobuf's runtime, mostly. */
export function sdkBundleOf(folder: string, outdir: string): Promise<BuildResult<Written>> {
  const entries = ["index", "testing", "avro", "schema-registry"];
  return build({
    ...COMMON,
    entryPoints: entries.map((name) => `${folder}/src/${name}.ts`),
    outdir,
    format: "esm",
    splitting: true,
    external: ["@opentelemetry/api", "avsc"],
    plugins: [protobufOfTheUser],
    sourcemap: "linked",
  });
}
