import type { Expected } from "../checks/expected.ts";
import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { Admin } from "../ports/admin.ts";
import type { Clock } from "../ports/clock.ts";
import type { Consumer, Group, Offsets } from "../ports/consumer.ts";
import type { Inspector } from "../ports/inspector.ts";
import type { Log } from "../ports/log.ts";
import type { TransactionalProducer } from "../ports/producer.ts";
import type { StateDirectory } from "../ports/store.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { LaneLimits } from "./lane.ts";
import type { SetupLimits } from "./setup.ts";
import type { TaskLimits } from "./task-host.ts";

/** The world, as the kernel knows it: ports only. */
export interface KernelParts {
  readonly consumer: Consumer;
  readonly offsets: Offsets;
  readonly group: Group;
  readonly admin: Admin;
  readonly inspector: Inspector;
  readonly directory: StateDirectory;
  /** A producer for a transactional id; one at a time. */
  readonly createProducer: (transactionalId: string) => TransactionalProducer;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** A member id that no process ever had. */
  readonly newMemberId: () => string;
  /** Told of every state that a commit enters. */
  readonly commitEntered: (state: Transaction["state"]) => void;
  /** A pattern matches other topics than `Program.sources`; these are new, if any. */
  readonly topicsChanged?: (found: readonly string[]) => void;
  /** Partitions of one task are at several members, and stay there. */
  readonly tornApart?: () => void;
  /** A human is needed: the process stops with this error. */
  readonly fatal: (error: OutriggerError) => void;
}

/** Every bound of the kernel, from the configuration. */
export interface KernelLimits {
  readonly applicationId: string;
  readonly autoOffsetReset: "earliest" | "latest" | "none";
  readonly processingTimeoutMs: number;
  readonly appAbsenceTimeoutMs: number;
  readonly revokeTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** How often records of repartitions and hooks that are done with are deleted. */
  readonly purgeIntervalMs: number;
  /** When stream time goes on with the wall clock where nothing comes; null: never. */
  readonly streamTimeIdleMs: number | null;
  readonly task: TaskLimits;
  readonly lane: LaneLimits;
  /** `parked.enable`. */
  readonly parks: boolean;
  readonly setup: SetupLimits;
  /** What the checks before a start expect of the cluster. */
  readonly expected: Omit<Expected, "programs">;
}
