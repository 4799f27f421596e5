import type { Figures, Run } from "./figures.ts";

/** A run as tests need it. */
export function runOf(workload: string, system: string, figures: Figures, round = 1): Run {
  const about = { records: 1_000, seed: 42, load: 0, date: "2026-01-31", commit: "abc1234" };
  return { workload, system, round, ...about, figures, fault: null };
}
