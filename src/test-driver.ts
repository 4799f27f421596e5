import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { subscriptionOf } from "./checks/expected.ts";
import type { Config } from "./config/config.ts";
import type { OutriggerError } from "./errors/outrigger-error.ts";
import { partitionOf } from "./kafka/produce/murmur2.ts";
import { kernelLimits } from "./kernel-limits.ts";
import { MEMBER_ID_PREFIX } from "./model/cluster-facts.ts";
import type { Log } from "./ports/log.ts";
import { TRIED_AGAIN } from "./runtime/failure-log.ts";
import { advanceStreamTime, readStore, standingOf } from "./runtime/insides.ts";
import { Kernel } from "./runtime/kernel.ts";
import type { KernelLimits, KernelParts } from "./runtime/parts.ts";
import { createApplicationServer } from "./server/server.ts";
import { openStateDirectory } from "./stores/directory.ts";
import { silentTelemetry } from "./telemetry/silent.ts";
import { DriverClock } from "./test-driver/clock.ts";
import { DriverCluster } from "./test-driver/cluster.ts";
import { DriverConsumer, driverOffsets } from "./test-driver/consumer.ts";
import { driverAdmin, driverInspector } from "./test-driver/control-plane.ts";
import { TestDriver } from "./test-driver/driver.ts";
import { DriverGroup } from "./test-driver/group.ts";
import { DriverProducer } from "./test-driver/producer.ts";

/** A running test driver. */
export interface RunningTestDriver {
  /** Where the application connects, and its test. */
  readonly address: string;
  /** Resolves when it has ended: by `Close` or by `stop`. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
  /**
   * Behind `stop`, in a process that goes on: closes the stores, which else only the process's end frees.
   * Throws where what was under way keeps it for more than 5 s.
   */
  release(): Promise<void>;
}

export interface TestDriverOptions {
  readonly log: Log;
  readonly version: string;
  /** Settings that somebody wrote down: they are stronger than what the application says. */
  readonly explicit: ReadonlySet<string>;
  /** The wall clock at the start, in ms since the epoch. */
  readonly startMs: number;
}

/** An answer that does not come is waited for as long as one repetition takes. */
const UNKNOWN_MS = 100;

/** Enough for the answer to `Close` to leave. */
const CLOSE_MS_MAX = 100;
const RELEASE_MS_MAX = 5_000;

/** The kernel, its stores and its server as a sidecar has them, over a Kafka in memory. */
export async function startTestDriver(
  config: Config,
  options: TestDriverOptions,
): Promise<RunningTestDriver> {
  const path = join(config.stateDir, config.applicationId);
  const directory = await openStateDirectory(path, {
    processId: config.processId,
    memoryBytesMax: config.rocksdbMemoryMaxBytes,
    onCorrupted: (task, error) => options.log.error(error.message, { task }),
  });
  const cluster = new DriverCluster(partitionOf);
  const group = new DriverGroup(cluster);
  const clock = new DriverClock(options.startMs);
  const consumer: DriverConsumer = new DriverConsumer(cluster, {
    fetched: (chunk, facts) => kernel.fetched(chunk, facts),
    empty: (...fetch) => kernel.empty(...fetch),
    failed: (at, fence, error) => kernel.failed(at, fence, error),
  });
  const parts: KernelParts = {
    consumer,
    offsets: driverOffsets(cluster),
    group,
    admin: driverAdmin(cluster),
    inspector: driverInspector(cluster),
    directory,
    createProducer: () => new DriverProducer(cluster, group),
    clock,
    log: logOf(options.log, (task, error) => driver.triedAgain(task, error)),
    telemetry: silentTelemetry,
    newMemberId: () => `${MEMBER_ID_PREFIX}${randomUUID()}`,
    commitEntered: () => {},
    fatal: (error: OutriggerError) => driver.fail(error),
  };
  const kernel: Kernel = new Kernel(parts, limitsOf(config, options.explicit));
  let end = (): void => {};
  const asked = new Promise<void>((resolve) => {
    end = resolve;
  });
  const { applicationId } = config;
  const driven = drivenKernel(kernel);
  const driver = new TestDriver({
    ...{ applicationId, cluster, consumer, clock, kernel: driven },
    close: () => end(),
  });
  const server = await createApplicationServer(
    {
      address: config.serverAddress,
      token: config.serverToken,
      directory: path,
      applicationId,
      sidecarVersion: options.version,
      maxFrameBytes: config.maxFrameBytes,
      maxMessageBytes: config.serverMaxMessageBytes,
      log: options.log,
      testDriver: driver,
    },
    kernel,
  );
  await kernel.start(server);
  // Without a drain, and soon: nothing outlives a test, and no connection is to hold its end up.
  const stopped = asked.then(() => Promise.race([server.close(), rest(CLOSE_MS_MAX)]));
  const stop = async (): Promise<void> => {
    end();
    await stopped;
  };
  const release = async (): Promise<void> => {
    const closed = kernel.stop().then(() => directory.close());
    const overdue = rest(RELEASE_MS_MAX, "overdue", { ref: false });
    if ((await Promise.race([closed, overdue])) === "overdue") {
      throw new Error(`the stores of ${path} are still in use`);
    }
  };
  return { address: server.address, stopped, stop, release };
}

/** As a sidecar's, but that a commit waits for no time to pass, and chance for nothing. */
function limitsOf(config: Config, explicit: ReadonlySet<string>): KernelLimits {
  const limits = kernelLimits(config, { missingTopicPartitions: 1, explicit });
  const { lane, task } = limits;
  return {
    ...limits,
    task: { ...task, failures: { ...task.failures, random: () => 0 } },
    lane: {
      ...lane,
      commit: { ...lane.commit, commitIntervalMs: 0 },
      transaction: { ...lane.transaction, unknownMs: UNKNOWN_MS },
    },
  };
}

function drivenKernel(kernel: Kernel): ConstructorParameters<typeof TestDriver>[0]["kernel"] {
  return {
    status: () => kernel.status(),
    standing: () => (kernel.insides === null ? null : standingOf(kernel.insides)),
    get topology() {
      const programs = kernel.insides?.programs;
      if (programs === undefined) return null;
      const stores = programs.flatMap((program) => program.stores);
      return { sources: subscriptionOf(programs), stores };
    },
    advanceStreamTime: (timestamp) => {
      if (kernel.insides !== null) advanceStreamTime(kernel.insides, timestamp);
    },
    readStore: async (store, range, entriesMax) => {
      const { insides } = kernel;
      if (insides === null) return [];
      return await readStore(insides, insides.programs, store, range, entriesMax);
    },
  };
}

/** The log, listened to for records that are tried again. */
function logOf(log: Log, triedAgain: (task: string, error: string) => void): Log {
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: (message, fields) => {
      if (message === TRIED_AGAIN) triedAgain(String(fields?.["task"]), String(fields?.["error"]));
      log.warn(message, fields);
    },
    error: (message, fields) => log.error(message, fields),
  };
}
