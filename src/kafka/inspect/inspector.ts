import { OutriggerError } from "../../errors/outrigger-error.ts";
import {
  type ClusterFacts,
  type ForeignWriter,
  isChangelogOf,
  isHookOf,
  isRepartitionOf,
  isTimersOf,
  type LogFacts,
  type TopicFacts,
} from "../../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { Inspector, Listed, Wanted } from "../../ports/inspector.ts";
import { unreadableCodecs } from "../codecs/codecs.ts";
import { createOffsets } from "../fetch/offsets.ts";
import type { Cluster } from "../network/cluster.ts";
import { ERROR } from "../protocol/error-codes.ts";
import { ADD_OFFSETS_TO_TXN, transactionalIdProbe } from "../protocol/producer-descriptions.ts";
import { lookAtBroker } from "./brokers.ts";
import { lookAtGroup } from "./group.ts";
import { Notes } from "./notes.ts";
import { lookAtTopics, SYSTEM_TOPICS } from "./topics.ts";
import { foreignProducers, foreignTail, transactionalIds, withoutDoubles } from "./writers.ts";

/** Partitions that are asked about at the same time. */
const AT_ONCE = 100;

export function createInspector(cluster: Cluster): Inspector {
  return { inspect: (wanted, signal) => inspect(cluster, wanted, signal) };
}

async function inspect(
  cluster: Cluster,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ClusterFacts> {
  const notes = new Notes(signal);
  await cluster.refresh([]);
  const names = wanted.thorough ? await topicNames(cluster, notes) : [];
  const isChangelog = (name: string) => isChangelogOf(wanted.groupId, name);
  const isQueue = (name: string) =>
    isHookOf(wanted.groupId, name) ||
    isRepartitionOf(wanted.groupId, name) ||
    isTimersOf(wanted.groupId, name);
  const isOurs = (name: string) => isChangelog(name) || isQueue(name);
  const changelogs = wanted.changelogs === "found" ? names.filter(isChangelog) : wanted.changelogs;
  const [brokers, { group, committed }, topics] = await Promise.all([
    Promise.all(cluster.nodes().map((node) => lookAtBroker(cluster, node, notes, signal))),
    lookAtGroup(cluster, wanted.groupId, null, notes, signal),
    notes.attempt("the topics", () =>
      lookAtTopics(cluster, namesOf(wanted, changelogs, names.filter(isOurs)), notes),
    ),
    lookAtRights(cluster, wanted, notes, signal),
  ]);
  const found = topics ?? new Map<string, TopicFacts>();
  const sources = sourcesOf(wanted.sources, committed);
  if (wanted.sources === "found") {
    for (const [name, topic] of await lookAtTopics(cluster, sources, notes)) found.set(name, topic);
  }
  const lookingAtLogs = lookAtLogs(
    cluster,
    wanted.groupId,
    [...sources, ...changelogs],
    found,
    notes,
    signal,
  );
  const [logs, writers] = await Promise.all([
    lookingAtLogs,
    lookForWriters(cluster, wanted.groupId, changelogs, found, notes),
  ]);
  const tails = wanted.thorough ? await lookAtTails(cluster, changelogs, found, logs, notes) : [];
  const foreignWriters = withoutDoubles([...writers, ...tails]);
  return {
    brokers,
    features: cluster.features,
    topics: found,
    group,
    committed,
    logs,
    foreignWriters,
    unreadableCodecs: await unreadableCodecs(codecsOf(found)),
    denied: notes.denied,
    unread: notes.unread,
  };
}

async function topicNames(cluster: Cluster, notes: Notes): Promise<string[]> {
  const answer = await notes.attempt("the names of topics", () => cluster.describe(null));
  return answer?.topics.map(({ name }) => name) ?? [];
}

function namesOf(
  wanted: Wanted,
  changelogs: readonly string[],
  others: readonly string[],
): string[] {
  const sources = wanted.sources === "found" ? [] : wanted.sources;
  return [...new Set([...sources, ...wanted.sinks, ...changelogs, ...others, ...SYSTEM_TOPICS])];
}

function sourcesOf(sources: Listed, committed: ClusterFacts["committed"]): readonly string[] {
  return sources === "found" ? [...new Set(committed.map(({ topic }) => topic))] : sources;
}

/** Rights that no description tells: the transactional id's, and the cluster's. */
async function lookAtRights(
  cluster: Cluster,
  { transactionalId, groupId }: Wanted,
  notes: Notes,
  signal: AbortSignal,
): Promise<void> {
  await notes.attempt(`the rights on the transactional id ${transactionalId}`, async () => {
    try {
      const brokerId = await cluster.coordinator("transaction", transactionalId, signal);
      const error = await cluster.send(brokerId, "general", ADD_OFFSETS_TO_TXN, (version) =>
        transactionalIdProbe(version, transactionalId, groupId),
      );
      if (error === ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
        notes.deny("transactional-id", transactionalId, "Write");
      }
    } catch (thrown) {
      if (!(thrown instanceof OutriggerError) || thrown.code !== "AUTHORIZATION_FAILED")
        throw thrown;
      notes.deny("transactional-id", transactionalId, "Describe");
    }
  });
}

async function lookAtLogs(
  cluster: Cluster,
  groupId: string,
  names: readonly string[],
  topics: ReadonlyMap<string, TopicFacts>,
  notes: Notes,
  signal: AbortSignal,
): Promise<Map<string, LogFacts>> {
  const offsets = createOffsets(cluster, groupId);
  const logs = new Map<string, LogFacts>();
  await inTurns(partitionsOf(names, topics), (at) =>
    notes.attempt(`the offsets of ${topicPartitionName(at)}`, async () => {
      logs.set(topicPartitionName(at), await offsets.range(at, signal));
    }),
  );
  return logs;
}

async function lookForWriters(
  cluster: Cluster,
  groupId: string,
  changelogs: readonly string[],
  topics: ReadonlyMap<string, TopicFacts>,
  notes: Notes,
): Promise<ForeignWriter[]> {
  const there = changelogs.filter((name) => topics.has(name));
  if (there.length === 0) return [];
  const ids = await transactionalIds(cluster, notes);
  const found: ForeignWriter[] = [];
  await inTurns(there, async (topic) => {
    const partitions = partitionsOf([topic], topics).map(({ partition }) => partition);
    const foreign = await notes.attempt(`the producers of ${topic}`, () =>
      foreignProducers(cluster, topic, partitions, ids, `${groupId}-`, notes),
    );
    found.push(...(foreign ?? []));
  });
  return found;
}

async function lookAtTails(
  cluster: Cluster,
  changelogs: readonly string[],
  topics: ReadonlyMap<string, TopicFacts>,
  logs: ReadonlyMap<string, LogFacts>,
  notes: Notes,
): Promise<ForeignWriter[]> {
  const found: ForeignWriter[] = [];
  await inTurns(partitionsOf(changelogs, topics), async (at) => {
    const log = logs.get(topicPartitionName(at));
    if (log === undefined) return;
    const what = `the newest records of ${topicPartitionName(at)}`;
    found.push(...((await notes.attempt(what, () => foreignTail(cluster, at, log))) ?? []));
  });
  return found;
}

function codecsOf(topics: ReadonlyMap<string, TopicFacts>): Set<string> {
  return new Set([...topics.values()].map(({ configs }) => configs?.get("compression.type") ?? ""));
}

function partitionsOf(
  names: readonly string[],
  topics: ReadonlyMap<string, TopicFacts>,
): TopicPartition[] {
  return names.flatMap((topic) =>
    (topics.get(topic)?.partitions ?? [])
      .filter(({ hasLeader }) => hasLeader)
      .map(({ partition }) => ({ topic, partition })),
  );
}

async function inTurns<T>(items: readonly T[], use: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    await Promise.all(items.slice(from, from + AT_ONCE).map(use));
  }
}
