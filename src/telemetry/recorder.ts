import type { RowRange } from "../model/rows.ts";
import type { FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { Status } from "../ports/status.ts";
import type {
  BatchTrace,
  CommitFacts,
  CommitTrace,
  SettledRecords,
  TakeoverTrace,
  TaskLabel,
  Telemetry,
} from "../ports/telemetry.ts";
import { unreadyReasons } from "./readiness.ts";
import { Recent } from "./recent.ts";
import type { Observe, Registry } from "./registry.ts";
import type { Tracing } from "./tracing.ts";

/** States of the transaction machine by the names of their phases; the others are no work. */
const PHASES: Readonly<Record<string, string>> = {
  initializing: "init",
  producing: "produce",
  refreshing: "refresh",
  sendingOffsets: "send_offsets",
  ending: "end",
  aborting: "abort",
  resolving: "resolve",
  applying: "apply",
};

/** Phases by Kafka's names of what its producer times. */
const TXN_OPERATIONS: Readonly<Record<string, string>> = {
  init: "init",
  send_offsets: "send_offsets",
  end: "commit",
  abort: "abort",
};

const SYSTEM = "kafka";
const TASK_STATES = ["restoring", "claiming", "running", "ending", "stopped"] as const;

export interface RecorderParts {
  readonly registry: Registry;
  /** null: tracing is off. */
  readonly tracing: Tracing | null;
  readonly status: () => Status;
  /** `metrics.kafka.streams.names`. */
  readonly allKafkaNames: boolean;
}

/** Counts what the runtime tells, and has it traced. */
export class Recorder implements Telemetry {
  readonly #registry: Registry;
  readonly #tracing: Tracing | null;
  readonly #status: () => Status;
  readonly #allKafkaNames: boolean;
  readonly #commitMs = new Recent();
  readonly #processMs = new Recent();
  readonly #ageMs = new Recent();

  constructor({ registry, tracing, status, allKafkaNames }: RecorderParts) {
    this.#registry = registry;
    this.#tracing = tracing;
    this.#status = status;
    this.#allKafkaNames = allKafkaNames;
    registry.observe((observe) => this.#observe(observe));
  }

  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    const { topic, columns } = chunk;
    const ms = performance.now() - facts.requestedAtMs;
    this.#registry.add("consumed", columns.count, SYSTEM, "poll", topic);
    this.#registry.record("operationDuration", ms, SYSTEM, "poll", topic);
    this.#tracing?.fetched(chunk, facts);
  }

  planned(task: TaskLabel, topic: string, input: RowRange): BatchTrace | null {
    return this.#tracing?.planned(task, topic, input) ?? null;
  }

  answered(topic: string, ms: number): void {
    this.#registry.record("processDuration", ms, SYSTEM, "process", topic);
    this.#processMs.record(ms, performance.now());
  }

  answerDropped(kind: "stale" | "duplicate"): void {
    this.#registry.add(kind === "stale" ? "staleAnswers" : "duplicateAnswers", 1);
  }

  recordFailed(): void {
    this.#registry.add("failures", 1);
  }

  taskFailed(code: string): void {
    this.#registry.add("taskFailed", 1, code);
  }

  storeEmptied(): void {
    this.#registry.add("storesEmptied", 1);
  }

  commitStarted(facts: CommitFacts): CommitTrace | null {
    return this.#tracing?.commitStarted(facts) ?? null;
  }

  phaseEnded(state: string, ms: number): void {
    const phase = PHASES[state];
    if (phase !== undefined) this.#registry.record("phaseDuration", ms, phase);
    if (state === "producing") this.#registry.record("operationDuration", ms, SYSTEM, "send", "");
  }

  committed(ms: number, sent: ReadonlyMap<string, number>, settled: SettledRecords): void {
    const registry = this.#registry;
    registry.add("commits", 1, "committed");
    registry.record("commitDuration", ms);
    registry.record("operationDuration", ms, SYSTEM, "commit", "");
    registry.add("processed", settled.records);
    registry.add("dropped", settled.dropped);
    registry.add("skipped", settled.skipped);
    registry.add("deadLettered", settled.deadLettered);
    registry.add("parked", settled.parked);
    registry.add("released", settled.released);
    for (const [topic, count] of sent) registry.add("sent", count, SYSTEM, "send", topic);
    this.#commitMs.record(ms, performance.now());
  }

  age(topic: string, ms: number): void {
    this.#registry.record("age", ms, topic);
    this.#ageMs.record(ms, performance.now());
  }

  aborted(cause: string): void {
    this.#registry.add("commits", 1, "aborted");
    this.#registry.add("aborted", 1, cause);
  }

  unresolved(): void {
    this.#registry.add("commits", 1, "unknown");
  }

  producerError(error: string, kind: "retriable" | "abortable" | "fenced" | "fatal"): void {
    this.#registry.add("producerErrors", 1, error, kind);
    if (kind === "fenced") this.#registry.add("fenced", 1);
  }

  takeover(task: TaskLabel): TakeoverTrace | null {
    return this.#tracing?.takeover(task) ?? null;
  }

  #observe(observe: Observe): void {
    const status = this.#status();
    const nowMs = performance.now();
    observe("eosEnabled", 1);
    observe("ready", unreadyReasons(status, nowMs).length === 0 ? 1 : 0);
    observe("workers", status.workers);
    observe("memory", process.memoryUsage.rss());
    for (const state of TASK_STATES) {
      observe("tasks", status.tasks.filter(({ phase }) => phase === state).length, state);
    }
    for (const task of status.tasks) {
      const { name, restoring, lags } = task;
      observe("restoreRemaining", restoring?.remaining ?? 0, name);
      observe("uncommittedBytes", task.uncommittedBytes, name);
      observe("inputBytes", task.inputBytes, name);
      observe("parkedRecords", task.parkedRecords, name);
      observe("inFlight", task.batchesInFlight, name);
      for (const { node, records, bytes } of task.heldBack) {
        observe("heldRecords", records, name, node);
        observe("heldBytes", bytes, name, node);
      }
      for (const { topic, partition, lag, endLag } of lags) {
        observe("lag", lag, topic, String(partition));
        observe("endLag", endLag, topic, String(partition));
      }
    }
    this.#observeKafkaNames(observe, nowMs);
    if (this.#allKafkaNames) this.#observeMoreKafkaNames(observe, status, nowMs);
  }

  #observeKafkaNames(observe: Observe, nowMs: number): void {
    const commit = this.#commitMs.read(nowMs);
    observe("ksCommitAvg", commit.avg);
    observe("ksCommitMax", commit.max);
    observe("ksEos", 1);
    observe("ksFailed", this.#registry.total("taskFailed"));
    observe("ksProducerErrors", this.#registry.total("producerErrors"));
  }

  #observeMoreKafkaNames(observe: Observe, status: Status, nowMs: number): void {
    const registry = this.#registry;
    const process = this.#processMs.read(nowMs);
    const age = this.#ageMs.read(nowMs);
    observe("ksProcessAvg", process.avg);
    observe("ksProcessMax", process.max);
    observe("ksE2eAvg", age.avg);
    observe("ksE2eMax", age.max);
    observe("ksProcessed", registry.total("processed"));
    observe("ksDropped", registry.total("dropped"));
    const committed = registry.counted("commits").find(({ values }) => values[0] === "committed");
    observe("ksCommits", committed?.value ?? 0);
    for (const { values, value } of registry.counted("consumed")) {
      observe("ksConsumed", value, values.at(-1) ?? "");
    }
    for (const { values, sum } of registry.histograms("phaseDuration")) {
      const operation = TXN_OPERATIONS[values[0] ?? ""];
      if (operation !== undefined) observe("ksTxnTime", Math.round(sum * 1e9), operation);
    }
    for (const { name, restoring, inputBytes, heldBack, lags } of status.tasks) {
      observe("ksRestoreRemaining", restoring?.remaining ?? 0, name);
      observe("ksInputBuffer", inputBytes, name);
      for (const { node, records, bytes } of heldBack) {
        observe("ksHeldRecords", records, name, node);
        observe("ksHeldBytes", bytes, name, node);
      }
      for (const { topic, partition, lag } of lags) observe("ksLag", lag, topic, String(partition));
    }
  }
}
