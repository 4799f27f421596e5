import type { Expected } from "./checks/expected.ts";
import type { Config } from "./config/config.ts";
import { securityOf } from "./config/security.ts";
import type { FailurePolicy } from "./model/failure.ts";
import type { FailureLimits } from "./runtime/failures.ts";
import type { KernelLimits } from "./runtime/parts.ts";

export interface LimitsOptions {
  /** Makes missing source and sink topics with so many partitions; for development. */
  readonly missingTopicPartitions?: number | null | undefined;
  /** Settings that somebody wrote down: they are stronger than what the application says. */
  readonly explicit?: ReadonlySet<string> | undefined;
}

/**
 * By which brokers know this client, as far as it can tell: what a certificate or a token is mapped to is
 * the brokers' own rule.
 */
function principalOf(config: Config): string {
  const { sasl, tls, isTls } = securityOf(config);
  if (sasl !== null && "username" in sasl) return `User:${sasl.username}`;
  if (sasl !== null) return "User:<the token's subject>";
  const hasCertificate = isTls && (tls.certificatePem ?? tls.keyFile) !== null;
  return hasCertificate ? "User:<the certificate's subject>" : "User:ANONYMOUS";
}

/** What the checks are told of the configuration. */
export function expectedOf(config: Config): Omit<Expected, "programs"> {
  return {
    applicationId: config.applicationId,
    bootstrapServers: config.bootstrapServers.join(","),
    principal: principalOf(config),
    replicationFactor: config.replicationFactor,
    transactionTimeoutMs: config.transactionTimeoutMs,
    recordBytesMax: config.producerMaxRequestSize,
    deadLetterTopic: config.errorsDeadLetterQueueTopicName,
    accepted: config.checkAccept,
  };
}

/** The share of the transaction timeout after which we give up ourselves. */
const OWN_DEADLINE = 0.6;
/** Two or three ms of work, in which a worker has its next batches still. */
const APPENDED_AT_ONCE = 8_000;

/** Every bound of the kernel, from the configuration. */
export function kernelLimits(
  config: Config,
  { missingTopicPartitions = null, explicit = NONE }: LimitsOptions,
): KernelLimits {
  const { transactionTimeoutMs } = config;
  return {
    applicationId: config.applicationId,
    autoOffsetReset: config.autoOffsetReset,
    processingTimeoutMs: config.processingTimeoutMs,
    appAbsenceTimeoutMs: config.appAbsenceTimeoutMs,
    revokeTimeoutMs: config.revokeTimeoutMs,
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    rebalanceTimeoutMs: 60_000,
    purgeIntervalMs: config.repartitionPurgeIntervalMs,
    streamTimeIdleMs: config.streamTimeIdleMs,
    task: {
      batchRecordsMax: config.batchMaxRecords,
      batchBytesMax: config.batchMaxBytes,
      plannedMax: config.batchMaxInFlight,
      inputBytesMax: config.inputBufferMaxBytes,
      maxTaskIdleMs: config.maxTaskIdleMs,
      uncommittedBytesMax: config.statestoreUncommittedMaxBytes,
      frameBytesMax: config.maxFrameBytes,
      recordBytesMax: config.producerMaxRequestSize,
      applicationId: config.applicationId,
      failures: failureLimits(config, explicit),
      parked: { recordsMax: config.parkedMaxRecords, bytesMax: config.parkedMaxBytes },
    },
    lane: {
      commit: {
        commitIntervalMs: config.commitIntervalMs,
        // Half, so that tasks go on while an early commit runs.
        stagedBytesMax: config.statestoreUncommittedMaxBytes / 2,
      },
      transaction: {
        deadlineMs: transactionTimeoutMs * OWN_DEADLINE,
        unknownMs: transactionTimeoutMs * OWN_DEADLINE,
      },
      transactionTimeoutMs,
      appendedAtOnce: APPENDED_AT_ONCE,
    },
    setup: {
      replicationFactor: config.replicationFactor,
      missingTopicPartitions,
      deadLetterTopic: config.errorsDeadLetterQueueTopicName,
      recordBytesMax: config.producerMaxRequestSize,
    },
    parks: config.parkedEnable === "true",
    expected: expectedOf(config),
  };
}

function failureLimits(config: Config, explicit: ReadonlySet<string>): FailureLimits {
  const settings = {
    retryMax: ["retry.max", config.retryMax],
    initialMs: ["retry.initial.ms", config.retryInitialMs],
    factor: ["retry.factor", config.retryFactor],
    maxDelayMs: ["retry.max.delay.ms", config.retryMaxDelayMs],
    jitter: ["retry.jitter", config.retryJitter],
    exhausted: ["retry.then", config.retryThen],
  } as const;
  const written = Object.entries(settings).filter(([, [key]]) => explicit.has(key));
  const valuesOf = (entries: readonly (readonly [string, readonly [string, unknown]])[]) =>
    Object.fromEntries(entries.map(([name, [, value]]) => [name, value]));
  return {
    // Each field of the policy is in `settings`, with the type of its field.
    defaults: valuesOf(Object.entries(settings)) as unknown as FailurePolicy,
    overrides: valuesOf(written) as Partial<FailurePolicy>,
    crashesMax: config.crashesMax,
    deadLetterTopic: config.errorsDeadLetterQueueTopicName,
    lettersForLate: config.errorsDeadLetterQueueLateRecords === "true",
    random: Math.random,
  };
}

const NONE: ReadonlySet<string> = new Set();
