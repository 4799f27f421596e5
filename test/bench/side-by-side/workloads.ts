/** What is run, and how much faster than Kafka Streams an application in each language must be. */

export const WORKLOADS = ["W1", "W2", "W3"] as const;
export type Workload = (typeof WORKLOADS)[number];

export const TITLES: Readonly<Record<Workload, string>> = {
  W1: "a stateless copy through user code",
  W2: "a count in tumbling windows of 5 minutes, then a map in user code",
  W3: "a running count and sum of each key, in user code",
};

/** The fold of Kafka Streams' rate that is the least to reach. */
export const RATE_FLOORS: Readonly<Record<string, Readonly<Record<Workload, number>>>> = {
  typescript: { W1: 1.5, W2: 3.0, W3: 2.5 },
  go: { W1: 1.5, W2: 3.0, W3: 2.5 },
  java: { W1: 1.2, W2: 2.5, W3: 2.0 },
  python: { W1: 1.0, W2: 2.0, W3: 1.5 },
};

/** The fold of Kafka Streams' processor time that is the most to take, whatever the language. */
export const CPU_CEILINGS: Readonly<Record<Workload, number>> = { W1: 0.5, W2: 0.35, W3: 0.35 };

/** `outrigger-go` is `go` to a reader; null for a peer. */
export function languageOf(system: string): string | null {
  return /^outrigger-(.+)$/.exec(system)?.[1] ?? null;
}

export function isStreams(system: string): boolean {
  return system.startsWith("kafka-streams-");
}
