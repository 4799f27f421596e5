import { type Figure, figureOf, type Run, spreadOf } from "./figures.ts";
import type { Bar, Group, Picture } from "./picture.ts";
import { GROWTH, isStreams, languageOf, WORKLOADS, type Workload } from "./workloads.ts";

/** Which pictures runs give. No IO. */

function kindOf(system: string): Bar["kind"] {
  if (languageOf(system) !== null) return "own";
  return isStreams(system) ? "peer" : "other";
}

function barOf(
  label: string,
  kind: Bar["kind"],
  runs: readonly Run[],
  [figure, scale]: readonly [Figure, number],
): Bar[] {
  const values = runs.map((run) => figureOf(run, figure)).filter((value) => value !== null);
  const found = spreadOf(values.map((value) => value / scale));
  if (found === null) return [];
  const { median, least, most } = found;
  return [{ label, kind, value: median, least, most }];
}

function groupOf(
  { name }: Workload,
  title: string,
  runs: readonly Run[],
  figure: readonly [Figure, number],
): Group[] {
  const here = runs.filter(({ workload }) => workload === name);
  const systems = [...new Set(here.map(({ system }) => system))].sort((a, b) => rank(a) - rank(b));
  const bars = systems.flatMap((system) => {
    const own = here.filter((run) => run.system === system);
    return barOf(system, kindOf(system), own, figure);
  });
  return bars.length === 0 ? [] : [{ title, bars }];
}

/** Our own first, then Kafka Streams, then the rest. */
function rank(system: string): number {
  return ["own", "peer", "other"].indexOf(kindOf(system));
}

/** By what the names of the points begin with. */
const GROWING = {
  partitions: "Partitions",
  keys: "Keys",
  value: "Bytes of a value",
  handler: "Milliseconds in the handler of a record, on 64 partitions",
};

/** Each thing that grows is a group, each of its sizes a bar. */
function growthOf(runs: readonly Run[]): Group[] {
  return Object.entries(GROWING).flatMap(([what, title]) => {
    const points = GROWTH.filter(({ name }) => name.startsWith(`${what}-`));
    const bars = points.flatMap(({ name }) => {
      const here = runs.filter(({ workload }) => workload === name);
      const size = Number(name.slice(what.length + 1)).toLocaleString("en");
      return barOf(size, "own", here, ["rate", 1]);
    });
    const shape = points[0]?.shape ?? "";
    return bars.length === 0 ? [] : [{ title: `${title} (${shape})`, bars }];
  });
}

/** By the name of the file; a picture of nothing is none. */
export function picturesOf(runs: readonly Run[]): ReadonlyMap<string, Picture> {
  const of = (kind: Workload["kind"], figure: readonly [Figure, number], more = ""): Group[] => {
    const those = WORKLOADS.filter((workload) => workload.kind === kind);
    return those.flatMap((each) => {
      return groupOf(each, `${each.name}, ${each.title}${more}`, runs, figure);
    });
  };
  const all: [string, Picture][] = [
    [
      "throughput",
      {
        title: "Throughput",
        unit: "1,000 records/s over the last half of a run: more is better",
        scale: "own",
        groups: of("drain", ["lastHalfRate", 1_000]),
      },
    ],
    [
      "processor-time",
      {
        title: "Processor time",
        unit: "µs a record, sidecar and application together, start included: less is better",
        scale: "own",
        groups: of("drain", ["cpuMicros", 1]),
      },
    ],
    [
      "restoration",
      {
        title: "Restoration of a lost state",
        unit: "1,000 entries/s: more is better",
        scale: "common",
        groups: of("restore", ["restoreRate", 1_000]),
      },
    ],
    [
      "latency",
      {
        title: "Latency at a steady input",
        unit: "ms, from when a record was due until its output was read: less is better",
        scale: "common",
        groups: [...of("latency", ["p50Ms", 1], ": p50"), ...of("latency", ["p99Ms", 1], ": p99")],
      },
    ],
    [
      "growth",
      {
        title: "Growth",
        unit: "records/s with an application in TypeScript, each group with a scale of its own",
        scale: "own",
        groups: growthOf(runs),
      },
    ],
  ];
  return new Map(all.filter(([, { groups }]) => groups.length > 0));
}
