/** Runs as they were measured. No IO. */

/** The name of a figure, with its unit; what it means stands beside it. */
export const FIGURES = {
  rate: "records per second, from the first to the last output by the broker's clock",
  lastHalfRate: "the same over the last half of the output, when a JVM is warm",
  cpuMicros: "processor time a record of all of the system's processes, their start included",
  lastHalfCpuMicros: "the same over the last half of the input; none where it was over too soon",
  peakRssMb: "the most memory of all of the system's processes together",
  sidecarPeakRssMb: "the most memory of the sidecar alone",
  boundMb: "what the sidecar's configuration lets it take",
  firstOutputSeconds: "from the start of the processes",
  restoreRate: "entries per second, from the start of restoring until all tasks run",
  restoreSeconds: "from the start of restoring until all tasks run",
  p50Ms: "from when a record was due until its output was read: half took no longer",
  p99Ms: "the same of 99 %",
  p999Ms: "the same of 99.9 %",
  mostMs: "the slowest",
  cpuPercent: "processor time at a steady input, 100 for one core",
} as const;
export type Figure = keyof typeof FIGURES;
export type Figures = Readonly<Partial<Record<Figure, number>>>;

/** A line of the results. */
export interface Run {
  readonly workload: string;
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

/** null where the run has none, or was wrong: the speed of what is wrong says nothing. */
export function figureOf({ figures, fault }: Run, figure: Figure): number | null {
  return fault !== null ? null : (figures?.[figure] ?? null);
}

/** The figures of these runs that there are, right or wrong. */
export function valuesOf(runs: readonly Run[], figure: Figure): number[] {
  return runs.flatMap(({ figures }) => figures?.[figure] ?? []);
}
