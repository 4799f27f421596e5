import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LANGUAGES = ["typescript", "python", "go", "java"] as const;

type Language = (typeof LANGUAGES)[number];

/** The language that `--app` names. Throws for one that there is no SDK for. */
export function languageOf(args: readonly string[]): Language {
  const at = args.indexOf("--app");
  if (at < 0) return "typescript";
  const given = args[at + 1] ?? "";
  const language = LANGUAGES.find((known) => known === given);
  if (language !== undefined) return language;
  throw new Error(`--app is "${given}"; it is one of ${LANGUAGES.join(", ")}`);
}

/** The command that runs the application, built where that is necessary. */
export function applicationCommand(
  language: Language,
  isCopy: boolean,
  say: (line: string) => void,
): readonly [string, ...string[]] {
  // From dist/demo, where this runs, to what else is built, and to the sources.
  const built = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
  if (isCopy) return [process.execPath, built("demo/copy.js")];
  if (language === "typescript") {
    return [process.execPath, built("clients/typescript/examples/flights.js")];
  }
  const scripts = fileURLToPath(new URL(`../../clients/${language}/scripts/`, import.meta.url));
  if (!existsSync(scripts)) throw new Error(`there is no ${language} SDK in ${scripts}`);
  say(`  building the ${language} application …`);
  const { status, stdout, stderr } = spawnSync("bash", [`${scripts}setup.sh`], {
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new Error(`the ${language} application could not be built:\n${stdout}${stderr}`);
  }
  return ["bash", `${scripts}run.sh`, "flights"];
}
