import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Credit, Hello, Log as LogFrame } from "../gen/outrigger/v1/processor_pb.ts";
import type { BufferPool } from "../model/buffer-pool.ts";
import type {
  ApplicationListener,
  DispatchedBatch,
  StateAnswer,
  WorkerId,
} from "../ports/application.ts";
import type { Log } from "../ports/log.ts";
import { ChunkReader } from "./chunks.ts";
import { encodeBatch } from "./encode-batch.ts";
import { encodeResponse, type RequestFrame, type ResponseFrame } from "./frames.ts";
import { type Greeting, grantedCredit, greet } from "./handshake.ts";
import { LOG_LINE_MAX, SEND_QUEUE_BYTES_MAX } from "./limits.ts";
import { bytesMaxOf, excessOf, oversizedAnswer } from "./oversized.ts";
import { batchNameOf, Questions, stateResponse, violation } from "./questions.ts";
import { type FrameSink, SendQueue } from "./send-queue.ts";

/**
 * One worker's stream, without IO:
 *
 *   greeting ──Hello──▶ judging ──welcome──▶ serving;  any ──reject, violation, end──▶ closed
 *
 * `judging` waits for the kernel's verdict, and the worker must wait too.
 */
type State =
  | { readonly name: "greeting" }
  | { readonly name: "judging"; readonly greeting: Greeting }
  | { readonly name: "serving"; readonly greeting: Greeting }
  | { readonly name: "closed" };

/** What a `Welcome` says besides what the handshake settled. */
export interface Announced {
  readonly sidecarVersion: string;
  readonly applicationId: string;
  /** The largest frame that the sidecar receives. */
  readonly maxFrameBytes: number;
  readonly sources: string[];
  readonly timerSources?: { source: number; node: string }[];
  readonly stages: { entries: string[]; stores: string[]; sinks: string[] }[];
}

export interface SessionParts {
  readonly id: WorkerId;
  readonly sink: FrameSink;
  /** For the frames of batches. */
  readonly buffers: BufferPool;
  readonly listener: ApplicationListener;
  readonly log: Log;
  /** The largest frame in chunks, either way, as far as the worker takes it too; 0: none. */
  readonly maxMessageBytes: number;
  /** Called once, maybe within another call: `wasKnown` when the listener knows of the worker. */
  readonly closed: (reason: string, wasKnown: boolean) => void;
}

export class WorkerSession {
  readonly #parts: SessionParts;
  readonly #queue: SendQueue;
  readonly #chunks = new ChunkReader();
  readonly #questions = new Questions();
  #state: State = { name: "greeting" };

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#queue = new SendQueue(parts.sink, SEND_QUEUE_BYTES_MAX);
  }

  get isGreeting(): boolean {
    return this.#state.name === "greeting";
  }

  received(frame: RequestFrame): void {
    try {
      this.#take(frame);
    } catch (thrown) {
      // What is no OutriggerError is our own bug, or the kernel's: it must not look like the worker's.
      if (!(thrown instanceof OutriggerError)) throw thrown;
      this.reject(thrown);
    }
  }

  #take(frame: RequestFrame): void {
    if (frame.kind === "malformed") throw frame.error;
    const name = frame.kind === "result" ? "result" : (frame.frame.case ?? "empty");
    switch (this.#state.name) {
      case "greeting":
        if (frame.kind !== "message" || frame.frame.case !== "hello") {
          throw violation(`the first frame is ${name}; it must be hello`);
        }
        this.#state = { name: "judging", greeting: this.#greet(frame.frame.value) };
        this.#parts.listener.connected(this.#parts.id, this.#state.greeting.hello);
        return;
      case "judging":
        throw violation(`a frame ${name} came before the welcome; wait for it`);
      case "serving":
        this.#serve(this.#chunks.whole(frame));
        return;
      case "closed":
        return;
    }
  }

  #greet(hello: Hello): Greeting {
    const greeting = greet(hello, this.#parts.maxMessageBytes);
    const { maxFrameBytes, maxMessageBytes } = greeting;
    if (maxMessageBytes > 0) {
      this.#queue.agree(maxFrameBytes, SEND_QUEUE_BYTES_MAX + maxMessageBytes);
    }
    this.#chunks.agree(maxMessageBytes);
    return greeting;
  }

  #serve(frame: RequestFrame | null): void {
    if (frame === null || frame.kind === "malformed") return;
    if (frame.kind === "result") this.#parts.listener.answered(this.#parts.id, frame.answer);
    else this.#takeMessage(frame.frame);
  }

  #takeMessage(frame: Extract<RequestFrame, { kind: "message" }>["frame"]): void {
    switch (frame.case) {
      case "hello":
        throw violation("a second hello came; send it once, as the first frame");
      case "stateRequest":
        this.#parts.listener.asked(this.#parts.id, this.#questions.ask(frame.value));
        return;
      case "credit":
        this.#takeCredit(frame.value);
        return;
      case "handBack":
        this.#parts.listener.handedBack(this.#parts.id, batchNameOf(frame.value));
        return;
      case "log":
        this.#takeLog(frame.value);
        return;
      // Results are read by hand, and chunks put together: neither comes this way.
      case "result":
      case "chunk":
      case undefined:
        throw violation("a frame is empty, or of a newer protocol; send what both sides know");
    }
  }

  #takeCredit(credit: Credit): void {
    const { creditBatches, creditBytes } = grantedCredit(credit);
    this.#parts.listener.credited(this.#parts.id, creditBatches, creditBytes);
  }

  #takeLog({ severity, message }: LogFrame): void {
    const { id, log } = this.#parts;
    const line = message.slice(0, LOG_LINE_MAX);
    if (severity >= 17) log.error(line, { worker: id });
    else if (severity >= 13) log.warn(line, { worker: id });
    else if (severity >= 9) log.info(line, { worker: id });
    else log.debug(line, { worker: id });
  }

  welcome(announced: Announced): void {
    if (this.#state.name !== "judging") return;
    const { greeting } = this.#state;
    this.#state = { name: "serving", greeting };
    const { protocolMinor, maxMessageBytes } = greeting;
    const value = { ...announced, protocolMinor, maxMessageBytes };
    this.#send(encodeResponse({ case: "welcome", value }));
  }

  /** Returns the size of the frame. */
  dispatch(batch: DispatchedBatch): number {
    const { buffers } = this.#parts;
    let buffer: Buffer | null = null;
    const frame = encodeBatch(batch, (bytes) => {
      buffer = buffers.take(bytes);
      return buffer.subarray(0, bytes);
    });
    const release = (): void => {
      if (buffer !== null) buffers.release(buffer);
    };
    if (this.#state.name !== "serving") return frame.length;
    const { greeting } = this.#state;
    if (frame.length <= bytesMaxOf(greeting)) {
      this.#send(frame, release);
    } else {
      // Sent, it would break the stream; so its record fails, and the policy for failures decides.
      const answer = oversizedAnswer(batch, excessOf(frame.length, greeting));
      // Later, because the kernel must not be called back within its own call.
      queueMicrotask(() => this.#parts.listener.answered(this.#parts.id, answer));
    }
    return frame.length;
  }

  revoke(taskId: string, taskEpoch: number): void {
    this.#sendServing({ case: "revoked", value: { taskId, taskEpoch } });
  }

  drain(timeoutMs: number): void {
    this.#sendServing({ case: "drain", value: { timeoutMs } });
  }

  answerState(requestId: number, answer: StateAnswer): void {
    if (!this.#questions.answered(requestId) || this.#state.name !== "serving") return;
    const { greeting } = this.#state;
    const value = stateResponse(requestId, answer);
    const frame = encodeResponse({ case: "stateResponse", value });
    if (frame.length <= bytesMaxOf(greeting)) {
      this.#send(frame);
      return;
    }
    const error = `the values of the keys take ${excessOf(frame.length, greeting)}, or ask for fewer keys`;
    this.#send(encodeResponse({ case: "stateResponse", value: { requestId, error } }));
  }

  /** Tells the worker why, and closes. */
  reject({ code, message }: OutriggerError): void {
    if (this.#state.name === "closed") return;
    this.#queue.end(encodeResponse({ case: "reject", value: { code, message } }));
    this.#close(`${code}: ${message}`);
  }

  /** The stream has ended, or is to end. */
  end(reason: string): void {
    if (this.#state.name === "closed") return;
    this.#queue.end();
    this.#close(reason);
  }

  drained(): void {
    this.#queue.drained();
  }

  #sendServing(frame: ResponseFrame): void {
    if (this.#state.name === "serving") this.#send(encodeResponse(frame));
  }

  #send(frame: Buffer, written?: () => void): void {
    if (this.#queue.send(frame, written)) return;
    this.reject(violation(`more than ${this.#queue.bytesMax} bytes wait unread; read the stream`));
  }

  #close(reason: string): void {
    const wasKnown = this.#state.name === "judging" || this.#state.name === "serving";
    this.#state = { name: "closed" };
    this.#questions.clear();
    this.#chunks.clear();
    this.#parts.closed(reason, wasKnown);
  }
}
