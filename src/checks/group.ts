import {
  type CommittedFact,
  type GroupMember,
  MEMBER_ID_PREFIX,
  patternName,
} from "../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import {
  type ChangelogEnd,
  decodeOffsetMetadata,
  type OffsetMetadata,
} from "../tasks/offset-metadata.ts";
import { decodeStreamsMetadata } from "../tasks/streams-metadata.ts";
import { hookTopicsOf, type Scene } from "./expected.ts";
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
  const [{ sources, pattern }] = programs;
  const named = pattern === undefined ? sources : [...pattern.topics, patternName(pattern.regex)];
  const ours = [...named, ...hookTopicsOf(programs)].sort().join(", ");
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

function ofSources({ facts, sources }: Scene): readonly CommittedFact[] {
  return facts.committed.filter(({ topic }) => sources.includes(topic));
}

/** what has no state has nothing that offsets could contradict. */
function foreignOffsets(scene: Scene): Finding[] {
  const { applicationId } = scene.expected;
  return ofSources(scene)
    .filter(({ metadata }) => decodeOffsetMetadata(metadata) === null)
    .map((committed) => {
      const state = changelogPartitions(scene).find(
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

/** The newest of what the partitions of each task carry. */
function newestByTask(scene: Scene): Map<number, OffsetMetadata> {
  const newest = new Map<number, OffsetMetadata>();
  for (const { partition, metadata } of ofSources(scene)) {
    const ours = decodeOffsetMetadata(metadata);
    if (ours === null) continue;
    const known = newest.get(partition);
    if (known === undefined || ours.commitSequence > known.commitSequence) {
      newest.set(partition, ours);
    }
  }
  return newest;
}

function changelogPartitions({ facts, changelogs }: Scene): TopicPartition[] {
  return changelogs.flatMap((topic) =>
    (facts.topics.get(topic)?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
  );
}

function missingOffsets(scene: Scene): Finding[] {
  const { facts, expected } = scene;
  const committed = new Set(ofSources(scene).map(({ partition }) => partition));
  return changelogPartitions(scene).flatMap((at) => {
    const log = facts.logs.get(topicPartitionName(at));
    if (log === undefined || log.end === 0 || committed.has(at.partition)) return [];
    return [
      finding("offsets.missing", {
        subject: `partition ${topicPartitionName(at)}`,
        problem:
          `group ${expected.applicationId} has no committed offset for the task of ` +
          `${topicPartitionName(at)}, but that changelog ends at offset ${log.end}`,
        consequence:
          "the offsets expired or were deleted: starting from nowhere would count records twice or " +
          "skip them",
        remedy: "restore the offsets, or reset the application",
      }),
    ];
  });
}

function offsetsOutOfRange(scene: Scene): Finding[] {
  const { facts, hooks } = scene;
  const ofHooks = facts.committed.filter(({ topic }) => hooks.includes(topic));
  return [...ofSources(scene), ...ofHooks].flatMap((committed) => {
    const name = topicPartitionName(committed);
    const log = facts.logs.get(name);
    const { offset } = committed;
    if (log === undefined || (offset >= log.start && offset <= log.end)) return [];
    const isDeleted = offset < log.start;
    return [
      finding("offsets.out.of.range", {
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
  const { applicationId } = scene.expected;
  const lost = [...newestByTask(scene)].flatMap(([partition, { changelogs }]) =>
    scene.changelogs.flatMap((topic) => {
      const store = topic.slice(applicationId.length + 1, -"-changelog".length);
      const committed = changelogs.get(store);
      const at = { topic, partition };
      const reason = committed === undefined ? null : lossOf(scene, at, committed);
      return reason === null ? [] : [{ name: topicPartitionName(at), reason }];
    }),
  );
  return lost.map(({ name, reason }) =>
    finding("changelog.state.lost", {
      subject: `partition ${name}`,
      problem: `the changelog ${name} no longer holds the committed state: ${reason}`,
      consequence: "running on would give wrong results",
      remedy: "restore the topic, or reset the application",
    }),
  );
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
