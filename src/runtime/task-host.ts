import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry, TraceIds } from "../ports/telemetry.ts";
import type { ChangelogEnd, WrittenTrial } from "../tasks/offset-metadata.ts";
import type { ParkedLimits } from "../tasks/parked-keys.ts";
import type { FailureLimits, Policies, Sentence } from "./failures.ts";
import type { HeldBack } from "./held-back.ts";
import type { NextRelease, ParkingStart } from "./parking.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { AllUncommitted } from "./uncommitted.ts";

export interface TaskLimits {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** Batches planned ahead of their answers, where user code holds no state. */
  readonly plannedMax: number;
  readonly inputBytesMax: number;
  /** How long a task waits for records of a partition that has none; -1 never waits for any. */
  readonly maxTaskIdleMs: number;
  readonly uncommittedBytesMax: number;
  readonly frameBytesMax: number;
  readonly recordBytesMax: number;
  readonly applicationId: string;
  readonly failures: FailureLimits;
  readonly parked: ParkedLimits;
}

/** The same with what the cluster says. */
export interface RunnerLimits extends TaskLimits {
  /** `max.message.bytes` of the topics that cuts write. */
  readonly messageBytesMax: ReadonlyMap<string, number>;
  /** Partitions of the topics of hooks. */
  readonly hookPartitions: ReadonlyMap<string, number>;
}

/** Where a task stands in its partitions: the next offset of each source, as of the last cut. */
export interface SourcePosition {
  offset: number;
  leaderEpoch: number;
}

/** What a takeover found: where the task goes on. */
export interface TaskStart {
  readonly positions: Map<string, SourcePosition>;
  readonly streamTimeMs: number;
  /** Of stores that have their own, by name. */
  readonly ownTimes: ReadonlyMap<string, number>;
  readonly commitSequence: number;
  readonly changelogs: Map<string, ChangelogEnd>;
  /** What a predecessor knew against the records at the head. */
  readonly trial: WrittenTrial | null;
  /** The records that wait; null where parking is off. */
  readonly parking: ParkingStart | null;
  readonly heldBack: HeldBack;
  /** The takeover's span, for the log lines of the task's life. */
  readonly traceIds: TraceIds | null;
}

/** What a runner tells; the kernel decides. */
export interface TaskHost {
  readonly telemetry: Telemetry;
  readonly clock: Pick<Clock, "wallMs" | "after">;
  /** Of all tasks: they share `uncommittedBytesMax`. */
  readonly uncommitted: AllUncommitted;
  /** What the application that came last says of failed records. */
  policies(): Policies;
  /** A batch waits in the ledger for a worker. */
  queued(runner: TaskRunner): void;
  /** Something became final: a commit may be due. */
  staged(runner: TaskRunner): void;
  /** Monotonic. */
  nowMs(): number;
  /** There is enough of a source here (true), or room again. */
  throttled(runner: TaskRunner, source: number, full: boolean): void;
  /** It waits for records of another partition, and takes what there is in `delayMs`. */
  idling(runner: TaskRunner, delayMs: number): void;
  /** A record failed and will be tried again in `delayMs`. */
  retrying(runner: TaskRunner, delayMs: number, error: OutriggerError): void;
  /** A worker died while it worked on `count` records from `at` on; they go out again. */
  suspected(runner: TaskRunner, at: string, count: number, deaths: number): void;
  /** A record is given up, by policy: it is skipped or parked, or a dead letter tells of it. */
  gaveUp(runner: TaskRunner, action: Sentence["action"], error: OutriggerError): void;
  /** A command to parked records was carried out. */
  released(runner: TaskRunner, done: NextRelease & { readonly kind: "done" }): void;
  /** A command came while the task is stopped, or so many came that their topic waits (or no longer). */
  commands(runner: TaskRunner, what: "came" | "full" | "room"): void;
  /** A record failed for good: the task stops, loudly; what is staged is still committed. */
  stopped(runner: TaskRunner, error: OutriggerError): void;
  /** Planning broke: a store failed. */
  broken(runner: TaskRunner, error: Error): void;
  /** What was being planned when the task was told to end is done with. */
  idle(runner: TaskRunner): void;
}
