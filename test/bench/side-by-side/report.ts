import type { Figure, Run } from "./figures.ts";
import { tables } from "./tables.ts";
import { verdictLines } from "./verdicts.ts";

/** Runs in words. No IO. */

const LOAD_QUIET = 1;

const PARTS: readonly (readonly [Figure, (value: number) => string])[] = [
  ["rate", (value) => `${Math.round(value)}/s`],
  ["lastHalfRate", (value) => `last half ${Math.round(value)}/s`],
  ["restoreRate", (value) => `${Math.round(value)} entries/s`],
  ["p50Ms", (value) => `p50 ${value.toFixed(0)} ms`],
  ["p99Ms", (value) => `p99 ${value.toFixed(0)} ms`],
  ["p999Ms", (value) => `p99.9 ${value.toFixed(0)} ms`],
  ["cpuMicros", (value) => `${value.toFixed(1)} µs CPU`],
  ["cpuPercent", (value) => `${value.toFixed(0)} % CPU`],
  ["peakRssMb", (value) => `${Math.round(value)} MB`],
  ["sidecarPeakRssMb", (value) => `sidecar ${Math.round(value)} MB`],
  ["firstOutputSeconds", (value) => `first output ${value.toFixed(1)} s`],
];

/** One line for a run that is over. */
export function told({ round, workload, system, figures, fault }: Run): string {
  const name = `round ${round}  ${workload} ${system.padEnd(20)}`;
  if (figures === null) return `FAIL ${name} ${fault ?? "no output"}`;
  const said = PARTS.flatMap(([figure, text]) => {
    const value = figures[figure];
    return value === undefined ? [] : [text(value)];
  }).join(", ");
  return `${fault === null ? "ok  " : "FAIL"} ${name} ${said}${fault === null ? "" : `; ${fault}`}`;
}

/** What is to be known of how the figures came about. */
export function sentencesOf(runs: readonly Run[]): string[] {
  const commits = [...new Set(runs.map(({ commit }) => commit))];
  const most = Math.max(0, ...runs.map(({ load }) => load));
  const several = `These runs are of several commits: ${commits.join(", ")}.`;
  const busy =
    `The machine's load was up to ${most} before a run: ` +
    "speeds of a machine that is busy mean little.";
  return [...(commits.length > 1 ? [several] : []), ...(most > LOAD_QUIET ? [busy] : [])];
}

export function report(runs: readonly Run[]): string {
  return ["", ...verdictLines(runs), "", tables(runs), ...sentencesOf(runs)].join("\n");
}
