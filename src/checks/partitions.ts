import type { Program, Programs } from "../model/topology.ts";
import { fixedCounts, partitionCounts } from "../topology/partition-counts.ts";
import { present, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/**
 * A task has one partition of each source of its sub-topology, and of each changelog, all with its number:
 * so the counts must be equal, or keys would meet others' state, or none.
 */
export function partitionFindings(scene: Scene): Finding[] {
  const { programs } = scene.expected;
  if (programs === null) return unknownCounts(scene);
  const found = programs
    .filter(({ hook }) => hook === null)
    .flatMap((program) => [...declared(scene, program), ...sources(scene, program)]);
  return found.length > 0 ? found : changelogs(scene, programs);
}

function countOf({ facts }: Scene, topic: string): number | undefined {
  return facts.topics.get(topic)?.partitions.length;
}

/** A repartition that names its number, and whose topic was made with another. */
function declared(scene: Scene, { repartitions = [] }: Program): Finding[] {
  return repartitions.flatMap(({ topic, node, partitions }) => {
    const count = countOf(scene, topic);
    if (partitions === 0 || count === undefined || count === partitions) return [];
    return [
      finding("topic.partitions", {
        subject: `topic ${topic}`,
        problem: `the repartition "${node}" has ${partitions} partitions, and its topic ${topic} ${count}`,
        consequence:
          "what was written already lies where other keys belong, and so does state behind it",
        remedy: `declare ${count}, or give it another name, or reset the application`,
      }),
    ];
  });
}

function sources(scene: Scene, program: Program): Finding[] {
  const { repartitions = [] } = program;
  const counts = fixedCounts(program, (topic) => countOf(scene, topic));
  const most = Math.max(...counts);
  if (counts.every((count) => count === most)) return [];
  const known = program.sources.flatMap((topic) => {
    const [count] = fixedCounts({ ...program, sources: [topic] }, (each) => countOf(scene, each));
    return count === undefined ? [] : [{ topic, count }];
  });
  const said = known.map(({ topic, count }) => `${topic} has ${count}`).join(", ");
  const chosen = repartitions.find(({ partitions }) => partitions > 0);
  return [
    finding("topic.partitions", {
      subject: `topics ${known.map(({ topic }) => topic).join(", ")}`,
      problem: `the sources of one sub-topology need equal partition counts, but ${said}`,
      consequence: "a task would see only a part of a key's records",
      remedy:
        chosen === undefined
          ? "make the counts equal, by a copy through a new topic, or by a repartition before they meet"
          : `make the counts equal: leave the partitions of the repartition "${chosen.node}" out`,
    }),
  ];
}

function changelogs(scene: Scene, programs: Programs): Finding[] {
  // Of what is not there nothing is known, nor of what is behind it; that is said elsewhere.
  if (scene.sources.some((topic) => (countOf(scene, topic) ?? 0) === 0)) return [];
  const counts = partitionCounts(programs, (topic) => countOf(scene, topic));
  return programs.flatMap(({ stores, subtopology }) => {
    const needed = counts.get(subtopology) ?? 0;
    const names = stores.map(({ changelogTopic }) => changelogTopic);
    return present(scene, names)
      .filter(({ partitions }) => partitions.length !== needed)
      .map(({ name, partitions }) => misfit(name, partitions.length, String(needed)));
  });
}

/** Without a topology a changelog belongs to some of the topics that were read. */
function unknownCounts(scene: Scene): Finding[] {
  const read = present(scene, [...scene.sources, ...scene.repartitions]);
  const counts = [...new Set(read.map(({ partitions }) => partitions.length))];
  if (counts.length === 0) return [];
  return present(scene, scene.changelogs)
    .filter(({ partitions }) => !counts.includes(partitions.length))
    .map(({ name, partitions }) => misfit(name, partitions.length, counts.join(" or ")));
}

function misfit(name: string, count: number, needed: string): Finding {
  return finding("topic.partitions", {
    subject: `topic ${name}`,
    problem: `the changelog ${name} has ${count} partitions, the source ${needed}`,
    consequence: "the source was repartitioned: keys have moved, and state no longer fits them",
    remedy: "reset the application, or use another application.id",
  });
}
