import {
  CPU_CEILINGS,
  isStreams,
  languageOf,
  RATE_FLOORS,
  TITLES,
  WORKLOADS,
  type Workload,
} from "./workloads.ts";

/** Runs as they were measured, and what they say when they are put side by side. No IO. */

export interface Figures {
  /** Records per second, from the first to the last output by the broker's clock. */
  readonly rate: number;
  /** The same over the last half of the output, when a JVM is warm. */
  readonly lastHalfRate: number;
  /** Processor time a record of all of the system's processes, their start included. */
  readonly cpuMicros: number;
  /** The same over the last half of the input; null where it was over before it was seen. */
  readonly lastHalfCpuMicros: number | null;
  readonly peakRssMb: number;
  /** From the start of the processes. */
  readonly firstOutputSeconds: number;
}

/** A line of the results. */
export interface Run {
  readonly workload: Workload;
  readonly system: string;
  readonly records: number;
  readonly seed: number;
  readonly round: number;
  /** The machine's load average before it. */
  readonly load: number;
  /** `2026-01-31` */
  readonly date: string;
  readonly commit: string;
  /** null where it did not end. */
  readonly figures: Figures | null;
  /** What is wrong with the output, or why there is none; null where every record is right. */
  readonly fault: string | null;
}

/** Of sorted values, the middle one, the least and the most. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || least === undefined || most === undefined) {
    return null;
  }
  return { median: (low + high) / 2, least, most };
}

type Measure = (figures: Figures) => number | null;

/**
 * A system's measure as a fold of that of Kafka Streams in the same round, whichever number of threads
 * was the better there: systems of one round had the same neighbours.
 */
export function ratiosOf(
  runs: readonly Run[],
  workload: Workload,
  system: string,
  measure: Measure,
  better: "most" | "least",
): number[] {
  // The speed of what is wrong says nothing.
  const of = ({ figures, fault }: Run): number | null =>
    figures === null || fault !== null ? null : measure(figures);
  return runs.flatMap((run) => {
    const own = of(run);
    if (run.workload !== workload || run.system !== system || own === null) return [];
    const peers = runs.filter((other) => {
      return other.workload === workload && other.round === run.round && isStreams(other.system);
    });
    const theirs = spreadOf(peers.map(of).filter((value) => value !== null));
    return theirs === null ? [] : [own / theirs[better]];
  });
}

function verdict(name: string, found: Spread, limit: number, isFloor: boolean, more = ""): string {
  // What is printed is what is judged: 2.96 is "3.0x", and not short of it.
  const digits = isFloor ? 1 : 2;
  const shown = Number(found.median.toFixed(digits));
  const isMet = isFloor ? shown >= limit : shown <= limit;
  const range = `${found.least.toFixed(digits)} to ${found.most.toFixed(digits)}`;
  const said = `${name} ${shown.toFixed(digits)}x ${isMet ? "ok" : "short"}`;
  return `${said.padEnd(32)} ${range}, ${isFloor ? "at least" : "at most"} ${limit}${more}`;
}

/** `W2 go 3.2x ok`, or `short`, against the floors; then the same of processor time. */
export function verdictLines(runs: readonly Run[]): string[] {
  return WORKLOADS.flatMap((workload) => {
    const here = runs.filter((run) => run.workload === workload);
    const systems = [...new Set(here.map(({ system }) => system))];
    return systems.flatMap((system) => {
      const language = languageOf(system);
      const floor = language === null ? undefined : RATE_FLOORS[language]?.[workload];
      if (language === null || floor === undefined) return [];
      const fold = (measure: Measure, better: "most" | "least"): Spread | null => {
        return spreadOf(ratiosOf(here, workload, system, measure, better));
      };
      const name = `${workload} ${language}`;
      const rate = fold(({ rate: each }) => each, "most");
      const cpu = fold(({ cpuMicros }) => cpuMicros, "least");
      if (rate === null || cpu === null) {
        return [`${name} NOT PROVED: no round has both it and Kafka Streams, right`];
      }
      const lastHalf = fold(({ lastHalfRate }) => lastHalfRate, "most");
      const lastHalfCpu = fold(({ lastHalfCpuMicros }) => lastHalfCpuMicros, "least");
      const late = (found: Spread | null, digits: number): string => {
        return found === null ? "" : `; last half ${found.median.toFixed(digits)}x`;
      };
      return [
        verdict(name, rate, floor, true, late(lastHalf, 1)),
        verdict(`${name} cpu`, cpu, CPU_CEILINGS[workload], false, late(lastHalfCpu, 2)),
      ];
    });
  });
}

const COLUMNS: readonly (readonly [title: string, digits: number, measure: Measure])[] = [
  ["1,000 records/s", 1, ({ rate }) => rate / 1_000],
  ["last half", 1, ({ lastHalfRate }) => lastHalfRate / 1_000],
  ["CPU µs a record", 1, ({ cpuMicros }) => cpuMicros],
  ["last half", 1, ({ lastHalfCpuMicros }) => lastHalfCpuMicros],
  ["peak RSS MB", 0, ({ peakRssMb }) => peakRssMb],
  ["first output s", 1, ({ firstOutputSeconds }) => firstOutputSeconds],
];

/** A table in Markdown for each workload: median (least to most) of each system. */
export function tables(runs: readonly Run[]): string {
  const head = ["system", "runs", ...COLUMNS.map(([title]) => title), "every record right"];
  return WORKLOADS.flatMap((workload) => {
    const here = runs.filter((run) => run.workload === workload);
    const systems = [...new Set(here.map(({ system }) => system))];
    if (systems.length === 0) return [];
    const rows = systems.map((system) => {
      const own = here.filter((run) => run.system === system);
      const cells = COLUMNS.map(([, digits, measure]) => {
        const values = own.map(({ figures }) => (figures === null ? null : measure(figures)));
        return cell(spreadOf(values.filter((value) => value !== null)), digits);
      });
      const right = own.every(({ fault }) => fault === null) ? "yes" : "**no**";
      return `| ${[system, own.length, ...cells, right].join(" | ")} |`;
    });
    const title = `**${workload}**, ${TITLES[workload]}:`;
    const rule = `|${"---|".repeat(head.length)}`;
    return [`${title}\n\n| ${head.join(" | ")} |\n${rule}\n${rows.join("\n")}\n`];
  }).join("\n");
}

function cell(spread: Spread | null, digits: number): string {
  if (spread === null) return "–";
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) =>
    value.toFixed(digits),
  );
  return least === most ? `${median}` : `${median} (${least} to ${most})`;
}
