import { changelogsOf, controlsOf, hookTopicsOf } from "../../../src/checks/expected.ts";
import type { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { FailurePolicy } from "../../../src/model/failure.ts";
import type { DeclaredNode, Feed, Program, Programs, Stage } from "../../../src/model/topology.ts";
import type { Admin } from "../../../src/ports/admin.ts";
import type { Inspector } from "../../../src/ports/inspector.ts";
import type { Log } from "../../../src/ports/log.ts";
import { Active } from "../../../src/runtime/active.ts";
import type { KernelLimits, KernelParts } from "../../../src/runtime/parts.ts";
import { silentTelemetry } from "../../../src/telemetry/silent.ts";
import { queuesOf } from "../../../src/topology/internal-topics.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { type Handler, ScriptedApplication } from "./scripted-application.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { World } from "./world.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const noAdmin: Admin = {
  topicNames: async () => [],
  describeTopics: async () => new Map(),
  createTopics: async () => {},
  refusals: async () => new Map(),
  deleteRecords: async () => {},
};

const noInspector: Inspector = {
  inspect: () => Promise.reject(new Error("a world has no cluster to look at")),
};

export const testLimits: KernelLimits = {
  applicationId: "app",
  autoOffsetReset: "earliest",
  purgeIntervalMs: 30_000,
  streamTimeIdleMs: null,
  processingTimeoutMs: 60_000,
  appAbsenceTimeoutMs: 300_000,
  revokeTimeoutMs: 5_000,
  shutdownTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  task: {
    batchRecordsMax: 3,
    batchBytesMax: 1_000_000,
    plannedMax: 4,
    inputBytesMax: 1_000_000,
    maxTaskIdleMs: 0,
    uncommittedBytesMax: 1_000_000,
    frameBytesMax: 1_000_000,
    recordBytesMax: 1_000,
    applicationId: "app",
    parked: { recordsMax: 5, bytesMax: 10_000 },
    failures: {
      defaults: {
        retryMax: 3,
        initialMs: 100,
        factor: 2,
        maxDelayMs: 1_000,
        jitter: 0.5,
        exhausted: null,
      },
      overrides: {},
      crashesMax: 3,
      deadLetterTopic: null,
      lettersForLate: false,
      random: () => 0,
    },
  },
  parks: false,
  lane: {
    commit: { commitIntervalMs: 100, stagedBytesMax: 100_000 },
    transaction: { deadlineMs: 6_000, unknownMs: 1_000 },
    transactionTimeoutMs: 10_000,
    appendedAtOnce: 5,
  },
  setup: {
    replicationFactor: 1,
    missingTopicPartitions: null,
    deadLetterTopic: null,
    recordBytesMax: 1_048_576,
  },
  expected: {
    applicationId: "app",
    bootstrapServers: "a:1",
    principal: "User:a",
    deadLetterTopic: null,
    replicationFactor: 1,
    transactionTimeoutMs: 10_000,
    recordBytesMax: 1_000,
    accepted: [],
  },
};

export const fromSource: Feed = { from: "source", source: 0 };

/** Of code that writes `out`. */
export const handlerStage: Stage = {
  index: 0,
  entries: ["handler"],
  stores: [],
  exits: [{ kind: "topic", node: "sink", topic: "out", isHook: false }],
};

/** A program that hands every record of `in` to the handler and writes `out`. */
export const copyProgram: Program = {
  subtopology: 0,
  frame: { source: 0, stage: 0 },
  sources: ["in"],
  sourceNodes: [{ topics: ["in"] }],
  steps: [{ kind: "stage", feeds: [fromSource], stage: handlerStage }],
  oneByOne: false,
  parking: null,
  hook: null,
  stores: [],
};

/** The same with a key-value store. */
export const statefulProgram: Program = {
  ...copyProgram,
  steps: [
    {
      kind: "stage",
      feeds: [fromSource],
      stage: { ...handlerStage, stores: [{ store: 0, windows: null }] },
    },
  ],
  stores: [{ name: "state", kind: "keyValue", changelogTopic: "app-state-changelog" }],
};

/** A built-in count before the handler: what it counted runs ahead of the hop. */
export const countingProgram: Program = {
  ...copyProgram,
  steps: [
    {
      kind: "operator",
      feeds: [fromSource],
      operator: { kind: "count", node: "count", store: 0, windows: null, takes: "valued" },
    },
    { kind: "stage", feeds: [{ from: "step", step: 0, exit: 0 }], stage: handlerStage },
  ],
  stores: [{ name: "counts", kind: "keyValue", changelogTopic: "app-counts-changelog" }],
};

/** A running kernel over a world: what a test starts, breaks and looks at. */
export class KernelWorld {
  readonly world: World;
  readonly clock = new VirtualClock();
  readonly directory: MemoryDirectory;
  readonly application: ScriptedApplication;
  readonly active: Active;
  readonly fatal: OutriggerError[] = [];

  private constructor(active: (self: KernelWorld) => Active, parts: Parts) {
    this.world = parts.world;
    this.directory = parts.directory;
    this.application = parts.application;
    this.active = active(this);
  }

  static async start(
    program: Program | Programs,
    handler: Handler,
    before?: { world: World; directory: MemoryDirectory },
    limits: KernelLimits = testLimits,
  ): Promise<KernelWorld> {
    const programs: Programs = "sources" in program ? [program] : program;
    const world = before?.world ?? new World();
    const directory = before?.directory ?? new MemoryDirectory();
    const application = new ScriptedApplication(handler);
    const self = new KernelWorld((made) => makeActive(programs, made, limits), {
      world,
      directory,
      application,
    });
    const { active } = self;
    world.assignment = programs[0].sources.map((topic) => ({ topic, partition: 0 }));
    world.listen({
      fetched: (chunk, facts) => active.fetched(chunk, facts),
      empty: (...fetch) => active.empty(...fetch),
      failed: (at, fence, error) => active.readFailed(at, fence, error),
    });
    application.listen({
      connected: () => {},
      disconnected: () => {},
      answered: (worker, answer) => active.answered(worker, answer),
      handedBack: (worker, batch) => active.handedBack(worker, batch),
      asked: (worker, question) => active.asked(worker, question),
      credited: () => {},
    });
    await active.prepare();
    active.start();
    self.connect(1);
    return self;
  }

  connect(worker: number, policy?: Partial<FailurePolicy>): void {
    const topology = { nodes: policy === undefined ? [] : [handlerWith(policy)], stores: [] };
    const hello = { topology, applicationId: "app", sdk: "test" };
    this.active.workerCame(worker, { ...hello, creditBatches: 4, creditBytes: 1_000_000 });
  }

  /** What a reader of committed records sees of the output, as `key=value`. */
  outputs(): string[] {
    return this.world
      .log({ topic: "out", partition: 0 })
      .map(({ key, value }) => `${key}=${value}`);
  }

  input(...values: string[]): void {
    const records = values.map((text) => {
      const [key = "", value = ""] = text.split("=");
      return { key, value, timestamp: 1_000 };
    });
    this.world.append({ topic: "in", partition: 0 }, ...records);
  }
}

function handlerWith(failurePolicy: Partial<FailurePolicy>): DeclaredNode {
  const kind = { kind: "function", operation: "process", stores: [] } as const;
  return { name: "handler", parents: [], ...kind, failurePolicy };
}

interface Parts {
  readonly world: World;
  readonly directory: MemoryDirectory;
  readonly application: ScriptedApplication;
}

/** The parts of a kernel in this world. */
export function kernelParts(
  { world, directory, clock, fatal }: KernelWorld,
  over: Partial<KernelParts> = {},
): KernelParts {
  return {
    consumer: world.consumer,
    offsets: world.offsets,
    group: world.group,
    admin: noAdmin,
    inspector: noInspector,
    directory,
    createProducer: () => world.createProducer(),
    clock,
    log: silent,
    telemetry: silentTelemetry,
    newMemberId: () => "member-1",
    commitEntered: () => {},
    fatal: (error) => fatal.push(error),
    ...over,
  };
}

function makeActive(programs: Programs, self: KernelWorld, limits: KernelLimits): Active {
  const facts = { topicId: "t1", deleteRetentionMs: 86_400_000 };
  const internal = [...changelogsOf(programs), ...controlsOf(programs)];
  const prepared = {
    counts: new Map(programs.map(({ subtopology }) => [subtopology, 1])),
    changelogs: new Map(internal.map((topic) => [topic, facts])),
    outputs: ["out", ...programs.flatMap(queuesOf)],
    messageBytesMax: new Map([["out", 500]]),
    // Fewer than the input has, which has grown.
    hookPartitions: new Map(hookTopicsOf(programs).map((topic) => [topic, 2])),
  };
  return new Active(programs, prepared, kernelParts(self), self.application, limits);
}
