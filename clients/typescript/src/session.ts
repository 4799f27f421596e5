import { BatchControl, runBatch, type StageScope } from "./batch-run.ts";
import type { AskState, Question } from "./batch-state.ts";
import { type SentFrame, sendableBytes } from "./chunks.ts";
import { OutriggerClientError } from "./errors.ts";
import type { Welcome } from "./gen/outrigger/v1/processor_pb.ts";
import type { StateResponse } from "./gen/outrigger/v1/state_pb.ts";
import type { ReceivedBatch, ReceivedFrame } from "./received-batch.ts";
import { ResultFrames } from "./result-frame.ts";
import type { TopologyNode } from "./topology.ts";
import { tracingReady } from "./tracing.ts";

/** What a session asks of the stream. */
export interface SessionHost {
  send(frame: SentFrame): void;
  welcomed(welcome: Welcome): void;
  /** The sidecar refused us, or cannot be understood: for good. */
  rejected(error: OutriggerClientError): void;
  /** Nothing is in flight any more after `stop`. */
  idle(): void;
}

/** A batch that this worker holds, and what becomes of it: an answer, or one of the other two. */
interface Held {
  readonly batch: ReceivedBatch;
  readonly control: BatchControl;
  fate: "answer" | "handBack" | "nothing";
}

interface OpenQuestion {
  readonly held: Held;
  readonly answered: (answer: StateResponse) => void;
  readonly failed: (error: Error) => void;
}

/** What a result takes besides its columns. */
const RESULT_OVERHEAD_BYTES = 64 * 1024;

/**
 * One stream's worth of protocol, without IO: frames in, frames out. Batches of a task run in the
 * order in which they came, those of several tasks beside each other where handlers wait, and one at most is
 * begun in a turn of the event loop.
 *
 *   greeting ──Welcome──▶ serving ──stop──▶ stopping ──last record──▶ idle;  any ──Reject──▶ rejected
 */
export class Session {
  readonly #nodes: ReadonlyMap<string, TopologyNode>;
  readonly #host: SessionHost;
  #welcome: Welcome | null = null;
  #state: "open" | "stopping" | "closed" = "open";
  /** What this worker holds, by task, oldest first; the first is under way. */
  readonly #tasks = new Map<string, Held[]>();
  /** Those of them that wait for their turn, one of each task at most. */
  readonly #ready: Held[] = [];
  readonly #questions = new Map<number, OpenQuestion>();
  #nextQuestion = 1;
  readonly #frames = new ResultFrames();
  /** By stage. */
  readonly #scopes = new Map<number, StageScope>();

  constructor(nodes: ReadonlyMap<string, TopologyNode>, host: SessionHost) {
    this.#nodes = nodes;
    this.#host = host;
  }

  received(frame: ReceivedFrame): void {
    if (this.#state === "closed") return;
    switch (frame.case) {
      case "welcome":
        this.#welcome = frame.value;
        this.#host.welcomed(frame.value);
        return;
      case "reject":
        this.#host.rejected(new OutriggerClientError(frame.value.code, frame.value.message));
        return;
      case "batch":
        this.#take(frame.value);
        return;
      case "stateResponse":
        this.#answered(frame.value);
        return;
      case "revoked":
        this.#revoke(frame.value.taskId, frame.value.taskEpoch);
        return;
      // Results are still taken; the stream ends when the sidecar is done.
      case "drain":
      case "chunk":
      case undefined:
        return;
    }
  }

  /**
   * Finishes the records being worked on, then hands every batch back: a batch is answered as a whole
   * or not at all, and whoever gets it next starts from the same state.
   */
  stop(): void {
    if (this.#state !== "open") return;
    this.#state = "stopping";
    // Before the welcome nothing but the hello may be said (P-08), and nothing is held.
    if (this.#welcome !== null) this.#send({ case: "credit", value: { batches: 0 } });
    for (const list of this.#tasks.values()) {
      for (const [index, held] of list.entries()) {
        held.control.isStopped = true;
        held.fate = "handBack";
        if (index > 0) this.#settle(held);
      }
      list.length = Math.min(list.length, 1);
    }
    this.#tellIdle();
  }

  /** The stream is gone: what it carried is worth nothing here any more. */
  close(): void {
    this.#state = "closed";
    for (const list of this.#tasks.values()) for (const held of list) forget(held);
    this.#tasks.clear();
    this.#ready.length = 0;
    for (const { failed } of this.#questions.values()) failed(new Error("the sidecar went away"));
    this.#questions.clear();
  }

  #take(batch: ReceivedBatch): void {
    const held: Held = { batch, control: new BatchControl(), fate: "answer" };
    if (this.#state === "stopping") {
      held.fate = "handBack";
      this.#settle(held);
      return;
    }
    const list = this.#tasks.get(batch.taskId) ?? [];
    this.#tasks.set(batch.taskId, list);
    list.push(held);
    if (list.length === 1) this.#getReady(held);
  }

  #getReady(held: Held): void {
    this.#ready.push(held);
    if (this.#ready.length === 1) setImmediate(this.#turn);
  }

  /**
   * Begins one batch for each turn of the event loop: between two of them the stream is read, so that the
   * sidecar may go on sending, and what is revoked is known; and the result of the first leaves. One that is
   * not wanted any more when its turn comes ends before its first record, as it would at any later one.
   */
  readonly #turn = (): void => {
    const held = this.#ready.shift();
    if (this.#ready.length > 0) setImmediate(this.#turn);
    if (held !== undefined) this.#work(held);
  };

  #work(held: Held): void {
    this.#run(held).then(
      () => this.#finished(held),
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#host.rejected(new OutriggerClientError("PROTOCOL_VIOLATION", message));
      },
    );
  }

  async #run(held: Held): Promise<void> {
    const tracing = tracingReady();
    if (tracing !== null) await tracing;
    const ask: AskState = (question) => this.#ask(held, question);
    const frame = this.#frames.take();
    const sent = (): void => frame.release();
    const { batch, control } = held;
    const message = await runBatch(this.#scope(batch.stage), batch, frame, ask, control);
    if (message !== null && held.fate === "answer") this.#send({ case: "result", message, sent });
    else {
      frame.release();
      this.#settle(held);
    }
  }

  #finished(held: Held): void {
    const list = this.#tasks.get(held.batch.taskId);
    if (list?.[0] !== held) return;
    list.shift();
    const [next] = list;
    if (next !== undefined) this.#getReady(next);
    else this.#tasks.delete(held.batch.taskId);
    if (this.#state === "stopping") this.#tellIdle();
  }

  #tellIdle(): void {
    for (const list of this.#tasks.values()) if (list.length > 0) return;
    this.#host.idle();
  }

  #scope(index: number): StageScope {
    const known = this.#scopes.get(index);
    if (known !== undefined) return known;
    const welcome = this.#welcome;
    const stage = welcome?.stages[index];
    if (welcome === null || stage === undefined) {
      throw new Error(`the sidecar sent a batch of stage ${index}, which it never announced`);
    }
    const { sources, applicationId } = welcome;
    const timerSources = new Map(welcome.timerSources.map(({ source, node }) => [source, node]));
    const resultBytesMax = sendableBytes(welcome) - RESULT_OVERHEAD_BYTES;
    const named = { stage, sources, timerSources, applicationId };
    const scope = { nodes: this.#nodes, ...named, resultBytesMax };
    this.#scopes.set(index, scope);
    return scope;
  }

  #ask(held: Held, question: Question): Promise<StateResponse> {
    const requestId = this.#nextQuestion++;
    const { dispatchId, taskEpoch, taskId } = held.batch;
    const value = { requestId, dispatchId, taskEpoch, taskId, ...question };
    return new Promise((answered, failed) => {
      if (held.control.isAborted) return failed(new Error("the batch was taken away"));
      // Throws, and so fails the record, where what was written so far is more than the sidecar takes.
      this.#host.send({ case: "stateRequest", value });
      this.#questions.set(requestId, { held, answered, failed });
    });
  }

  #answered(answer: StateResponse): void {
    const question = this.#questions.get(answer.requestId);
    if (question === undefined) return;
    this.#questions.delete(answer.requestId);
    if (answer.error === "") {
      question.answered(answer);
      return;
    }
    // Not the record's fault, so no failure: whoever holds the task now starts the batch anew.
    const { held, failed } = question;
    if (held.fate === "answer") held.fate = "handBack";
    held.control.isStopped = true;
    failed(new Error(answer.error));
  }

  #revoke(taskId: string, taskEpoch: number): void {
    const list = this.#tasks.get(taskId) ?? [];
    const [current] = list;
    const isRevoked = ({ batch }: Held): boolean => batch.taskEpoch === taskEpoch;
    for (const held of list) if (isRevoked(held)) forget(held);
    for (const [id, { held, failed }] of this.#questions) {
      if (held.fate !== "nothing") continue;
      this.#questions.delete(id);
      failed(new Error("the batch was taken away"));
    }
    const kept = list.filter((held) => held === current || !isRevoked(held));
    if (kept.length > 0) this.#tasks.set(taskId, kept);
  }

  /** What becomes of a batch that is not answered. */
  #settle({ batch, fate }: Held): void {
    if (fate === "nothing") return;
    const { dispatchId, taskEpoch, taskId } = batch;
    this.#send({ case: "handBack", value: { dispatchId, taskEpoch, taskId } });
  }

  #send(frame: SentFrame): void {
    if (this.#state !== "closed") this.#host.send(frame);
  }
}

/** Nobody waits for the batch any more. */
function forget(held: Held): void {
  held.fate = "nothing";
  held.control.abort();
}
