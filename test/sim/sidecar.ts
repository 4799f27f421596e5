import type { OutriggerError } from "../../src/errors/outrigger-error.ts";
import { createConsumer } from "../../src/kafka/fetch/consumer.ts";
import { createOffsets } from "../../src/kafka/fetch/offsets.ts";
import { createGroup } from "../../src/kafka/group/group.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { createProducer } from "../../src/kafka/produce/transactional-producer.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import { Kernel } from "../../src/runtime/kernel.ts";
import type { KernelLimits } from "../../src/runtime/parts.ts";
import { openStateDirectory } from "../../src/stores/directory.ts";
import { silentTelemetry } from "../../src/telemetry/silent.ts";
import type { Transaction } from "../../src/transactions/transaction.ts";
import { type ApplicationHost, ModelApplication } from "./application.ts";
import { modelAdmin, modelInspector, modelMemberId } from "./control-plane.ts";
import type { ModelKafka } from "./kafka/model.ts";
import { type Loop, Process } from "./loop.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { APPLICATION_ID } from "./topologies.ts";
import { sim_now, sim_random, sim_wall } from "./virtual-globals.ts";

export interface SidecarHost {
  readonly loop: Loop;
  readonly kafka: ModelKafka;
  readonly network: Network;
  readonly plan: Plan;
  readonly application: ApplicationHost;
  readonly entered: (sidecar: Sidecar, state: Transaction["state"]) => void;
  readonly fatal: (sidecar: Sidecar, error: OutriggerError) => void;
  readonly broken: (error: unknown) => void;
  readonly trace: (line: () => string) => void;
}

const OWN_DEADLINE = 0.6;
const MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * One sidecar process, whole: what `sidecar.ts` puts together, over simulated sockets, a simulated
 * disk and model workers. Only the control plane (Admin) and the server are the model's own.
 */
export class Sidecar {
  readonly slot: number;
  readonly process: Process;
  readonly directory: string;
  processId = "";
  memberId = "";
  isStopping = false;
  application: ModelApplication | null = null;
  #kernel: Kernel | null = null;
  #closers: (() => Promise<void>)[] = [];
  readonly #host: SidecarHost;

  constructor(host: SidecarHost, slot: number, incarnation: number, directory: string) {
    this.#host = host;
    this.slot = slot;
    this.directory = directory;
    this.process = new Process(`sidecar ${slot}.${incarnation}`);
  }

  start(): void {
    this.#host.loop.after(0, this.process, () => {
      this.#start().catch((error: unknown) => {
        if (this.process.state !== "dead") this.#host.broken(error);
      });
    });
  }

  /** Drains and leaves; then `done`. */
  stop(done: () => void): void {
    this.isStopping = true;
    this.#host.loop.after(0, this.process, () => {
      this.#stop().then(done, (error: unknown) => this.#host.broken(error));
    });
  }

  async #start(): Promise<void> {
    const { loop, network, plan, kafka } = this.#host;
    const log = this.#log();
    const directory = await openStateDirectory(this.directory, {
      processId: null,
      memoryBytesMax: MEMORY_BYTES,
      onCorrupted: (_, error) => log.warn(error.message),
    });
    this.processId = directory.processId;
    const cluster = await Cluster.connect(
      {
        bootstrapServers: kafka.nodes.map(({ id }) => ({ host: `node-${id}`, port: 9092 })),
        clientId: this.process.name,
        limits: { requestTimeoutMs: plan.requestTimeoutMs, connectTimeoutMs: 1_000 },
        openSocket: network.socketsOf(this.process),
      },
      new AbortController().signal,
    );
    const consumer = createConsumer(
      cluster,
      {},
      {
        fetched: (chunk, facts) => kernel.fetched(chunk, facts),
        empty: (...fetch) => kernel.empty(...fetch),
        failed: (at, fence, error) => kernel.failed(at, fence, error),
      },
    );
    const asked = { kafka, loop, owner: this.process, plan };
    const kernel: Kernel = new Kernel(
      {
        consumer,
        offsets: createOffsets(cluster, APPLICATION_ID),
        group: createGroup(cluster, APPLICATION_ID),
        admin: modelAdmin(asked),
        inspector: modelInspector(asked),
        directory,
        createProducer: (transactionalId) => {
          this.processId = directory.processId;
          const { transactionTimeoutMs } = plan;
          return createProducer(cluster, {
            transactionalId,
            groupId: APPLICATION_ID,
            transactionTimeoutMs,
          });
        },
        clock: this.#clock(),
        log,
        telemetry: silentTelemetry,
        newMemberId: () => {
          this.memberId = modelMemberId(this.process.name, loop.events);
          return this.memberId;
        },
        commitEntered: (state) => {
          if (this.process.state !== "dead") this.#host.entered(this, state);
        },
        fatal: (error) => {
          if (this.process.state !== "dead") this.#host.fatal(this, error);
        },
      },
      limitsOf(plan),
    );
    this.#closers = [
      () => kernel.stop(),
      () => consumer.close(),
      () => cluster.close(),
      () => directory.close(),
    ];
    this.#kernel = kernel;
    this.application = new ModelApplication(this.#host.application, this.process, kernel);
    await kernel.start(this.application);
    for (let i = 0; i < plan.workers; i++) this.application.connect();
  }

  async #stop(): Promise<void> {
    // What is not started yet has nothing to close but its process.
    if (this.#kernel === null) return;
    for (const close of this.#closers) await close();
  }

  #clock(): Clock {
    const { loop } = this.#host;
    return {
      nowMs: sim_now,
      wallMs: sim_wall,
      after: (ms, callback) => {
        const handle = loop.after(ms, this.process, callback);
        return () => handle.cancel();
      },
    };
  }

  #log(): Log {
    const say =
      (level: string) =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void => {
        if (this.process.state === "dead") return;
        this.#host.trace(
          () => `${this.process.name} ${level}: ${message} ${JSON.stringify(fields ?? {})}`,
        );
      };
    return { debug: () => {}, info: say("info"), warn: say("warn"), error: say("error") };
  }
}

/** Often, so that a purge of too much meets a death soon after. */
const PURGE_INTERVAL_MS = 300;

function limitsOf(plan: Plan): KernelLimits {
  const { transactionTimeoutMs } = plan;
  const deadlineMs = transactionTimeoutMs * OWN_DEADLINE;
  return {
    applicationId: APPLICATION_ID,
    autoOffsetReset: "earliest",
    processingTimeoutMs: plan.processingTimeoutMs,
    appAbsenceTimeoutMs: 300_000,
    revokeTimeoutMs: plan.revokeTimeoutMs,
    shutdownTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    purgeIntervalMs: PURGE_INTERVAL_MS,
    streamTimeIdleMs: null,
    task: {
      batchRecordsMax: plan.batchRecordsMax,
      batchBytesMax: 100_000,
      plannedMax: plan.plannedMax,
      inputBytesMax: 20_000,
      maxTaskIdleMs: 0,
      uncommittedBytesMax: 100_000,
      frameBytesMax: 100_000,
      recordBytesMax: 50_000,
      applicationId: APPLICATION_ID,
      parked: { recordsMax: 10_000, bytesMax: 1_000_000 },
      failures: {
        // Failures and deaths of the model's workers are chance: no record is given up.
        defaults: {
          retryMax: 1_000,
          initialMs: 20,
          factor: 2,
          maxDelayMs: 400,
          jitter: 0.5,
          exhausted: null,
        },
        overrides: {},
        crashesMax: 1_000,
        deadLetterTopic: null,
        lettersForLate: false,
        random: sim_random,
      },
    },
    parks: plan.parking !== undefined,
    lane: {
      commit: { commitIntervalMs: plan.commitIntervalMs, stagedBytesMax: 20_000 },
      transaction: { deadlineMs, unknownMs: deadlineMs },
      transactionTimeoutMs,
      appendedAtOnce: 3,
    },
    setup: {
      replicationFactor: 3,
      missingTopicPartitions: null,
      deadLetterTopic: null,
      recordBytesMax: 1_048_576,
    },
    expected: {
      applicationId: APPLICATION_ID,
      bootstrapServers: "node-1:9092",
      principal: "User:model",
      deadLetterTopic: null,
      replicationFactor: 3,
      transactionTimeoutMs,
      recordBytesMax: 50_000,
      accepted: [],
    },
  };
}
