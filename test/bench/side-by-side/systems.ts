import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { build } from "esbuild";
import { SDKS, setUp, whyNot } from "../../conformance/languages.ts";
import { compileJava } from "../../support/judges.ts";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";
import { pythonWith } from "../../support/python.ts";
import { Child, startSidecarProcess } from "../../support/sidecar-process.ts";
import { benchJava, JVM } from "./java.ts";
import { languageOf, type Settings, type Shape } from "./workloads.ts";

/** Where one run takes place. */
export interface Place {
  readonly bootstrapServers: string;
  readonly shape: Shape;
  readonly settings: Settings;
  readonly input: string;
  readonly output: string;
  /** The consumer group, and the beginning of the name of every topic that the system makes. */
  readonly group: string;
  readonly folder: string;
}

/** Something that does the workloads, in one process or several. */
export interface System {
  readonly name: string;
  /** Why it cannot be run here; null when it can. */
  whyNot(): string | null;
  /** Builds what `start` runs. */
  setUp(): Promise<void>;
  /** Where there is a sidecar, it is the first. */
  start(place: Place): Promise<readonly Child[]>;
}

type Command = readonly [command: string, ...args: string[]];

const COMMIT_DEFAULT_MS = 100;
const builtAt = (root: string): string => join(root, "dist/test/bench/side-by-side");
const APPS = join(import.meta.dirname, "apps");
const clientOf = (folder: string): string => join(REPOSITORY_ROOT, "clients", folder);

async function typescriptAt(root: string): Promise<Command> {
  const outfile = join(builtAt(root), "typescript.js");
  const options = { bundle: true, packages: "external", platform: "node", format: "esm" } as const;
  const entry = join(root, "test/bench/side-by-side/apps/typescript.ts");
  await build({ ...options, entryPoints: [entry], outfile, logLevel: "error" });
  return [process.execPath, outfile];
}

const javaOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".java"))
    .map((name) => join(folder, name));

/** Builds the application of each language on its SDK, and says what runs it. */
const APPLICATIONS: Readonly<Record<string, () => Promise<Command>>> = {
  typescript: () => typescriptAt(REPOSITORY_ROOT),
  go: async () => {
    const program = join(builtAt(REPOSITORY_ROOT), "go-application");
    // Files named outright are built in the module of the folder that Go runs in: the SDK's.
    const args = ["build", "-trimpath", "-o", program, join(APPS, "main.go")];
    const { status, stderr } = spawnSync("go", args, { cwd: clientOf("go"), encoding: "utf8" });
    if (status !== 0) throw new Error(`the application in Go does not compile:\n${stderr}`);
    return [program];
  },
  java: async () => {
    const target = join(clientOf("java"), "target");
    const classPath = [join(target, "classes"), join(target, "lib/*")].join(delimiter);
    const source = join(APPS, "BenchApplication.java");
    const sdk = javaOf(join(clientOf("java"), "src/main/java/io/outrigger"));
    const classes = compileJava("side-by-side-application", [source], classPath, sdk);
    return ["java", ...JVM, "-cp", `${classes}${delimiter}${classPath}`, "BenchApplication"];
  },
  python: async () => [join(clientOf("python"), ".venv/bin/python"), join(APPS, "application.py")],
};

/** The sidecar's settings; what is not said is as it comes. */
function flagsOf({ commitIntervalMs, storeBytes, batchRecordsMax }: Settings) {
  return {
    ...(commitIntervalMs === COMMIT_DEFAULT_MS ? {} : { "commit.interval.ms": commitIntervalMs }),
    ...(storeBytes === null ? {} : { "rocksdb.memory.max.bytes": storeBytes }),
    ...(batchRecordsMax === null ? {} : { "batch.max.records": batchRecordsMax }),
  };
}

/** A sidecar, and an application on one of the SDKs, each a process of its own. */
function outrigger(name: string): System {
  const language = SDKS.find((sdk) => sdk.name === languageOf(name));
  const application = language && APPLICATIONS[language.name];
  if (language === undefined || application === undefined) throw new Error(`${name} has no SDK`);
  let command: Command | null = null;
  return {
    name,
    whyNot: () => whyNot(language),
    setUp: async () => {
      setUp(language);
      command = await application();
    },
    start: async (place) => {
      if (command === null) throw new Error(`${name} is not set up`);
      return startPair(name, command, place, join(REPOSITORY_ROOT, "dist"));
    },
  };
}

function startPair(name: string, command: Command, place: Place, dist: string): readonly Child[] {
  const { bootstrapServers, shape, settings, input, output, group, folder } = place;
  const address = `unix:${join(folder, "s.sock")}`;
  const stateDir = join(folder, "state");
  const flags = flagsOf(settings);
  const about = { bootstrapServers, applicationId: group, stateDir, address, flags, dist };
  const sidecar = startSidecarProcess(about, {}, process.execPath);
  const environment = {
    OUTRIGGER_ADDRESS: address,
    BENCH_WORKLOAD: shape,
    BENCH_INPUT: input,
    BENCH_OUTPUT: output,
    BENCH_HANDLER_MS: String(settings.handlerMs),
  };
  const [program, ...args] = command;
  return [sidecar, new Child(name, args, environment, program)];
}

/** Sidecar, SDK and application in TypeScript of a checkout that is built. */
export async function checkout(name: string, root: string): Promise<System> {
  const command = await typescriptAt(root);
  return {
    name,
    whyNot: () => null,
    setUp: async () => {},
    start: async (place) => startPair(name, command, place, join(root, "dist")),
  };
}

/** A class in `java`, which the broker's own Java runs. */
function peer(name: string, main: string, argsOf: (place: Place) => readonly string[]): System {
  return {
    name,
    whyNot: () => null,
    setUp: async () => {},
    start: async (place) => {
      const { shape, bootstrapServers, input, output, group } = place;
      const common = [shape, bootstrapServers, input, output, group];
      const args = await benchJava(main, ...common, ...argsOf(place));
      return [new Child(name, args, {}, "java")];
    },
  };
}

const streams =
  (threads: number) =>
  ({ folder, settings }: Place): string[] => {
    const { commitIntervalMs, storeBytes } = settings;
    return [join(folder, "state"), ...[threads, commitIntervalMs, storeBytes ?? 0].map(String)];
  };

const REQUIREMENTS = join(import.meta.dirname, "python/requirements.txt");

/** Quix Streams, in a virtual environment with its pinned version. */
const QUIX: System = {
  name: "quix",
  whyNot: () => {
    const isThere = pythonWith("bench-quix", REQUIREMENTS) !== null;
    return isThere ? null : `there is no python3 with the packages of ${basename(REQUIREMENTS)}`;
  },
  setUp: async () => {},
  start: async ({ bootstrapServers, shape, settings, input, output, group, folder }) => {
    const environment = {
      BENCH_BOOTSTRAP: bootstrapServers,
      BENCH_WORKLOAD: shape,
      BENCH_INPUT: input,
      BENCH_OUTPUT: output,
      BENCH_GROUP: group,
      BENCH_STATE_DIR: join(folder, "state"),
      BENCH_COMMIT_MS: String(settings.commitIntervalMs),
    };
    const script = join(import.meta.dirname, "python/quix.py");
    return [new Child("quix", [script], environment, pythonWith("bench-quix", REQUIREMENTS))];
  },
};

export const SYSTEMS: readonly System[] = [
  peer("kafka-streams-1", "StreamsPeer", streams(1)),
  peer("kafka-streams-2", "StreamsPeer", streams(2)),
  ...["typescript", "go", "java", "python"].map((name) => outrigger(`outrigger-${name}`)),
  QUIX,
  peer("raw-java", "RawPeer", () => []),
];
