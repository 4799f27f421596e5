import { type Figure, figureOf, type Run, type Spread, spreadOf } from "./figures.ts";
import { type Against, LIMITS, type Limit } from "./limits.ts";
import { GROWTH } from "./workloads.ts";

/** What runs say when they are put side by side. No IO. */

/** A JVM is warm over the last half of so many records. */
export const WARM_RECORDS = 3_000_000;

/**
 * A system's figure as a fold of its peer's in the same round, whichever peer was the better there:
 * systems of one round had the same neighbours.
 */
export function ratiosOf(
  runs: readonly Run[],
  limit: Pick<Limit, "workload" | "language" | "is">,
  against: Against,
  figure: Figure,
): number[] {
  const here = runs.filter(({ workload }) => workload === limit.workload);
  return here.flatMap((run) => {
    const own = figureOf(run, figure);
    if (run.system !== `outrigger-${limit.language}` || own === null) return [];
    const peers = here.filter(({ round, system }) => round === run.round && against.isPeer(system));
    const theirs = peers.map((peer) => figureOf(peer, against.figure ?? figure));
    const found = spreadOf(theirs.filter((value) => value !== null));
    if (found === null) return [];
    return [own / (limit.is === "at least" ? found.most : found.least)];
  });
}

function foundOf(runs: readonly Run[], limit: Limit, figure: Figure): Spread | null {
  if (limit.against !== null) return spreadOf(ratiosOf(runs, limit, limit.against, figure));
  const own = runs.filter(({ workload, system }) => {
    return workload === limit.workload && system === `outrigger-${limit.language}`;
  });
  return spreadOf(own.map((run) => figureOf(run, figure)).filter((value) => value !== null));
}

/** `W2 go 3.2x ok`, or `short`. What is printed is what is judged: 2.96 is "3.0x", and not short of it. */
function line(limit: Limit, found: Spread, more: string): string {
  const { workload, language, name, is, value, unit, digits } = limit;
  const shown = Number(found.median.toFixed(digits));
  const isMet = is === "at least" ? shown >= value : shown <= value;
  const subject = [workload, language, name].filter((word) => word !== "").join(" ");
  const said = `${subject} ${shown.toFixed(digits)}${unit} ${isMet ? "ok" : "short"}`;
  const range = `${found.least.toFixed(digits)} to ${found.most.toFixed(digits)}`;
  return `${said.padEnd(46)} ${range}, ${is} ${value}${unit}${more}`;
}

function detailOf(runs: readonly Run[], limit: Limit): string {
  const own = runs.filter(({ workload, system }) => {
    return workload === limit.workload && system === `outrigger-${limit.language}`;
  });
  if (limit.figure === "lastHalfRate") {
    const whole = foundOf(runs, limit, "rate");
    const isWarm = own.every(({ records }) => records >= WARM_RECORDS);
    const most = Math.max(...own.map(({ records }) => records));
    const cold = isWarm ? "" : `; not warm: ${most} records, ${WARM_RECORDS} are`;
    return `; last half, ${whole === null ? "" : `whole run ${whole.median.toFixed(1)}x`}${cold}`;
  }
  if (limit.figure !== "cpuMicros") return "";
  const late = foundOf(runs, limit, "lastHalfCpuMicros");
  return late === null ? "" : `; last half ${late.median.toFixed(2)}x`;
}

/** A line for each limit of whatever has run. */
export function verdictLines(runs: readonly Run[]): string[] {
  const lines = LIMITS.flatMap((limit) => {
    const { workload, language, name, against, figure } = limit;
    const here = runs.filter((run) => run.workload === workload);
    if (!here.some(({ system }) => system === `outrigger-${language}`)) return [];
    const found = foundOf(here, limit, figure);
    if (found !== null) return [line(limit, found, detailOf(here, limit))];
    const peer = against?.title ?? null;
    const subject = peer === null ? `${workload} ${language} ${name}` : `${workload} ${language}`;
    const why = peer === null ? "no run is right" : `no round has both it and ${peer}, right`;
    return [`${subject} NOT PROVED: ${why}`];
  });
  return [...new Set([...lines, ...boundLines(runs)])];
}

/** `partitions-64 memory 310 of 657 MB ok`, for each point of growth. */
function boundLines(runs: readonly Run[]): string[] {
  return GROWTH.flatMap(({ name }) => {
    const here = runs.filter(({ workload, fault }) => workload === name && fault === null);
    const of = (figure: Figure): number[] => {
      return here.map((run) => figureOf(run, figure)).filter((value) => value !== null);
    };
    const [taken, bound] = [spreadOf(of("sidecarPeakRssMb")), spreadOf(of("boundMb"))];
    if (taken === null || bound === null) return [];
    const isMet = taken.most <= bound.least;
    const said = `${Math.round(taken.most)} of ${Math.round(bound.least)} MB`;
    return [`${name} memory ${said} ${isMet ? "ok" : "short"}`];
  });
}
