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
  // Names stay, so that a stack says where it was; the map says the rest.
  minifySyntax: true,
  minifyWhitespace: true,
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
  "rocksdb-native",
  "snappy",
];

/** One script of a module and all that it needs, for `src/cli/bundle.ts` to load, and its source map. */
export function bundleOf(entry: string, outfile: string): Promise<BuildResult<Written>> {
  return build({
    ...COMMON,
    entryPoints: [entry],
    outfile,
    format: "cjs",
    external: EXTERNAL,
    sourcemap: "external",
    define: { "import.meta.url": "bundleUrl" },
    banner: { js: "(function (exports, require, module, __filename, __dirname, bundleUrl) {" },
    footer: { js: "})" },
  });
}

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
    external: ["@grpc/grpc-js", "@opentelemetry/api", "avsc"],
    plugins: [protobufOfTheUser],
    sourcemap: "linked",
  });
}
