/** The last result of each long suite, as `docs/guarantees.md` publishes it. */

export interface Result {
  readonly suite: SuiteName;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `2026-01-31` */
  readonly date: string;
  readonly commit: string;
}

/** What one run of each suite is, and whether runs without failure bound the rate of failures. */
export const SUITES = {
  sim: { run: "simulated world", command: "npm run sim -- --seeds N", isSampled: true },
  chaos: { run: "fault on real processes", command: "npm run chaos -- --runs N", isSampled: true },
  failpoints: {
    run: "SIGKILL at a failpoint",
    command: "npm run chaos -- --fault 'kill-*' --runs N",
    isSampled: true,
  },
  mutants: {
    run: "rule broken, or left whole",
    command: "npm run chaos -- --mutants",
    isSampled: false,
  },
  streams: { run: "run of Kafka Streams", command: "npm run checker:streams", isSampled: true },
  cluster: {
    run: "the same on three brokers",
    command: "npm run chaos -- --brokers 3 --runs N",
    isSampled: true,
  },
  regroups: {
    run: "sidecars on three brokers that share a repartition",
    command: "npm run chaos -- --brokers 3 --fault 'regroup-*' --runs N",
    isSampled: true,
  },
  recovery: { run: "SIGKILL, disk intact", command: "npm run recovery", isSampled: false },
} as const;

export type SuiteName = keyof typeof SUITES;

const FROM = "<!-- results: npm run guarantees:record -->";
const TO = "<!-- end of results -->";

/** What the last line of a suite's output says. */
export function sumsOf(log: string): Pick<Result, "passed" | "failed" | "skipped"> {
  const last = log.trimEnd().split("\n").at(-1) ?? "";
  const found = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(last);
  if (found === null) throw new Error(`"${last}" is no last line of a suite`);
  const [, passed, failed, skipped = "0"] = found;
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

/** 95 %: with no failure in n runs, at most 3/n of all runs fail. */
export function boundOf(suite: SuiteName, { passed, failed }: Result): string {
  const runs = passed + failed;
  if (failed > 0 || runs === 0 || !SUITES[suite].isSampled) return "";
  const percent = Math.min(100, 300 / runs);
  return `≤ 3/${runs} (${Number(percent.toPrecision(2))} %)`;
}

/** The page with the table of these results in the place of the one before. */
export function published(page: string, results: readonly Result[]): string {
  const [from, to] = [page.indexOf(FROM), page.indexOf(TO)];
  if (from < 0 || to < from) throw new Error(`the page has no place for results: ${FROM} … ${TO}`);
  const lines = Object.entries(SUITES).map(([name, { run, command }]) => {
    const result = results.find(({ suite }) => suite === name);
    if (result === undefined) return `| \`${command}\` | ${run} | not recorded yet | | | |`;
    const { passed, failed, skipped, date, commit } = result;
    const runs = `${passed + failed}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    const bound = boundOf(result.suite, result);
    return `| \`${command}\` | ${run} | ${runs} | ${failed} | ${bound} | ${date}, \`${commit}\` |`;
  });
  const head =
    "| command | one run | runs | failures | rate at 95 % | when |\n|---|---|---|---|---|---|";
  return `${page.slice(0, from)}${FROM}\n${head}\n${lines.join("\n")}\n${page.slice(to)}`;
}
