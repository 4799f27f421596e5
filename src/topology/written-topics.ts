import type { Program } from "../model/topology.ts";

/** The topics that records of a program go to: sinks, repartitions and requests of hooks. */
export function writtenTopics({ stage, directSinks }: Program): string[] {
  const staged = stage?.sinks.map(({ topic }) => topic) ?? [];
  return [...new Set([...staged, ...directSinks])];
}
