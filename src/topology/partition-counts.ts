import { topicExitsOf } from "../model/steps.ts";
import type { Program, Programs } from "../model/topology.ts";

/** How many tasks each sub-topology has: the partitions of its sources, and of its changelogs. */
export type PartitionCounts = ReadonlyMap<number, number>;

/**
 * A sub-topology has as many tasks as its sources have partitions. `known` says it of topics that exist;
 * a repartition topic that does not has what it was declared with, or what the other sources of the
 * same sub-topology have, or as many as those above it. One that exists keeps what it has, whatever
 * has become of the sources: keys stay where their state is. A hook is asked by all, so it has the most.
 */
export function partitionCounts(
  programs: Programs,
  known: (topic: string) => number | undefined,
): PartitionCounts {
  const counts = new Map<number, number>();
  const left = new Set<Program>();
  for (const program of programs) {
    const fixed = program.hook === null ? fixedCounts(program, known) : [];
    if (fixed.length === 0) left.add(program);
    else counts.set(program.subtopology, Math.max(...fixed));
  }
  for (
    let next = nextOf(programs, left, counts);
    next !== null;
    next = nextOf(programs, left, counts)
  ) {
    const above = writersOf(programs, next).map((writer) => counts.get(writer) ?? 1);
    counts.set(next.subtopology, Math.max(1, ...above));
    left.delete(next);
  }
  return counts;
}

/** Partitions of the sources of which it is certain. */
export function fixedCounts(
  { sources, repartitions = [] }: Program,
  known: (topic: string) => number | undefined,
): number[] {
  return sources.flatMap((topic) => {
    const declared = repartitions.find((each) => each.topic === topic)?.partitions ?? 0;
    const count = known(topic) ?? declared;
    return count > 0 ? [count] : [];
  });
}

/** One of which all above is known; in a circle, one of which something is. */
function nextOf(
  programs: Programs,
  left: ReadonlySet<Program>,
  counts: PartitionCounts,
): Program | null {
  const isKnown = (writer: number): boolean => counts.has(writer);
  const waiting = [...left];
  const ready = waiting.find((program) => writersOf(programs, program).every(isKnown));
  return (
    ready ?? waiting.find((each) => writersOf(programs, each).some(isKnown)) ?? waiting[0] ?? null
  );
}

/** The sub-topologies that write what it reads. */
function writersOf(programs: Programs, { hook, sources, repartitions = [] }: Program): number[] {
  if (hook === null) return repartitions.map(({ writtenBy }) => writtenBy);
  const [requests = ""] = sources;
  return programs
    .filter((program) => topicExitsOf(program).some(({ topic }) => topic === requests))
    .map(({ subtopology }) => subtopology);
}
