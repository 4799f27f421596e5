import type { Figure } from "./figures.ts";
import type { Shape } from "./workloads.ts";

/** What a system must reach, and what it must not exceed. */
export interface Limit {
  readonly workload: string;
  /** `outrigger-` stands before it. */
  readonly language: string;
  /** What a line calls it; empty for throughput. */
  readonly name: string;
  readonly figure: Figure;
  /** Whose figure it is a fold of; null where the figure itself has the limit. */
  readonly against: Against | null;
  readonly is: "at least" | "at most";
  readonly value: number;
  readonly unit: string;
  readonly digits: number;
}

export interface Against {
  readonly title: string;
  readonly isPeer: (system: string) => boolean;
  /** Where it is not the same one. */
  readonly figure?: Figure;
}

export const STREAMS: Against = {
  title: "Kafka Streams",
  isPeer: (system) => system.startsWith("kafka-streams-"),
};
const QUIX: Against = { title: "Quix Streams", isPeer: (system) => system === "quix" };

const FLOOR = { name: "", is: "at least", unit: "x", digits: 1, against: STREAMS } as const;
const CEILING = { is: "at most", unit: "x", digits: 2, against: STREAMS } as const;

/** The fold of Kafka Streams' warm rate that is the least to reach. */
const RATE_FLOORS: Readonly<Record<string, Readonly<Record<Shape, number>>>> = {
  typescript: { W1: 1.5, W2: 3.0, W3: 2.5 },
  go: { W1: 1.5, W2: 3.0, W3: 2.5 },
  java: { W1: 1.2, W2: 2.5, W3: 2.0 },
  python: { W1: 1.0, W2: 2.0, W3: 1.5 },
};
/** The fold of Kafka Streams' processor time that is the most to take, whatever the language. */
const CPU_CEILINGS: Readonly<Record<Shape, number>> = { W1: 0.5, W2: 0.35, W3: 0.35 };
const QUIX_FLOORS: Readonly<Record<Shape, number>> = { W1: 4, W2: 15, W3: 5 };

const SHAPES = ["W1", "W2", "W3"] as const;
const LANGUAGES = ["typescript", "go", "java", "python"];

function ofBacklog(workload: Shape, language: string): Limit[] {
  const floor = RATE_FLOORS[language]?.[workload] ?? 0;
  const at = { workload, language } as const;
  const isQuick = language === "typescript" || language === "go";
  const first = {
    ...at,
    ...CEILING,
    name: "first output",
    figure: "firstOutputSeconds",
    against: null,
    value: 0.5,
    unit: " s",
  } as const;
  const memory = { ...STREAMS, figure: "peakRssMb" } as const;
  return [
    { ...at, ...FLOOR, figure: "lastHalfRate", value: floor },
    { ...at, ...CEILING, name: "cpu", figure: "cpuMicros", value: CPU_CEILINGS[workload] },
    {
      ...at,
      ...CEILING,
      name: "sidecar memory",
      figure: "sidecarPeakRssMb",
      against: memory,
      value: 0.6,
    },
    ...(isQuick ? [first] : []),
  ];
}

const quix = SHAPES.map((workload): Limit => {
  const value = QUIX_FLOORS[workload];
  const at = { workload, language: "python", name: "to quix", against: QUIX } as const;
  return { ...FLOOR, ...at, figure: "lastHalfRate", value };
});

const cold = ["typescript", "go"].map((language): Limit => {
  return { ...FLOOR, workload: "W3-cold", language, figure: "lastHalfRate", value: 2 };
});

const restored = ["W6", "W6-random"].map((workload): Limit => {
  return { ...FLOOR, workload, language: "typescript", figure: "restoreRate", value: 1 };
});

const TYPESCRIPT = { ...CEILING, language: "typescript" } as const;

const latencies = ["W7-2000", "W7-20000"].flatMap((workload): Limit[] => [
  { ...TYPESCRIPT, workload, name: "p50", figure: "p50Ms", value: 1 },
  { ...TYPESCRIPT, workload, name: "p99", figure: "p99Ms", value: 1 },
]);

export const LIMITS: readonly Limit[] = [
  ...SHAPES.flatMap((shape) => LANGUAGES.flatMap((language) => ofBacklog(shape, language))),
  ...quix,
  ...cold,
  ...restored,
  ...latencies,
  { ...TYPESCRIPT, workload: "W7-2000", name: "cpu", figure: "cpuPercent", value: 0.7 },
  {
    ...TYPESCRIPT,
    workload: "W7-2000-10ms",
    name: "p99",
    figure: "p99Ms",
    against: null,
    value: 30,
    unit: " ms",
    digits: 1,
  },
];
