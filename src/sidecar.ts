import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { kafkaOptions } from "./checkup.ts";
import type { Config } from "./config/config.ts";
import { asError, type OutriggerError } from "./errors/outrigger-error.ts";
import { connectKafka, type Kafka } from "./kafka/client.ts";
import { kernelLimits, type LimitsOptions } from "./kernel-limits.ts";
import { MEMBER_ID_PREFIX } from "./model/cluster-facts.ts";
import type { Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { StateDirectory } from "./ports/store.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import { failpoint } from "./runtime/failpoint.ts";
import { hostileApplication, hostileListener, hostileModes } from "./runtime/hostile.ts";
import { Kernel } from "./runtime/kernel.ts";
import { createApplicationServer } from "./server/server.ts";
import { openStateDirectory } from "./stores/directory.ts";
import { createLog } from "./telemetry/log.ts";
import { type RunningTelemetry, startTelemetry } from "./telemetry/telemetry.ts";

/** A running sidecar. */
export interface Sidecar {
  /** Where applications connect: give it to them as OUTRIGGER_ADDRESS. */
  readonly address: string;
  /** Where `/metrics`, `/healthz` and `/readyz` are; null where they are off. */
  readonly httpAddress: string | null;
  /** Resolves after a clean stop; rejects when a human is needed. */
  readonly stopped: Promise<void>;
  /** Drains: final batches are committed, the group is left. */
  stop(): Promise<void>;
}

export interface SidecarOptions extends LimitsOptions {
  readonly log?: Log;
  /** The package's version, told to applications. */
  readonly version?: string;
  /** `OUTRIGGER_FAILPOINT`, for crash tests: `<point>:<n>`, see `runtime/failpoint.ts`. */
  readonly failpoint?: string | undefined;
  /** `OUTRIGGER_HOSTILE`, for tests of SDKs: how workers are treated. */
  readonly hostile?: string | undefined;
}

/**
 * Puts the parts together: telemetry, state directory, Kafka, kernel, server. Opened in this order,
 * closed in reverse. Rejects with an OutriggerError when one of them cannot be had.
 */
export async function startSidecar(config: Config, options: SidecarOptions = {}): Promise<Sidecar> {
  const log = options.log ?? createLog({ level: config.logLevel });
  const version = options.version ?? "unknown";
  // First, so that a process that waits for its brokers says so, and is known to be alive.
  const telemetry = await startTelemetry({ config, version, log, env: process.env });
  try {
    return await startParts(config, options, log, telemetry);
  } catch (error: unknown) {
    await telemetry.close();
    throw error;
  }
}

async function startParts(
  config: Config,
  options: SidecarOptions,
  log: Log,
  telemetry: RunningTelemetry,
): Promise<Sidecar> {
  const { recorder } = telemetry;
  const hostile = hostileModes(options.hostile);
  const failing = failpoint(options.failpoint);
  const stateDirectory = join(config.stateDir, config.applicationId);
  const [directory, kafka] = await openOutside(config, stateDirectory, log, recorder);
  const ending = new Ending();
  let fail = (_: OutriggerError): void => {};
  const kernel: Kernel = new Kernel(
    failing.parts({
      consumer: kafka.consumer(
        failing.consumerListener({
          fetched: (chunk, facts) => kernel.fetched(chunk, facts),
          empty: (...fetch) => kernel.empty(...fetch),
          failed: (at, fence, error) => kernel.failed(at, fence, error),
        }),
      ),
      offsets: kafka.offsets,
      group: kafka.group,
      admin: kafka.admin,
      inspector: kafka.inspector,
      directory,
      createProducer: (transactionalId) => kafka.producer(transactionalId),
      clock: systemClock,
      log,
      telemetry: recorder,
      newMemberId: () => `${MEMBER_ID_PREFIX}${randomUUID()}`,
      commitEntered: () => {},
      fatal: (error) => fail(error),
    }),
    kernelLimits(config, options),
  );
  telemetry.follow(() => kernel.status());
  const server = await createApplicationServer(
    serverOptions(config, options, stateDirectory, log),
    failing.applicationListener(hostileListener(kernel, hostile)),
  );
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await kernel.stop();
    await server.close();
    await kafka.close();
    await directory.close();
    await telemetry.close();
  };
  fail = (error) => {
    if (closing !== null) return;
    log.error(error.message, { code: error.code });
    closing = close();
    closing.then(
      () => ending.reject(error),
      () => ending.reject(error),
    );
  };
  const application = failing.application(hostileApplication(server, hostile, systemClock));
  await kernel.start(application).catch(async (error) => {
    await close();
    throw error;
  });
  log.info("outrigger is listening", {
    address: server.address,
    application: config.applicationId,
    http: telemetry.httpAddress ?? "off",
  });
  return {
    address: server.address,
    httpAddress: telemetry.httpAddress,
    stopped: ending.stopped,
    stop: async () => {
      closing ??= close().then(ending.resolve, (error: unknown) => ending.reject(asError(error)));
      await closing;
    },
  };
}

/** The disk and the brokers, at the same time. */
function openOutside(
  config: Config,
  stateDirectory: string,
  log: Log,
  telemetry: Telemetry,
): ReturnType<typeof opened<StateDirectory, Kafka>> {
  const onProducerRetry = ({ code, kafkaError }: OutriggerError): void => {
    telemetry.producerError(kafkaError ?? code, "retriable");
  };
  const opening = openStateDirectory(stateDirectory, {
    processId: config.processId,
    memoryBytesMax: config.rocksdbMemoryMaxBytes,
    onCorrupted: sayEmptied(log, telemetry),
  });
  return opened(opening, connectKafka({ ...kafkaOptions(config, log), onProducerRetry }));
}

interface Closable {
  close(): Promise<void>;
}

/** Both, opened at the same time. Rejects with the first error; the other is closed when it is there. */
async function opened<A extends Closable, B extends Closable>(
  one: Promise<A>,
  other: Promise<B>,
): Promise<[A, B]> {
  try {
    return await Promise.all([one, other]);
  } catch (error: unknown) {
    for (const each of [one, other]) each.then((part) => part.close()).catch(() => {});
    throw error;
  }
}

function sayEmptied(log: Log, telemetry: Telemetry): (task: string, error: OutriggerError) => void {
  return (task, error) => {
    telemetry.storeEmptied();
    log.error(error.message, { task, code: error.code });
  };
}

function serverOptions(
  config: Config,
  { version = "unknown" }: SidecarOptions,
  directory: string,
  log: Log,
): Parameters<typeof createApplicationServer>[0] {
  const { applicationId, maxFrameBytes, serverMaxMessageBytes: maxMessageBytes } = config;
  const { serverAddress: address, serverToken: token } = config;
  const limits = { maxFrameBytes, maxMessageBytes };
  return { address, token, directory, applicationId, sidecarVersion: version, ...limits, log };
}

/** The one end of a sidecar, clean or not. */
class Ending {
  readonly stopped: Promise<void>;
  resolve: () => void = () => {};
  reject: (error: Error) => void = () => {};

  constructor() {
    this.stopped = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever does not look at `stopped` must not be killed by it.
    this.stopped.catch(() => {});
  }
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
