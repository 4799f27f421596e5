import { create } from "@bufbuild/protobuf";
import { runBatch, type StageScope } from "./batch-run.ts";
import { OutriggerClientError } from "./errors.ts";
import {
  type Batch,
  type ProcessRequest,
  ProcessRequestSchema,
  type ProcessResponse,
  type Welcome,
} from "./gen/outrigger/v1/processor_pb.ts";
import type { TopologyNode } from "./topology.ts";

type RequestFrame = ProcessRequest["frame"];

/** What a session asks of the stream. */
export interface SessionHost {
  send(frame: ProcessRequest): void;
  welcomed(welcome: Welcome): void;
  /** The sidecar refused us, for good. */
  rejected(error: OutriggerClientError): void;
  /** Nothing is in flight any more after `stop`. */
  idle(): void;
}

interface Held {
  readonly batch: Batch;
  readonly abort: AbortController;
}

/**
 * One stream's worth of protocol, without IO: frames in, frames out. Batches of a task run in the
 * order in which they came, those of several tasks beside each other where handlers wait.
 *
 *   greeting ──Welcome──▶ serving ──stop──▶ stopping ──last batch──▶ over;  any ──Reject──▶ over
 */
export class Session {
  readonly #nodes: ReadonlyMap<string, TopologyNode>;
  readonly #host: SessionHost;
  #welcome: Welcome | null = null;
  #stopping = false;
  #closed = false;
  /** What this worker holds, by task, oldest first. */
  readonly #tasks = new Map<string, Held[]>();
  readonly #questions = new Map<number, (answer: Uint8Array | null | Error) => void>();
  #nextQuestion = 1;

  constructor(nodes: ReadonlyMap<string, TopologyNode>, host: SessionHost) {
    this.#nodes = nodes;
    this.#host = host;
  }

  received({ frame }: ProcessResponse): void {
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
      case "stateResponse": {
        const { requestId, values, absent, error } = frame.value;
        const answer = absent.includes(0) ? null : (values[0] ?? null);
        this.#questions.get(requestId)?.(error === "" ? answer : new Error(error));
        this.#questions.delete(requestId);
        return;
      }
      case "revoked":
        this.#revoke(frame.value.taskId, frame.value.taskEpoch);
        return;
      // Results are still taken; the stream ends when the sidecar is done.
      case "drain":
      case undefined:
        return;
    }
  }

  /** Finishes the record being worked on, hands the rest back. */
  stop(): void {
    this.#stopping = true;
    for (const held of this.#tasks.values()) {
      for (const { batch, abort } of held) {
        abort.abort();
        this.#handBack(batch);
      }
    }
    this.#tasks.clear();
    this.#host.idle();
  }

  /** The stream is gone: what it carried is worth nothing here any more. */
  close(): void {
    this.#closed = true;
    for (const held of this.#tasks.values()) for (const { abort } of held) abort.abort();
    this.#tasks.clear();
    for (const answer of this.#questions.values()) answer(new Error("the sidecar went away"));
    this.#questions.clear();
  }

  #take(batch: Batch): void {
    if (this.#stopping) {
      this.#handBack(batch);
      return;
    }
    const held = this.#tasks.get(batch.taskId) ?? [];
    this.#tasks.set(batch.taskId, held);
    held.push({ batch, abort: new AbortController() });
    if (held.length === 1) this.#work(batch.taskId);
  }

  #work(taskId: string): void {
    const held = this.#tasks.get(taskId)?.[0];
    if (held === undefined) return;
    const { batch, abort } = held;
    const ask = (store: number, key: Uint8Array): Promise<Uint8Array | null> =>
      this.#ask(batch, store, key);
    runBatch(this.#scope(batch), batch, ask, abort.signal).then(
      (result) => {
        if (result !== null && !abort.signal.aborted) {
          this.#send({ case: "result", value: result });
        }
        this.#finished(taskId, held);
      },
      (error: unknown) => {
        throw error;
      },
    );
  }

  #finished(taskId: string, held: Held): void {
    const list = this.#tasks.get(taskId);
    if (list?.[0] !== held) return;
    list.shift();
    this.#work(taskId);
  }

  #scope(batch: Batch): StageScope {
    const welcome = this.#welcome;
    const stage = welcome?.stages[batch.stage];
    if (welcome == null || stage === undefined) {
      throw new Error(
        `the sidecar sent a batch of stage ${batch.stage}, which it did not announce`,
      );
    }
    const { sources, applicationId } = welcome;
    return { nodes: this.#nodes, stage, sources, applicationId };
  }

  #ask(batch: Batch, store: number, key: Uint8Array): Promise<Uint8Array | null> {
    const requestId = this.#nextQuestion++;
    const { dispatchId, taskEpoch, taskId } = batch;
    const value = { requestId, dispatchId, taskEpoch, taskId, store, keys: [key] };
    return new Promise((resolve, reject) => {
      this.#questions.set(requestId, (answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      this.#host.send(create(ProcessRequestSchema, { frame: { case: "stateRequest", value } }));
    });
  }

  #revoke(taskId: string, taskEpoch: number): void {
    const held = this.#tasks.get(taskId) ?? [];
    const [current] = held;
    for (const { batch, abort } of held) if (batch.taskEpoch === taskEpoch) abort.abort();
    const kept = held.filter((each) => each === current || each.batch.taskEpoch !== taskEpoch);
    this.#tasks.set(taskId, kept);
  }

  #handBack({ dispatchId, taskEpoch, taskId }: Batch): void {
    const value = { dispatchId, taskEpoch, taskId };
    this.#host.send(create(ProcessRequestSchema, { frame: { case: "handBack", value } }));
  }

  #send(frame: RequestFrame): void {
    if (!this.#closed) this.#host.send(create(ProcessRequestSchema, { frame }));
  }
}
