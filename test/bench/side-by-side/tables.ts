import { type Figure, type Run, type Spread, spreadOf, valuesOf } from "./figures.ts";
import { GROWTH, WORKLOADS, type Workload } from "./workloads.ts";

/** Runs as tables in Markdown. No IO. */

/** A figure as people read it: `scale` of its unit is one of the column's. */
export interface Column {
  readonly title: string;
  readonly figure: Figure;
  readonly scale: number;
  readonly digits: number;
}

function column(title: string, figure: Figure, digits: number, scale = 1): Column {
  return { title, figure, scale, digits };
}

const MEMORY = [column("peak RSS MB", "peakRssMb", 0), column("sidecar MB", "sidecarPeakRssMb", 0)];

const COLUMNS: Readonly<Record<Workload["kind"] | "growth", readonly Column[]>> = {
  drain: [
    column("1,000 records/s", "rate", 1, 1_000),
    column("last half", "lastHalfRate", 1, 1_000),
    column("CPU µs a record", "cpuMicros", 1),
    column("last half", "lastHalfCpuMicros", 1),
    ...MEMORY,
    column("first output s", "firstOutputSeconds", 1),
  ],
  restore: [
    column("1,000 entries/s", "restoreRate", 0, 1_000),
    column("seconds", "restoreSeconds", 2),
    ...MEMORY,
  ],
  latency: [
    column("p50 ms", "p50Ms", 0),
    column("p99 ms", "p99Ms", 0),
    column("p99.9 ms", "p999Ms", 0),
    column("most", "mostMs", 0),
    column("CPU, % of a core", "cpuPercent", 0),
    ...MEMORY,
  ],
  growth: [
    column("1,000 records/s", "rate", 2, 1_000),
    column("CPU µs a record", "cpuMicros", 1),
    column("sidecar MB", "sidecarPeakRssMb", 0),
    column("its bound MB", "boundMb", 0),
  ],
};

/** A table for each workload, median (least to most) of each system; one for all points of growth. */
export function tables(runs: readonly Run[]): string {
  const each = WORKLOADS.flatMap((workload) => {
    const here = runs.filter((run) => run.workload === workload.name);
    const systems = [...new Set(here.map(({ system }) => system))];
    if (systems.length === 0) return [];
    const rows = systems.map((system): [string, Run[]] => {
      return [system, here.filter((run) => run.system === system)];
    });
    const title = `**${workload.name}**, ${workload.title}:`;
    return [`${title}\n\n${table("system", COLUMNS[workload.kind], rows)}\n`];
  });
  const grown = GROWTH.flatMap(({ name, title }): [string, Run[]][] => {
    const here = runs.filter(({ workload }) => workload === name);
    return here.length === 0 ? [] : [[title, here]];
  });
  if (grown.length === 0) return each.join("\n");
  const head = "**Growth**, an application in TypeScript:";
  return [...each, `${head}\n\n${table("what grows", COLUMNS.growth, grown)}\n`].join("\n");
}

function table(
  first: string,
  columns: readonly Column[],
  rows: readonly (readonly [name: string, runs: readonly Run[]])[],
): string {
  const head = [first, "runs", ...columns.map(({ title }) => title), "every record right"];
  const lines = rows.map(([name, runs]) => {
    const cells = columns.map(({ figure, scale, digits }) => {
      return cell(spreadOf(valuesOf(runs, figure).map((value) => value / scale)), digits);
    });
    const right = runs.every(({ fault }) => fault === null) ? "yes" : "**no**";
    return `| ${[name, runs.length, ...cells, right].join(" | ")} |`;
  });
  return `| ${head.join(" | ")} |\n|${"---|".repeat(head.length)}\n${lines.join("\n")}`;
}

function cell(spread: Spread | null, digits: number): string {
  if (spread === null) return "–";
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) =>
    value.toFixed(digits),
  );
  return least === most ? `${median}` : `${median} (${least} to ${most})`;
}
