import type { OutriggerError } from "../../src/errors/outrigger-error.ts";
import type { DeclaredTopology } from "../../src/model/topology.ts";
import type {
  Application,
  ApplicationListener,
  BatchAnswer,
  DispatchedBatch,
  WorkerId,
} from "../../src/ports/application.ts";
import { AnswerBuilder } from "./answer-builder.ts";
import { type Loop, Process } from "./loop.ts";
import type { Random } from "./random.ts";
import { isTimed, timedRow } from "./timed-code.ts";
import {
  APPLICATION_ID,
  appended,
  groupOf,
  splitInto,
  TOPOLOGIES,
  type TopologyName,
  withHook,
} from "./topologies.ts";

/** How badly the workers behave, each a chance per batch. */
export interface Manners {
  readonly duplicate: number;
  readonly failure: number;
  readonly invalid: number;
  readonly handBack: number;
  readonly hang: number;
  readonly crash: number;
  /** Answers after it was told that the batch is void, or that it is dismissed. */
  readonly stale: number;
  readonly slowMs: number;
}

export interface ApplicationHost {
  readonly loop: Loop;
  readonly random: Random;
  readonly topology: TopologyName;
  /** Whether the application asks a hook for each record. */
  readonly hooks: boolean;
  /** A hook has run for this request, whatever becomes of its answer. */
  readonly ran: (partition: number, offset: number, value: string) => void;
  readonly manners: () => Manners;
  /** Whether the code cannot take this record, and parks it. */
  readonly isBad: (value: string) => boolean;
  readonly nextTag: () => string;
  /** Told of a start that the checks before it forbid. */
  readonly refused: (sidecar: Process, error: OutriggerError) => void;
  readonly nextWorker: () => WorkerId;
  readonly trace: (line: () => string) => void;
}

interface Worker {
  readonly id: WorkerId;
  readonly process: Process;
}

const RECONNECT_MS = 400;

/**
 * The workers of one sidecar, in the place of the server: batches reach them, and answers come back,
 * as events of their own. They answer in any order, twice, late, wrongly, or never.
 */
export class ModelApplication implements Application {
  readonly #host: ApplicationHost;
  readonly #sidecar: Process;
  readonly #listener: ApplicationListener;
  readonly #workers = new Map<WorkerId, Worker>();

  constructor(host: ApplicationHost, sidecar: Process, listener: ApplicationListener) {
    this.#host = host;
    this.#sidecar = sidecar;
    this.#listener = listener;
  }

  connect(): void {
    const id = this.#host.nextWorker();
    this.#workers.set(id, { id, process: new Process(`worker ${id}`) });
    this.#tell(() =>
      this.#listener.connected(id, {
        topology: this.#topology(),
        applicationId: APPLICATION_ID,
        sdk: "model",
        creditBatches: 4,
        creditBytes: 1_000_000,
      }),
    );
  }

  #topology(): DeclaredTopology {
    const { topology, hooks } = this.#host;
    return hooks ? withHook(TOPOLOGIES[topology]) : TOPOLOGIES[topology];
  }

  welcome(): void {}

  reject(id: WorkerId, error: OutriggerError): void {
    this.#host.trace(() => `${this.#sidecar.name} rejects worker ${id}: ${error.message}`);
    // A worker that gave no answer in time is dismissed; any other reason is the cluster's.
    if (error.code !== "HANDLER_FAILED") this.#host.refused(this.#sidecar, error);
    this.#leave(id, true);
  }

  disconnect(id: WorkerId): void {
    this.#leave(id, true);
  }

  dispatch(id: WorkerId, batch: DispatchedBatch): number {
    const worker = this.#workers.get(id);
    const { loop, random } = this.#host;
    if (worker === undefined || this.#sidecar.state === "dead") return 100;
    const manners = this.#host.manners();
    const delayMs =
      random.skewed(0.1, 5) + (random.chance(0.2) ? random.next() * manners.slowMs : 0);
    loop.after(delayMs, worker.process, () => this.#work(worker, batch, manners));
    return 100;
  }

  revoke(): void {}
  answerState(): void {}
  drain(): void {}
  setServing(): void {}
  async close(): Promise<void> {}

  /** A worker dies: what it held goes to others, and it comes again as another. */
  crashOne(): void {
    const [id] = this.#workers.keys();
    if (id !== undefined) this.#crash(id);
  }

  #work(worker: Worker, batch: DispatchedBatch, manners: Manners): void {
    const { random } = this.#host;
    if (random.chance(manners.hang)) return;
    if (random.chance(manners.crash)) {
      this.#crash(worker.id);
      return;
    }
    if (random.chance(manners.handBack)) {
      const { taskName, taskEpoch, dispatchId } = batch;
      const name = { taskName, taskEpoch, dispatchId };
      this.#tell(() => this.#listener.handedBack(worker.id, name));
      return;
    }
    const answer = this.#answer(batch, manners);
    this.#tell(() => this.#listener.answered(worker.id, answer));
    if (random.chance(manners.duplicate)) {
      const again = random.chance(0.5) ? answer : this.#answer(batch, manners);
      this.#tell(() => this.#listener.answered(worker.id, again), random.skewed(1, 400));
    }
  }

  #answer(batch: DispatchedBatch, manners: Manners): BatchAnswer {
    const { random } = this.#host;
    const rows = batch.rows.reduce((sum, { from, to }) => sum + to - from, 0);
    const failsAt = random.chance(manners.failure) ? random.int(0, rows - 1) : null;
    const answer = answerOf(batch, this.#host, failsAt);
    if (!random.chance(manners.invalid)) return answer;
    return { ...answer, done: answer.done + 1 };
  }

  #crash(id: WorkerId): void {
    this.#host.trace(() => `worker ${id} dies`);
    const worker = this.#workers.get(id);
    const isStale = this.#host.random.chance(this.#host.manners().stale);
    // What it had said may still arrive after its end was noticed.
    if (!isStale) worker?.process.kill();
    this.#leave(id, true);
    this.#tell(() => this.#listener.disconnected(id, "died"));
  }

  #leave(id: WorkerId, comesBack: boolean): void {
    if (!this.#workers.delete(id) || !comesBack) return;
    const { loop, random } = this.#host;
    loop.after(random.skewed(1, RECONNECT_MS), this.#sidecar, () => this.connect());
  }

  #tell(tell: () => void, extraMs = 0): void {
    const { loop, random } = this.#host;
    loop.after(extraMs + random.skewed(0.05, 3), this.#sidecar, tell);
  }
}

/** What the code of a topology makes of a batch, up to the row that fails. */
function answerOf(
  batch: DispatchedBatch,
  { topology, isBad, nextTag, hooks, ran }: ApplicationHost,
  failsAt: number | null,
): BatchAnswer {
  const tag = nextTag();
  const answer = new AnswerBuilder(batch);
  const isSecond = (topology === "relay" || topology === "hops") && batch.stage === 1;
  const isSplit = (topology === "relay" || topology === "hops") && batch.stage === 0;
  const isHook = batch.stage > 0 && !isSecond;
  let row = 0;
  let failure: BatchAnswer["failure"] = null;
  for (const { source, columns, partition, from, to } of batch.rows) {
    for (let index = from; index < to && failure === null; index++, row++) {
      const value = columns.value(index);
      const bad = !isHook && isBad(value?.toString("latin1") ?? "");
      if (row === failsAt || bad) {
        const kind = bad ? "park" : "policy";
        const said = { type: "ModelError", message: `row ${row}`, stack: "", node: "" };
        failure = { ...said, verdict: { kind } };
        break;
      }
      const key = columns.key(index)?.toString("latin1") ?? "";
      if (isTimed(topology))
        timedRow(answer, { row, index, source, partition, columns }, topology, tag);
      else if (isHook)
        ran(partition, columns.offsets[index] ?? -1, value?.toString("latin1") ?? "");
      else if (isSplit) {
        const text = value?.toString("latin1") ?? "";
        for (let i = 0; i < splitInto(text); i++) answer.output(row, key, `${text}~${tag}`);
      } else if (topology === "hops") {
        const next = appended(answer.stateOf(row), `${value?.readBigInt64BE(0) ?? -1}`, tag);
        answer.set(row, next);
        answer.output(row, key, next ?? "");
      } else if (topology === "list") {
        const next = appended(answer.stateOf(row), value?.toString("latin1") ?? "", tag);
        answer.set(row, next);
        if (hooks) answer.output(row, key, `${value?.toString("latin1") ?? ""}~${tag}`, 1);
        answer.output(row, key, next ?? `${value?.toString("latin1") ?? ""}~${tag}`);
      } else if (topology === "regroup") {
        const text = value?.toString("latin1") ?? "";
        answer.output(row, groupOf(text), `${text}~${tag}`);
      } else if (topology === "countMap" || topology === "relay") {
        answer.output(row, key, `${value?.readBigInt64BE(0) ?? -1}~${tag}`);
      } else {
        answer.output(row, key, `${value?.toString("latin1") ?? ""}~${tag}`);
      }
    }
  }
  return answer.finish(row, failure);
}
