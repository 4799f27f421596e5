import type { ClusterFacts } from "../model/cluster-facts.ts";
import type { Program, Programs } from "../model/topology.ts";
import { type ChangelogEnd, decodeOffsetMetadata } from "../tasks/offset-metadata.ts";
import { changelogTopic, PARKED_STORE } from "../topology/names.ts";
import type { Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/**
 * What the application was before: each offset that the group has committed names the stores of its task,
 * their kinds and how much they held. So the topology that is to run is compared with the one that
 * ran last, before anything starts.
 */
export function formerTopologyFindings(scene: Scene): Finding[] {
  const { programs } = scene.expected;
  if (programs === null) return [];
  const former = formerStores(scene.facts).filter(({ at }) => at.end > 0);
  const found = former.flatMap((store) => changeOf(scene, programs, store));
  const subjects = new Set<string>();
  // A store is told of once, and not for each of its partitions.
  const told = found.filter(({ name, subject }) => {
    const isNew = !subjects.has(`${name} ${subject}`);
    subjects.add(`${name} ${subject}`);
    return isNew;
  });
  return [...told, ...newStores(scene, programs)];
}

/** Changelogs that a former topology has written, and that nobody asked for: whether they are there. */
export function formerChangelogs(
  facts: Pick<ClusterFacts, "committed">,
  programs: Programs,
  applicationId: string,
): string[] {
  const lost = formerStores(facts).filter(({ name }) => ownerOf(programs, name) === undefined);
  return [...new Set(lost.map(({ name }) => changelogTopic(applicationId, name)))];
}

interface FormerStore {
  readonly name: string;
  /** What its task read. */
  readonly source: string;
  readonly at: ChangelogEnd;
}

/** Whether records are parked is looked at by the takeover, which knows how many. */
function formerStores({ committed }: Pick<ClusterFacts, "committed">): FormerStore[] {
  return committed.flatMap(({ topic: source, metadata }) => {
    const stores = decodeOffsetMetadata(metadata)?.changelogs ?? new Map<string, ChangelogEnd>();
    const own = [...stores].filter(([name]) => name !== PARKED_STORE);
    return own.map(([name, at]) => ({ name, source, at }));
  });
}

function ownerOf(programs: Programs, name: string): Program | undefined {
  return programs.find(({ stores }) => stores.some((store) => store.name === name));
}

function changeOf(scene: Scene, programs: Programs, former: FormerStore): Finding[] {
  const owner = ownerOf(programs, former.name);
  if (owner === undefined) return lost(scene, former);
  const kind = owner.stores.find((store) => store.name === former.name)?.kind;
  if (former.at.kind !== undefined && former.at.kind !== kind) {
    return [changedKind(former, String(kind))];
  }
  const reader = programs.find(({ sources }) => sources.includes(former.source));
  return reader === undefined || reader === owner ? [] : [moved(former, owner, reader)];
}

function changedKind({ name, at }: FormerStore, kind: string): Finding {
  return finding("store.kind", {
    subject: `store ${name}`,
    problem: `the store ${name} is ${kind}, and its changelog was written as ${at.kind}`,
    consequence: "keys of the one layout would be read as those of the other",
    remedy: "give the store another name, or reset the application",
  });
}

function moved({ name, source }: FormerStore, owner: Program, reader: Program): Finding {
  return finding("store.moved", {
    subject: `store ${name}`,
    problem:
      `the store ${name} is in sub-topology ${owner.subtopology}, which reads ` +
      `${owner.sources.join(", ")}; it was beside the source ${source}, of sub-topology ` +
      `${reader.subtopology} now`,
    consequence: "its state lies in the partitions of other keys, and holds what is counted again",
    remedy: "give the store another name, or reset the application",
  });
}

function lost({ facts, expected }: Scene, { name, at }: FormerStore): Finding[] {
  const topic = changelogTopic(expected.applicationId, name);
  if (facts.topics.get(topic)?.id !== at.topicId) return [];
  return [
    finding("store.lost", {
      subject: `store ${name}`,
      problem: `the store ${name} had state, and is not in this topology`,
      consequence:
        "it is not kept up from here on, and should it come back it would begin with what it holds now",
      remedy:
        `if it is gone for good, delete the topic ${topic}, or accept that it stays: check.accept: ` +
        "store.lost; if it was renamed, give it its name back",
    }),
  ];
}

function newStores({ facts }: Scene, programs: Programs): Finding[] {
  return programs.flatMap(({ sources, stores }) => {
    const known = facts.committed
      .filter(({ topic }) => sources.includes(topic))
      .flatMap(({ metadata }) => decodeOffsetMetadata(metadata) ?? []);
    if (known.length === 0) return [];
    const fresh = stores.filter(({ name }) => {
      return name !== PARKED_STORE && known.every(({ changelogs }) => !changelogs.has(name));
    });
    return fresh.map(({ name }) =>
      finding("store.new", {
        subject: `store ${name}`,
        problem: `the store ${name} is new, and ${sources.join(", ")} was read before`,
        consequence: "it begins empty: what was read before is not in it",
        remedy:
          "nothing, if that is meant; else reset the application, or use another application.id",
      }),
    );
  });
}
