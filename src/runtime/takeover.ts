import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Program } from "../model/topology.ts";
import type { Clock } from "../ports/clock.ts";
import type { CommittedOffset, Membership, Offsets, Untransacted } from "../ports/consumer.ts";
import type { TaskState } from "../ports/store.ts";
import type { TakeoverTrace } from "../ports/telemetry.ts";
import {
  type ChangelogEnd,
  decodeOffsetMetadata,
  type OffsetMetadata,
} from "../tasks/offset-metadata.ts";
import { planRestore, type RestorePlan } from "../tasks/restoration.ts";
import { decodeStreamsMetadata } from "../tasks/streams-metadata.ts";
import { queuesOf } from "../topology/internal-topics.ts";
import { HeldBack } from "./held-back.ts";
import { openParking, refuseForgotten } from "./open-parking.ts";
import { RestoredPieces } from "./restored-pieces.ts";
import type { SourcePosition, TaskStart } from "./task-host.ts";

/** The changelog topic as the cluster has it. */
export interface ChangelogFacts {
  readonly topicId: string;
  readonly deleteRetentionMs: number;
}

export interface TakeoverDependencies {
  readonly offsets: Offsets;
  readonly clock: Clock;
  /** By changelog topic; the control topic is among them. */
  readonly changelogs: ReadonlyMap<string, ChangelogFacts>;
  readonly autoOffsetReset: "earliest" | "latest" | "none";
  readonly groupId: string;
  /** Restores what others wrote into a changelog too, and says so, where it would stop. */
  readonly acceptsForeign: boolean;
  /** Goes on from what Kafka Streams has committed under this application.id, where it would stop. */
  readonly acceptsStreams: boolean;
  readonly onForeign: (error: OutriggerError) => void;
}

/** What one takeover tells while it runs. */
export interface TakeoverHost {
  readonly onWipe: (store: string, reason: string) => void;
  /** The store is restored from a changelog whose first records were deleted. */
  readonly onCutOff: (store: string, logStart: number) => void;
  readonly onProgress: (store: string, remaining: number) => void;
  readonly onRestored: (store: string, records: number) => void;
  readonly trace: TakeoverTrace | null;
}

/** The dependencies, with the host of this takeover. */
type Parts = TakeoverDependencies & TakeoverHost;

export interface TakenOver extends Omit<TaskStart, "traceIds"> {
  /** No offset was committed yet: the start position is to be committed before the first dispatch. */
  readonly isNew: boolean;
}

/**
 * The offsets are asked for by nobody in particular: an epoch that moves meanwhile must not refuse
 * the answer. Reading them fences nobody; committing does, by member and epoch.
 */
const NOBODY: Membership = { memberId: "", memberEpoch: -1 };

/** How often a takeover begins anew because a changelog was cut meanwhile. */
const RESTARTS_MAX = 3;

/**
 * offsets first, read stable; then the changelog's end; then the store up to that end; then the
 * cross-check. In this order, because a transaction of a predecessor that still can commit is seen
 * either by the offsets (which wait for it) or by the end (which includes it).
 */
export async function takeOver(
  program: Program,
  partition: number,
  state: TaskState,
  deps: Parts,
  signal: AbortSignal,
): Promise<TakenOver> {
  const partitions = program.sources.map((topic) => ({ topic, partition }));
  const starts = await queueStarts(program, partition, deps, signal);
  const committed = await deps.offsets.committed(NOBODY, partitions, signal);
  const found = metadataOf(partitions, committed, deps.acceptsStreams);
  const { metadata, streams } = found;
  refuseLostQueue(starts, committed, deps.groupId);
  const asOfMs = deps.clock.wallMs();
  refuseForgotten(program, metadata);
  const plans = await restoreStores(program, partition, state, found, deps, signal);
  const changelogs = new Map<string, ChangelogEnd>();
  for (const { index, facts, plan, position } of plans) {
    const { name: store = "", kind } = program.stores[index] ?? {};
    // What Kafka Streams committed is all that its changelog holds.
    const committedEnd =
      streams === null ? (metadata?.changelogs.get(store)?.end ?? 0) : plan.target;
    invariant(position >= committedEnd, "a restored store must reach what was committed");
    const { topicId } = facts;
    changelogs.set(store, { topicId, end: committedEnd, ...(kind === undefined ? {} : { kind }) });
  }
  if (plans.length > 0) await state.caughtUp(asOfMs);
  const positions = await startPositions(program, partitions, committed, deps, signal);
  const { parking: plan } = program;
  const id = deps.changelogs.get(plan?.controlTopic ?? "")?.topicId;
  const parking = plan && (await openParking(plan, id, partition, state, deps.offsets, signal));
  return {
    parking,
    heldBack: await HeldBack.read(program, state),
    positions,
    streamTimeMs: (streams ?? metadata)?.streamTimeMs ?? Number.MIN_SAFE_INTEGER,
    commitSequence: (streams ?? metadata)?.commitSequence ?? 0,
    // It counts sources, and a pattern may have found others before.
    trial: program.pattern === undefined ? (metadata?.trial ?? null) : null,
    ownTimes: metadata?.ownTimes ?? new Map(),
    changelogs,
    isNew: metadata === null || committed.size < partitions.length,
  };
}

/**
 * Where what is purged begins; asked before the offsets, because those who commit then purge: what
 * begins behind an offset that is asked for later has lost records.
 */
async function queueStarts(
  program: Program,
  partition: number,
  { offsets }: TakeoverDependencies,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const starts = new Map<string, number>();
  for (const topic of queuesOf(program)) {
    const at = { topic, partition };
    starts.set(topicPartitionName(at), (await offsets.range(at, signal)).start);
  }
  return starts;
}

function refuseLostQueue(
  starts: ReadonlyMap<string, number>,
  committed: ReadonlyMap<string, CommittedOffset>,
  groupId: string,
): void {
  for (const [name, start] of starts) {
    const offset = committed.get(name)?.offset ?? start;
    if (offset >= start) continue;
    throw new OutriggerError(
      "OFFSET_OUT_OF_RANGE",
      `${name} begins at offset ${start}, and group ${groupId} has committed ${offset}: ` +
        `${start - offset} offsets were deleted before they were read, by somebody else than a ` +
        "sidecar. Restore the topic, or reset the application",
    );
  }
}

interface FoundMetadata {
  /** null when the task has never committed, or somebody else has committed since. */
  readonly metadata: OffsetMetadata | null;
  /** A committed offset without our metadata, in words: a tool or another consumer wrote it. */
  readonly foreign: string | null;
  /** Kafka Streams has committed since, and that is accepted. */
  readonly streams: Pick<OffsetMetadata, "streamTimeMs" | "commitSequence"> | null;
}

/** The newest of the metadata that the task's partitions carry. */
function metadataOf(
  partitions: readonly TopicPartition[],
  committed: ReadonlyMap<string, CommittedOffset>,
  acceptsStreams: boolean,
): FoundMetadata {
  let newest: OffsetMetadata | null = null;
  let streamsTimeMs: number | null = null;
  for (const at of partitions) {
    const offset = committed.get(topicPartitionName(at));
    if (offset === undefined) continue;
    const metadata = decodeOffsetMetadata(offset.metadata);
    const time =
      metadata === null && acceptsStreams ? decodeStreamsMetadata(offset.metadata) : null;
    if (metadata === null && time === null) {
      const foreign = `the committed offset ${offset.offset} of ${topicPartitionName(at)}`;
      return { metadata: null, foreign, streams: null };
    }
    if (time !== null) streamsTimeMs = Math.max(streamsTimeMs ?? time, time);
    if (metadata === null) continue;
    if (newest === null || metadata.commitSequence > newest.commitSequence) newest = metadata;
  }
  if (streamsTimeMs === null) return { metadata: newest, foreign: null, streams: null };
  // Partitions that Kafka Streams had no record of still carry what we committed before it: what is
  // committed from here on must be newer than that.
  const streamTimeMs = Math.max(streamsTimeMs, newest?.streamTimeMs ?? streamsTimeMs);
  const streams = { streamTimeMs, commitSequence: newest?.commitSequence ?? 0 };
  return { metadata: null, foreign: null, streams };
}

interface PlannedStore {
  readonly index: number;
  readonly at: TopicPartition;
  readonly facts: ChangelogFacts;
  readonly plan: RestorePlan & { kind: "restore" };
}

/** Decides for every store before any is touched: a wipe empties them all, so all plans start anew. */
async function planStores(
  program: Program,
  partition: number,
  state: TaskState,
  found: FoundMetadata,
  deps: Parts,
  signal: AbortSignal,
): Promise<PlannedStore[]> {
  const { metadata, streams } = found;
  const plans: PlannedStore[] = [];
  for (const [index, store] of program.stores.entries()) {
    const at = { topic: store.changelogTopic, partition };
    const facts = deps.changelogs.get(store.changelogTopic);
    invariant(facts !== undefined, `${store.changelogTopic} was not described before the takeover`);
    const { start, end } = await deps.offsets.range(at, signal);
    const marks = state.marks();
    const plan = planRestore({
      topicId: facts.topicId,
      logStart: start,
      logEnd: end,
      local: marks?.positions.get(index) ?? null,
      localHasLastCut: metadata !== null && marks?.commitSequence === metadata.commitSequence,
      localCaughtUpAtMs: marks?.caughtUpAtMs ?? 0,
      wallMs: deps.clock.wallMs(),
      deleteRetentionMs: facts.deleteRetentionMs,
      hasCommitted: metadata !== null || streams !== null,
      committed: metadata?.changelogs.get(store.name) ?? null,
    });
    plans.push({ index, at, facts, plan: orStop(plan, at, found, deps.groupId) });
    const isAnew = marks === null || (plan.kind === "restore" && plan.wipe !== "no");
    if (isAnew && start > 0) deps.onCutOff(store.name, start);
  }
  const wipe = plans.find(({ plan }) => plan.wipe !== "no");
  if (wipe === undefined) return plans;
  deps.onWipe(program.stores[wipe.index]?.name ?? "", wipe.plan.wipe);
  await state.wipe();
  return await planStores(program, partition, state, found, deps, signal);
}

/**
 * Restores every store. A changelog may be cut while it is read, by retention or by compaction: then all is
 * decided anew, as if it had been cut before.
 */
async function restoreStores(
  program: Program,
  partition: number,
  state: TaskState,
  found: FoundMetadata,
  deps: Parts,
  signal: AbortSignal,
): Promise<readonly (PlannedStore & { readonly position: number })[]> {
  for (let restarts = 0; ; restarts++) {
    const plans = await planStores(program, partition, state, found, deps, signal);
    const restored: (PlannedStore & { position: number })[] = [];
    for (const planned of plans) {
      try {
        const position = await restoreStore(planned, state, deps, signal);
        restored.push({ ...planned, position });
      } catch (error: unknown) {
        if (restarts === RESTARTS_MAX) throw error;
        if (!(await wasCut(error, planned, state, deps.offsets, signal))) throw error;
        break;
      }
    }
    if (restored.length === plans.length) return restored;
  }
}

/** Whether it could not be read because it begins behind what has been read of it. */
async function wasCut(
  error: unknown,
  { index, at, plan }: PlannedStore,
  state: TaskState,
  offsets: Offsets,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof OutriggerError) || error.code !== "OFFSET_OUT_OF_RANGE") return false;
  const { start } = await offsets.range(at, signal);
  return start > (state.marks()?.positions.get(index)?.position ?? plan.from);
}

function orStop(
  plan: RestorePlan,
  at: TopicPartition,
  { foreign }: FoundMetadata,
  groupId: string,
): RestorePlan & { kind: "restore" } {
  const name = topicPartitionName(at);
  switch (plan.kind) {
    case "restore":
      return plan;
    case "stateLost":
      throw new OutriggerError(
        "COMMITTED_STATE_LOST",
        `the changelog ${name} no longer holds the committed state: ${plan.reason}. Running on ` +
          "would give wrong results; restore the topic, or reset the application",
      );
    case "offsetsLost":
      if (foreign !== null) {
        throw new OutriggerError(
          "OFFSETS_LOST",
          `${foreign} in group ${groupId} was not written by Outrigger, but ${plan.reason}: a tool ` +
            "or another consumer moved it, so state and offsets no longer belong together. Reset " +
            "the application: delete the group's offsets, its changelog topics and its state " +
            "directory, then start again",
        );
      }
      throw new OutriggerError(
        "OFFSETS_LOST",
        `group ${groupId} has no committed offset for the task of ${name}, but ${plan.reason}: ` +
          "the offsets expired or were deleted. Starting from nowhere would count records twice " +
          "or skip them; restore the offsets, or reset the application",
      );
  }
}

async function restoreStore(
  { at, index, facts, plan }: PlannedStore,
  state: TaskState,
  deps: Parts,
  signal: AbortSignal,
): Promise<number> {
  const store = state.stores[index]?.name ?? "";
  const sinceMs = deps.clock.nowMs();
  let position = plan.from;
  let records = 0;
  let foreignSeen = false;
  const pieces = new RestoredPieces(index, state.stores[index]?.isTimestamped === true);
  deps.onProgress(store, Math.max(0, plan.target - position));
  for await (const chunk of deps.offsets.read(at, plan.from, plan.target, signal)) {
    if (chunk.untransacted !== undefined && !foreignSeen) {
      foreignSeen = true;
      const error = foreignWriter(at, chunk.untransacted);
      if (!deps.acceptsForeign) throw error;
      deps.onForeign(error);
    }
    records += chunk.columns.count;
    for (const piece of pieces.of(chunk)) {
      position = piece.position;
      await state.restore(piece.changes, { topicId: facts.topicId, position });
      deps.onProgress(store, Math.max(0, plan.target - position));
    }
  }
  if (state.marks()?.positions.get(index)?.topicId !== facts.topicId) {
    await state.restore(
      { store: index, keys: [], values: [] },
      { topicId: facts.topicId, position },
    );
  }
  invariant(position >= plan.target, `${topicPartitionName(at)} was not restored to its end`);
  deps.trace?.restored(store, at, records, sinceMs);
  deps.onRestored(store, records);
  return position;
}

/** All that we write is part of a transaction, so this was somebody else. */
function foreignWriter(at: TopicPartition, { offset, producerId }: Untransacted): OutriggerError {
  const who = producerId < 0n ? "a producer without an id" : `producer id ${producerId}`;
  return new OutriggerError(
    "CHANGELOG_TOUCHED",
    `${who} wrote into the changelog ${topicPartitionName(at)} at offset ${offset}: state would hold ` +
      "what no input led to. Stop that producer and take its right to write, then reset the " +
      "application; or accept what it wrote: check.accept: changelog.foreign.writer",
  );
}

async function startPositions(
  program: Program,
  partitions: readonly TopicPartition[],
  committed: ReadonlyMap<string, CommittedOffset>,
  deps: TakeoverDependencies,
  signal: AbortSignal,
): Promise<Map<string, SourcePosition>> {
  const positions = new Map<string, SourcePosition>();
  for (const at of partitions) {
    const name = topicPartitionName(at);
    const known = committed.get(name);
    if (known !== undefined) {
      positions.set(name, { offset: known.offset, leaderEpoch: known.leaderEpoch });
      continue;
    }
    // What was written for the task must not be skipped, though it was before there was the task.
    const reset = queuesOf(program).includes(at.topic) ? "earliest" : deps.autoOffsetReset;
    if (reset === "none") {
      throw new OutriggerError(
        "OFFSETS_LOST",
        `group ${deps.groupId} has no committed offset for ${name} and auto.offset.reset is none: ` +
          "set earliest or latest for the first start",
      );
    }
    const { start, end } = await deps.offsets.range(at, signal);
    const offset = reset === "earliest" ? start : end;
    positions.set(name, { offset, leaderEpoch: -1 });
  }
  return positions;
}
