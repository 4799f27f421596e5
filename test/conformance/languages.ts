import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child } from "../support/sidecar-process.ts";

/** One SDK under test; a language with two kinds of handlers is two. */
export interface Language {
  readonly name: string;
  /** As a person writes it. */
  readonly title: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Commands that must be there; each is run with these arguments to see. */
  readonly tools: readonly (readonly [command: string, ...args: string[]])[];
}

const PYTHON = { folder: "python", tools: [["python3", "-c", "import venv"]] } as const;

export const LANGUAGES: readonly Language[] = [
  { name: "typescript", title: "TypeScript", folder: "typescript", environment: {}, tools: [] },
  {
    name: "python",
    title: "Python",
    ...PYTHON,
    environment: { OUTRIGGER_CONFORMANCE_HANDLER: "sync" },
  },
  {
    name: "python-async",
    title: "Python, `async`",
    ...PYTHON,
    environment: { OUTRIGGER_CONFORMANCE_HANDLER: "async" },
  },
  { name: "go", title: "Go", folder: "go", environment: {}, tools: [["go", "version"]] },
  {
    name: "java",
    title: "Java",
    folder: "java",
    environment: {},
    tools: [
      ["javac", "-version"],
      ["mvn", "-v"],
    ],
  },
];

/** One of each SDK, whatever kinds of handlers it has. */
export const SDKS = LANGUAGES.filter(({ name, folder }) => name === folder);

/** Why the language cannot be tested here; null when it can. */
export function whyNot({ folder, tools }: Language): string | null {
  if (!existsSync(scriptOf(folder, "setup"))) return `there is no clients/${folder}`;
  for (const [command, ...args] of tools) {
    const { status } = spawnSync(command, args, { stdio: "ignore" });
    if (status !== 0) return `${command} is not there`;
  }
  return null;
}

/** Installs and builds the SDK with its applications. Throws with what the build said. */
export function setUp({ name, folder }: Language): void {
  const { status, stdout, stderr } = spawnSync("bash", [scriptOf(folder, "setup")], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`setting ${name} up failed:\n${stdout}${stderr}`);
}

/** Starts one of the SDK's applications: `conformance`, or an example. */
export function startApplication(
  { name, folder, environment }: Language,
  application: string,
  settings: Record<string, string>,
): Child {
  const args = [scriptOf(folder, "run"), application];
  return new Child(`${name} ${application}`, args, { ...environment, ...settings }, "bash");
}

function scriptOf(folder: string, script: string): string {
  return join(REPOSITORY_ROOT, "clients", folder, "scripts", `${script}.sh`);
}
