import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { build } from "esbuild";
import { SDKS, setUp, whyNot } from "../../conformance/languages.ts";
import { compileJava } from "../../support/judges.ts";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";
import { Child, startSidecarProcess } from "../../support/sidecar-process.ts";
import { benchJava, JVM } from "./java.ts";
import { languageOf, type Workload } from "./workloads.ts";

/** Where one run takes place. */
export interface Place {
  readonly bootstrapServers: string;
  readonly workload: Workload;
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
  start(place: Place): Promise<readonly Child[]>;
}

type Command = readonly [command: string, ...args: string[]];

const BUILT = join(REPOSITORY_ROOT, "dist/test/bench/side-by-side");
const APPS = join(import.meta.dirname, "apps");
const clientOf = (folder: string): string => join(REPOSITORY_ROOT, "clients", folder);

/** Builds the application of each language on its SDK, and says what runs it. */
const APPLICATIONS: Readonly<Record<string, () => Promise<Command>>> = {
  typescript: async () => {
    const outfile = join(BUILT, "typescript.js");
    const options = {
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    } as const;
    const entry = join(APPS, "typescript.ts");
    await build({ ...options, entryPoints: [entry], outfile, logLevel: "error" });
    return [process.execPath, outfile];
  },
  go: async () => {
    const program = join(BUILT, "go-application");
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
    const classes = compileJava("side-by-side-application", [source], classPath);
    return ["java", ...JVM, "-cp", `${classes}${delimiter}${classPath}`, "BenchApplication"];
  },
  python: async () => [join(clientOf("python"), ".venv/bin/python"), join(APPS, "application.py")],
};

/** A sidecar with its defaults, and an application on one of the SDKs, each a process of its own. */
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
    start: async ({ bootstrapServers, workload, input, output, group, folder }) => {
      if (command === null) throw new Error(`${name} is not set up`);
      const address = `unix:${join(folder, "s.sock")}`;
      const stateDir = join(folder, "state");
      const settings = { bootstrapServers, applicationId: group, stateDir, address };
      const sidecar = startSidecarProcess(settings, {}, process.execPath);
      const environment = {
        OUTRIGGER_ADDRESS: address,
        BENCH_WORKLOAD: workload,
        BENCH_INPUT: input,
        BENCH_OUTPUT: output,
      };
      const [program, ...args] = command;
      return [sidecar, new Child(name, args, environment, program)];
    },
  };
}

/** A class in `java`, which the broker's own Java runs. */
function peer(name: string, main: string, argsOf: (place: Place) => readonly string[]): System {
  return {
    name,
    whyNot: () => null,
    setUp: async () => {},
    start: async (place) => {
      const { workload, bootstrapServers, input, output, group } = place;
      const common = [workload, bootstrapServers, input, output, group];
      const args = await benchJava(main, ...common, ...argsOf(place));
      return [new Child(name, args, {}, "java")];
    },
  };
}

const stateAnd =
  (threads: number) =>
  ({ folder }: Place): string[] => [join(folder, "state"), String(threads)];

export const SYSTEMS: readonly System[] = [
  peer("kafka-streams-1", "StreamsPeer", stateAnd(1)),
  peer("kafka-streams-2", "StreamsPeer", stateAnd(2)),
  ...["typescript", "go", "java", "python"].map((name) => outrigger(`outrigger-${name}`)),
  peer("raw-java", "RawPeer", () => []),
];
