import {
  type CommittedFact,
  type GroupMember,
  MEMBER_ID_PREFIX,
  patternName,
} from "../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Programs } from "../model/topology.ts";
import {
  type ChangelogEnd,
  decodeOffsetMetadata,
  type OffsetMetadata,
} from "../tasks/offset-metadata.ts";
import { decodeStreamsMetadata } from "../tasks/streams-metadata.ts";
import { oneOf } from "../topology/pattern.ts";
import type { Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/** Who is in the group, and what it has committed. */
export function groupFindings(scene: Scene): Finding[] {
  return [
    ...foreignMembers(scene),
    ...otherSubscriptions(scene),
    ...foreignOffsets(scene),
    ...missingOffsets(scene),
    ...offsetsOutOfRange(scene),
    ...lostState(scene),
  ];
}

function isSidecar({ memberId }: GroupMember): boolean {
  return memberId.startsWith(MEMBER_ID_PREFIX);
}

function foreignMembers({ facts, expected }: Scene): Finding[] {
  const { members, protocol } = facts.group;
  const { applicationId } = expected;
  return members
    .filter((member) => protocol === "classic" || !isSidecar(member))
    .map(({ memberId, clientId, clientHost }) =>
      finding("group.foreign.member", {
        subject: `group ${applicationId}`,
        problem:
          `the group ${applicationId} has a member that is no sidecar: client ${clientId} at ` +
          `${clientHost}, member ${memberId}${protocol === "classic" ? ", of the classic protocol" : ""}`,
        consequence:
          "it gets partitions that are then not processed, or moves offsets that state belongs to",
        remedy: "stop it or give it another group.id, or use another application.id here",
      }),
    );
}

function otherSubscriptions({ facts, expected }: Scene): Finding[] {
  const { programs, applicationId } = expected;
  if (programs === null) return [];
  const ours = subscribedBy(programs).sort().join(", ");
  return facts.group.members
    .filter((member) => isSidecar(member) && member.topics.length > 0)
    .filter(({ topics }) => [...topics].sort().join(", ") !== ours)
    .map(({ topics, clientId, clientHost }) =>
      finding("group.subscription", {
        subject: `group ${applicationId}`,
        problem:
          `a sidecar of the group ${applicationId} reads ${[...topics].sort().join(", ")} (client ` +
          `${clientId} at ${clientHost}), this topology ${ours}`,
        consequence: "two versions of the application share its state, each for some partitions",
        remedy: "finish the roll-out, or give one of them another application.id",
      }),
    );
}

/** As brokers tell it of a member. */
function subscribedBy(programs: Programs): string[] {
  const patterns = programs.flatMap(({ pattern }) =>
    pattern === undefined ? [] : [pattern.regex],
  );
  const named = programs.flatMap(({ pattern, sources }) => pattern?.topics ?? sources);
  return patterns.length === 0 ? [...named] : [...named, patternName(oneOf(patterns))];
}

/** What one task reads, and where its state is. */
interface Family {
  readonly sources: readonly string[];
  readonly changelogs: readonly string[];
  /** False where no topology was told: then this is the whole application. */
  readonly isOneTask: boolean;
}

function familiesOf({ expected: { programs }, ...scene }: Scene): Family[] {
  const { sources, repartitions, changelogs } = scene;
  if (programs === null) {
    return [{ sources: [...sources, ...repartitions], changelogs, isOneTask: false }];
  }
  return programs
    .filter(({ hook }) => hook === null)
    .map(({ sources, stores }) => {
      const own = stores.map(({ changelogTopic }) => changelogTopic);
      return { sources, changelogs: own, isOneTask: true };
    });
}

function committedBy({ facts }: Scene, { sources }: Family): readonly CommittedFact[] {
  return facts.committed.filter(({ topic }) => sources.includes(topic));
}

/** what has no state has nothing that offsets could contradict. */
function foreignOffsets(scene: Scene): Finding[] {
  return familiesOf(scene).flatMap((family) =>
    committedBy(scene, family)
      .filter(({ metadata }) => decodeOffsetMetadata(metadata) === null)
      .map((committed) => foreignOffset(scene, family, committed)),
  );
}

function foreignOffset(scene: Scene, family: Family, committed: CommittedFact): Finding {
  const { applicationId } = scene.expected;
  const state = changelogPartitions(scene, family).find(
    (at) => at.partition === committed.partition && endOf(scene, at) > 0,
  );
  const said = {
    subject: `partition ${topicPartitionName(committed)}`,
    problem:
      `the committed offset ${committed.offset} of ${topicPartitionName(committed)} in group ` +
      `${applicationId} was not written by Outrigger: a tool or another consumer moved it`,
  };
  if (state !== undefined && decodeStreamsMetadata(committed.metadata) !== null) {
    return fromKafkaStreams(committed, state, applicationId);
  }
  if (state === undefined) {
    return finding("offsets.foreign", {
      ...said,
      severity: "warning",
      consequence: "the application goes on from there, since it has no state to contradict it",
      remedy: "if that is not meant, find who commits in this group, and move the offset back",
    });
  }
  return finding("offsets.foreign", {
    ...said,
    consequence: `it no longer belongs to the state in ${topicPartitionName(state)}`,
    remedy:
      "reset the application: delete the group's offsets, its changelog topics and its state " +
      "directory, then start again",
  });
}

/** State and offset belong together if it stopped in order, which only who stopped it can say. */
function fromKafkaStreams(
  { topic, partition, offset }: CommittedFact,
  state: TopicPartition,
  applicationId: string,
): Finding {
  const name = topicPartitionName({ topic, partition });
  return finding("offsets.kafka.streams", {
    subject: `partition ${name}`,
    problem: `Kafka Streams has committed the offset ${offset} of ${name} in group ${applicationId}`,
    consequence: `the state in ${topicPartitionName(state)} is its own: nobody takes it over unasked`,
    remedy:
      "stop every instance of it, and see docs/migrating.md; then start with check.accept: " +
      "offsets.kafka.streams. If it is another application, take another application.id",
  });
}

function endOf({ facts }: Scene, at: TopicPartition): number {
  return facts.logs.get(topicPartitionName(at))?.end ?? 0;
}

function changelogPartitions({ facts }: Scene, { changelogs }: Family): TopicPartition[] {
  return changelogs.flatMap((topic) =>
    (facts.topics.get(topic)?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
  );
}

function missingOffsets(scene: Scene): Finding[] {
  return familiesOf(scene).flatMap((family) => {
    const committed = new Set(committedBy(scene, family).map(({ partition }) => partition));
    return changelogPartitions(scene, family)
      .filter((at) => endOf(scene, at) > 0 && !committed.has(at.partition))
      .map((at) => missingOffset(scene, at));
  });
}

function missingOffset(scene: Scene, at: TopicPartition): Finding {
  return finding("offsets.missing", {
    subject: `partition ${topicPartitionName(at)}`,
    problem:
      `group ${scene.expected.applicationId} has no committed offset for the task of ` +
      `${topicPartitionName(at)}, but that changelog ends at offset ${endOf(scene, at)}`,
    consequence:
      "the offsets expired or were deleted: starting from nowhere would count records twice or " +
      "skip them",
    remedy: "restore the offsets, or reset the application",
  });
}

function offsetsOutOfRange(scene: Scene): Finding[] {
  const { facts, sources, hooks, repartitions } = scene;
  // What is done with there is deleted by whoever runs, maybe since the offsets were asked for.
  const isPurged = facts.group.members.length > 0;
  const queues = new Set([...hooks, ...repartitions]);
  const read = new Set([...sources, ...queues]);
  return facts.committed.flatMap((committed) => {
    const name = topicPartitionName(committed);
    const log = facts.logs.get(name);
    const { offset, topic } = committed;
    if (!read.has(topic) || log === undefined || (offset >= log.start && offset <= log.end))
      return [];
    const isDeleted = offset < log.start;
    const isQueue = queues.has(topic);
    if (isDeleted && isPurged && isQueue) return [];
    // A purge goes by a commit that may not be visible yet; the takeover, which waits for it, tells a loss.
    const severity = isDeleted && isQueue ? { severity: "warning" as const } : {};
    return [
      finding("offsets.out.of.range", {
        ...severity,
        subject: `partition ${name}`,
        problem: `the committed offset ${offset} of ${name} is outside its log, ${log.start} to ${log.end}`,
        consequence: isDeleted
          ? `${log.start - offset} offsets were deleted before they were read: their records are lost`
          : "the topic was truncated or made anew: what was processed is no longer there",
        remedy: isDeleted
          ? "restore the topic, or reset the application to begin with what is left"
          : "restore the topic, or reset the application",
      }),
    ];
  });
}

function lostState(scene: Scene): Finding[] {
  return familiesOf(scene).flatMap((family) =>
    changelogPartitions(scene, family)
      .concat(missingChangelogs(scene, family))
      .flatMap((at) => {
        const committed = committedEnd(scene, family, at);
        const reason = committed === undefined ? null : lossOf(scene, at, committed);
        return reason === null ? [] : [lostChangelog(topicPartitionName(at), reason)];
      }),
  );
}

/** Where a changelog that is not there would have a partition for a task that has committed. */
function missingChangelogs(scene: Scene, family: Family): TopicPartition[] {
  const gone = family.changelogs.filter((topic) => !scene.facts.topics.has(topic));
  const partitions = new Set(committedBy(scene, family).map(({ partition }) => partition));
  return gone.flatMap((topic) => [...partitions].map((partition) => ({ topic, partition })));
}

/** As the newest of what the partitions of its task carry says. */
function committedEnd(
  scene: Scene,
  family: Family,
  { topic, partition }: TopicPartition,
): ChangelogEnd | undefined {
  const store = topic.slice(scene.expected.applicationId.length + 1, -"-changelog".length);
  let newest: OffsetMetadata | null = null;
  for (const committed of committedBy(scene, family)) {
    if (committed.partition !== partition) continue;
    const ours = decodeOffsetMetadata(committed.metadata);
    if (ours === null) continue;
    // Tasks of other sub-topologies count their commits by themselves, and do not name the store.
    if (!family.isOneTask && !ours.changelogs.has(store)) continue;
    if (newest === null || ours.commitSequence > newest.commitSequence) newest = ours;
  }
  return newest?.changelogs.get(store);
}

function lostChangelog(name: string, reason: string): Finding {
  return finding("changelog.state.lost", {
    subject: `partition ${name}`,
    problem: `the changelog ${name} no longer holds the committed state: ${reason}`,
    consequence: "running on would give wrong results",
    remedy: "restore the topic, or reset the application",
  });
}

function lossOf({ facts }: Scene, at: TopicPartition, committed: ChangelogEnd): string | null {
  if (committed.end === 0) return null;
  const topic = facts.topics.get(at.topic);
  if (topic === undefined) {
    const isHidden = facts.denied.some(({ name }) => name === at.topic);
    return isHidden ? null : "the topic does not exist";
  }
  if (topic.id !== committed.topicId) return "the topic was deleted and made anew";
  const log = facts.logs.get(topicPartitionName(at));
  if (log === undefined || log.end >= committed.end) return null;
  return `it ends at offset ${log.end}, state was committed up to ${committed.end}`;
}
