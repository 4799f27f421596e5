import { invariant } from "../errors/invariant.ts";
import { columnsOf } from "../model/changes.ts";
import { STAMP_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import type { AppendedRecord, CutRecords, OffsetToCommit } from "../ports/producer.ts";
import type { StateCut, StoreMarks, StorePosition } from "../ports/store.ts";
import { type ChangelogEnd, encodeOffsetMetadata } from "../tasks/offset-metadata.ts";
import type { Trial } from "../tasks/trial.ts";
import type { Batch } from "./batch.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { appendEmissions, fillRow } from "./emissions.ts";
import { appendOncePerCommit } from "./once-per-commit.ts";
import { namedTimes } from "./own-times.ts";
import type { SourcePosition } from "./task-host.ts";
import type { TaskRunner } from "./task-runner.ts";

/** What a commit takes of one task: the contiguous prefix of final batches. */
export interface TaskCut {
  readonly runner: TaskRunner;
  readonly batches: readonly Batch[];
  readonly state: StateCut;
  readonly positions: ReadonlyMap<string, SourcePosition>;
  readonly streamTimeMs: number;
  /** Of the stores that have their own, by name. */
  readonly ownTimes: ReadonlyMap<string, number>;
  readonly commitSequence: number;
  /** What is known against the records behind the cut. */
  readonly trial: Trial | null;
  /** Where each changelog ends once this cut has committed; known when it was produced. */
  readonly ends: Map<string, ChangelogEnd>;
}

/** Everything that one transaction commits. */
export interface Cut {
  readonly tasks: readonly TaskCut[];
  readonly records: CutRecords;
}

/** Takes what is final of every task given; `appendCut` puts it into the transaction's batches. */
export function takeCut(runners: readonly TaskRunner[], records: CutRecords): Cut {
  return { tasks: runners.map((runner) => takeTask(runner)), records };
}

/**
 * Appends what the cut took, once. Stops about each `recordsAtOnce`, for the caller to let others have
 * their turn: a cut may be of a hundred thousand records, and workers wait meanwhile. Its pieces grow, so
 * that what is committed keeps up with what is processed in between.
 */
export function* appendCut(
  { tasks, records }: Cut,
  recordsAtOnce: number,
): Generator<void, void, undefined> {
  const record = emptyRecord();
  let stopAt = recordsAtOnce;
  for (const task of tasks) {
    for (const _ of appendTask(task, records, record)) {
      if (records.records < stopAt) continue;
      yield;
      stopAt = records.records + Math.max(recordsAtOnce, records.records / 2);
    }
  }
}

function takeTask(runner: TaskRunner): TaskCut {
  const batches = runner.ledger.takeFinal();
  const positions = new Map(runner.positions);
  let streamTimeMs = runner.cutStreamTimeMs;
  for (const batch of batches) {
    const { taken, streamTimeMs: after, ownTimes } = batch;
    for (const [store, time] of ownTimes?.after ?? []) runner.cutTimes.set(store, time);
    // What was parked lies behind the position already.
    if (taken.released === undefined) {
      const topic = runner.program.sources[taken.input.source] ?? "";
      const name = topicPartitionName({ topic, partition: taken.input.partition });
      positions.set(name, { offset: taken.nextOffset, leaderEpoch: taken.leaderEpoch });
    }
    streamTimeMs = after;
  }
  runner.cutStreamTimeMs = streamTimeMs;
  const commitSequence = runner.commitSequence + 1;
  const ends = new Map(runner.changelogs);
  const state = runner.state.cut();
  runner.uncommitted.taken(sum(batches));
  const trial = runner.failures.takeNews();
  const ownTimes = namedTimes(runner.cutTimes, runner.program.stores);
  return { runner, batches, state, positions, streamTimeMs, ownTimes, commitSequence, trial, ends };
}

/** The cut did not commit: what it took of this task is final again, to be cut again. */
export function restageTask(task: TaskCut): void {
  const { runner, batches } = task;
  runner.state.restage();
  runner.ledger.putBack(batches);
  runner.failures.newsAgain();
  runner.uncommitted.restaged(sum(batches));
}

function sum(batches: readonly Batch[]): number {
  return batches.reduce((bytes, { outcome }) => bytes + (outcome?.bytes ?? 0), 0);
}

/** The cut took effect: its task goes on behind it. */
export function settleTask({ runner, positions, commitSequence, ends }: TaskCut): void {
  for (const [name, position] of positions) runner.positions.set(name, position);
  for (const [name, end] of ends) runner.changelogs.set(name, end);
  runner.commitSequence = commitSequence;
  runner.uncommitted.settled();
  if (runner.phase === "claiming") runner.phase = "running";
  runner.committed();
}

/** Stops behind each batch. */
function* appendTask(
  task: TaskCut,
  records: CutRecords,
  record: AppendedRecord,
): Generator<void, void, undefined> {
  const target = { runner: task.runner, records, record };
  for (const batch of task.batches) {
    if (batch.outcome === null) continue;
    for (const letters of [batch.givenUp?.letters ?? [], batch.letters]) {
      for (const letter of letters) appendDeadLetter(task.runner, letter, records, record);
    }
    appendEmissions(batch.outcome.emissions, target);
    yield;
  }
  appendOncePerCommit(task.batches, target);
  appendChangelog(task, records, record);
  yield;
}

/** In the transaction of its record's offset: neither lost nor doubled. */
function appendDeadLetter(
  runner: TaskRunner,
  { row, headers }: DeadLetter,
  records: CutRecords,
  record: AppendedRecord,
): void {
  record.topic = runner.limits.failures.deadLetterTopic ?? "";
  record.partition = -1;
  record.keyBytes = row.columns.bytes;
  record.valueBytes = row.columns.bytes;
  fillRow(record, row, row.from);
  record.headersBytes = headers;
  record.headersPosition = 0;
  record.headersEnd = headers.length;
  records.append(record);
}

/** The last value of each key that the cut changed, to the partition of the task. */
function appendChangelog(task: TaskCut, records: CutRecords, record: AppendedRecord): void {
  const { runner } = task;
  record.headersBytes = null;
  record.partition = runner.id.partition;
  const streamTimeMs = Math.max(0, task.streamTimeMs);
  for (const changes of task.state.changes) {
    const spec = runner.program.stores[changes.store];
    const stamp = spec?.isTimestamped === true ? STAMP_BYTES : 0;
    const { keys, values } = columnsOf(changes);
    record.topic = spec?.changelogTopic ?? "";
    record.keyBytes = keys.bytes;
    record.valueBytes = values.bytes;
    for (let i = 0; i < keys.count; i++) {
      const length = values.positions[i * 2 + 1] as number;
      const position = values.positions[i * 2] as number;
      const isStamped = stamp > 0 && length >= 0;
      record.keyPosition = keys.positions[i * 2] as number;
      record.keyLength = keys.positions[i * 2 + 1] as number;
      record.valuePosition = position + stamp;
      record.valueLength = length < 0 ? -1 : length - stamp;
      record.timestamp = isStamped ? readLong(values.bytes, position) : streamTimeMs;
      records.append(record);
    }
  }
}

/** Where each store of the task stands once the cut has committed. */
export function positionsAfter(
  task: TaskCut,
  lastOffsets: ReadonlyMap<string, number>,
): Map<number, StorePosition> {
  const { runner } = task;
  const after = new Map<number, StorePosition>();
  for (const [index, store] of runner.program.stores.entries()) {
    const at = { topic: store.changelogTopic, partition: runner.id.partition };
    const last = lastOffsets.get(topicPartitionName(at)) ?? -1;
    const before = runner.changelogs.get(store.name);
    // Without records, or without an offset in the acknowledgement, the position stays: replaying
    // last values is harmless, skipping them is not.
    if (last < 0 || before === undefined) continue;
    after.set(index, { topicId: before.topicId, position: last + 1 });
  }
  return after;
}

/** The offsets of every partition of every task of the cut. */
export function offsetsOf(cut: Cut, lastOffsets: ReadonlyMap<string, number>): OffsetToCommit[] {
  return cut.tasks.flatMap((task) => {
    const { runner, ends } = task;
    for (const [index, { topicId, position }] of positionsAfter(task, lastOffsets)) {
      const { name = "", kind } = runner.program.stores[index] ?? {};
      ends.set(name, { topicId, end: position, ...(kind === undefined ? {} : { kind }) });
    }
    const metadata = encodeOffsetMetadata({
      streamTimeMs: task.streamTimeMs,
      ownTimes: task.ownTimes,
      commitSequence: task.commitSequence,
      changelogs: ends,
      trial: task.trial,
    });
    return runner.partitions.map((at) => {
      const position = task.positions.get(topicPartitionName(at));
      invariant(position !== undefined, `no position is known of ${topicPartitionName(at)}`);
      return { ...at, offset: position.offset, leaderEpoch: position.leaderEpoch, metadata };
    });
  });
}

/** What the store's batch says besides the data. */
export function marksOf(
  task: TaskCut,
  lastOffsets: ReadonlyMap<string, number>,
  wallMs: number,
): StoreMarks {
  const inputOffsets = new Map<string, number>();
  for (const [name, { offset }] of task.positions) inputOffsets.set(name, offset);
  return {
    positions: positionsAfter(task, lastOffsets),
    inputOffsets,
    streamTimeMs: task.streamTimeMs,
    commitSequence: task.commitSequence,
    caughtUpAtMs: wallMs,
  };
}

function emptyRecord(): AppendedRecord {
  const nothing = Buffer.alloc(0);
  return {
    topic: "",
    partition: -1,
    timestamp: 0,
    keyBytes: nothing,
    keyPosition: 0,
    keyLength: -1,
    valueBytes: nothing,
    valuePosition: 0,
    valueLength: -1,
    headersBytes: null,
    headersPosition: 0,
    headersEnd: 0,
  };
}
