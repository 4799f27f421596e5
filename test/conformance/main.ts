import process, { argv, stdout } from "node:process";
import { styleText } from "node:util";
import type { Case } from "./case.ts";
import { BATCH_CASES } from "./cases/batches.ts";
import { CHUNK_CASES } from "./cases/chunks.ts";
import { CONNECTION_CASES } from "./cases/connection.ts";
import { EMITTED_CASES } from "./cases/emitted.ts";
import { FAILURE_CASES } from "./cases/failures.ts";
import { HOOK_CASES } from "./cases/hooks.ts";
import { OPERATION_CASES } from "./cases/operations.ts";
import { STATE_CASES } from "./cases/state.ts";
import { TIMER_CASES } from "./cases/timers.ts";
import { TIMESTAMP_CASES } from "./cases/timestamps.ts";
import { TOPOLOGY_CASES } from "./cases/topologies.ts";
import { WINDOW_CASES } from "./cases/windows.ts";
import { Driver } from "./driver.ts";
import { KNOWN_FAILURES } from "./known-failures.ts";
import { LANGUAGES, type Language, setUp, whyNot } from "./languages.ts";
import { readmeFault, writeReadme } from "./readme.ts";
import { RealRuns } from "./real-runs.ts";
import { type Capability, table } from "./table.ts";

const HELP = `npm run conformance -- <language>|all [options]

Drives each SDK's conformance application (docs/sdks.md): by a scripted sidecar, which sends
what a real one rarely does, and by the real one on a broker, in its hostile modes.

  languages        ${LANGUAGES.map(({ name }) => name).join(", ")}
  --full           every hostile mode alone, not only all of them together
  --case ID        only cases whose id begins so
  --write          puts the table of capabilities into README.md; without, \`all\` checks that it is there
  --help           this text
`;

interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
}

const GROUPS: readonly Group[] = [
  { name: "connection and handshake", cases: CONNECTION_CASES },
  { name: "batches", cases: BATCH_CASES },
  { name: "state", cases: STATE_CASES },
  { name: "failures, revocation, stopping", cases: FAILURE_CASES },
  { name: "frames in chunks", cases: CHUNK_CASES },
  { name: "builders", cases: TOPOLOGY_CASES },
  { name: "operations and repartitioning", cases: OPERATION_CASES },
  { name: "windows and sessions", cases: [...WINDOW_CASES, ...EMITTED_CASES] },
  { name: "after the commit", cases: HOOK_CASES },
  { name: "timestamps, prefixes, chosen topics", cases: TIMESTAMP_CASES },
  { name: "timers", cases: TIMER_CASES },
];

interface Options {
  readonly languages: readonly Language[];
  readonly isFull: boolean;
  readonly prefix: string;
  readonly isWrite: boolean;
  /** Everything that the README's table shows. */
  readonly isWhole: boolean;
}

function optionsOf(args: readonly string[]): Options | null {
  if (args.includes("--help") || args.length === 0) return null;
  const at = args.indexOf("--case");
  const prefix = at < 0 ? "" : (args[at + 1] ?? "");
  const names = args.filter((arg, index) => !arg.startsWith("--") && (at < 0 || index !== at + 1));
  const languages = names.includes("all")
    ? LANGUAGES
    : LANGUAGES.filter(({ name }) => names.includes(name));
  const unknown = names.find((name) => name !== "all" && !languages.some((l) => l.name === name));
  if (unknown !== undefined) throw new Error(`there is no language "${unknown}"; see --help`);
  const isFull = args.includes("--full");
  const isWhole = names.includes("all") && prefix === "" && !isFull;
  return { languages, isFull, prefix, isWrite: args.includes("--write"), isWhole };
}

/** Counts what every language does, and says what went wrong. */
class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly capabilities: Capability[] = [];

  async take(
    language: Language,
    group: string,
    id: string,
    run: () => Promise<void>,
  ): Promise<void> {
    const known = KNOWN_FAILURES.find((one) => one.language === language.name && one.id === id);
    let fault: string | null = null;
    try {
      await run();
    } catch (error: unknown) {
      fault = error instanceof Error ? error.message : String(error);
    }
    const isRight = (fault === null) === (known === undefined);
    if (isRight) this.passed += 1;
    else this.failed += 1;
    this.capabilities.push({ language: language.title, group, passed: fault === null });
    if (isRight) return;
    const said = fault ?? `it passes, and is listed as failing: ${known?.reason}`;
    stdout.write(`${styleText("red", "FAIL")} ${language.name} ${id}\n      ${said}\n`);
  }
}

async function testLanguage(language: Language, options: Options, tally: Tally): Promise<void> {
  const startedAt = performance.now();
  const before = tally.passed + tally.failed;
  setUp(language);
  const driver = new Driver(language);
  try {
    for (const { name, cases } of GROUPS) {
      for (const one of cases) {
        if (!one.id.startsWith(options.prefix)) continue;
        await tally.take(language, name, one.id, () => driver.run(one));
      }
    }
  } finally {
    await driver.close();
  }
  await new RealRuns(language).run(options, tally);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const count = tally.passed + tally.failed - before;
  stdout.write(`     ${language.name}: ${count} cases in ${seconds} s\n`);
}

async function main(): Promise<number> {
  const options = optionsOf(argv.slice(2));
  if (options === null) {
    stdout.write(HELP);
    return 0;
  }
  const tally = new Tally();
  for (const language of options.languages) {
    const reason = whyNot(language);
    if (reason === null) {
      await testLanguage(language, options, tally);
      continue;
    }
    tally.skipped += 1;
    stdout.write(`NOT PROVED: ${language.name} was left out, because ${reason}\n`);
  }
  const shown = table(tally.capabilities);
  stdout.write(`\n${shown}\n`);
  if (options.isWhole && tally.skipped === 0) {
    if (options.isWrite) writeReadme(shown);
    const fault = readmeFault(shown);
    if (fault === null) tally.passed += 1;
    else {
      tally.failed += 1;
      stdout.write(`${styleText("red", "FAIL")} ${fault}\n`);
    }
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
  stdout.write(`${tally.passed} passed, ${tally.failed} failed${skipped}\n`);
  return tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}

try {
  process.exit(await main());
} catch (error: unknown) {
  stdout.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
  stdout.write("0 passed, 1 failed\n");
  process.exit(1);
}
