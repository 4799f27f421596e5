import type { Socket } from "node:net";
import { invariant } from "../../errors/invariant.ts";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import { DEFAULT_KAFKA_LIMITS } from "../limits.ts";
import { WireReader, WireWriter } from "../protocol/wire.ts";
import { isTlsFault, tlsFault } from "../security/tls-faults.ts";
import { type BrokerAddress, openPlainSocket, type SocketFactory } from "./socket.ts";

export interface ConnectionOptions extends BrokerAddress {
  readonly clientId: string;
  /** An answer that takes longer closes the connection. */
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs?: number;
  readonly responseBytesMax?: number;
  /** Closed after so long without a request, before the broker does it (`connections.max.idle.ms`). */
  readonly idleMaxMs?: number;
  readonly openSocket?: SocketFactory;
  /**
   * Said when the peer hangs up after so many answers as is the hint's place in the list: what it
   * may have expected instead.
   */
  readonly hangUpHints?: readonly string[];
  /** Told once, when the connection ends for whatever reason. */
  readonly onClose?: (reason: OutriggerError) => void;
}

export interface WireRequest<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Request header v2 (KIP-482), else v1. */
  readonly flexibleRequest: boolean;
  /** Response header v1, else v0; ApiVersions always answers with v0 (KIP-511). */
  readonly flexibleResponse: boolean;
  /** The body, written without a copy: not to be changed before the answer or the rejection. */
  readonly parts: readonly Buffer[];
  readonly decode: (reader: WireReader) => T;
}

/** How a TLS record of the kind alert begins, in the first three bytes: versions 1.0 to 1.3. */
const TLS_ALERTS = [0x150300, 0x150301, 0x150302, 0x150303, 0x150304];

interface Pending {
  readonly correlationId: number;
  readonly apiKey: number;
  readonly flexible: boolean;
  readonly timeoutMs: number;
  deadlineMs: number;
  /** Decodes the answer and settles the promise. */
  readonly answered: (reader: WireReader) => void;
  readonly failed: (reason: OutriggerError) => void;
}

/**
 * One connection to one broker. Requests are pipelined: a broker answers in order. Nothing is
 * retried here. When the connection ends, everything in flight is rejected with
 * REQUEST_TIMED_OUT or BROKER_UNAVAILABLE, and its outcome is unknown.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #socket: Socket | null = null;
  #ended: OutriggerError | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = 0;
  #idleTimer: NodeJS.Timeout | null = null;
  #usedAtMs = performance.now();
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #unansweredSinceMs: number | null = null;
  /** What waits until the broker takes requests again (KIP-219); null while it does. */
  #muted: (() => void)[] | null = null;
  #muteTimer: NodeJS.Timeout | null = null;
  #correlationId = 0;
  #answers = 0;
  /** What is to be sent once the connection is not held any more; null while it is not. */
  #held: (() => void)[] | null = null;
  /** Unanswered requests, oldest first, from `#head` on. */
  #pending: (Pending | undefined)[] = [];
  #head = 0;
  /** The answer that is arriving: its length first, then the frame itself. */
  readonly #length = Buffer.allocUnsafe(4);
  #lengthBytes = 0;
  #frame: Buffer | null = null;
  #frameBytes = 0;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Rejects with BROKER_UNAVAILABLE. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    const openSocket = options.openSocket ?? openPlainSocket;
    const onBytes = (piece: Uint8Array, length: number) => connection.#receive(piece, length);
    const timeoutMs = options.connectTimeoutMs ?? DEFAULT_KAFKA_LIMITS.connectTimeoutMs;
    try {
      const socket = await openSocket(options, onBytes, timeoutMs);
      connection.#attach(socket);
    } catch (thrown) {
      if (thrown instanceof OutriggerError) throw thrown;
      if (isTlsFault(thrown)) throw tlsFault(`broker ${connection.name}`, thrown);
      const isEarlyEnd =
        thrown instanceof Error && "code" in thrown && thrown.code === "ECONNRESET";
      const hint = isEarlyEnd ? (options.hangUpHints?.[0] ?? "") : "";
      const what = `cannot be reached: ${asError(thrown).message}${hint === "" ? "" : `; ${hint}`}`;
      throw connection.#unavailable(what, thrown);
    }
    return connection;
  }

  get address(): BrokerAddress {
    return { host: this.#options.host, port: this.#options.port };
  }

  /** Why the connection ended; null while it is open. */
  get ended(): OutriggerError | null {
    return this.#ended;
  }

  /** When the broker last sent anything, by `performance.now()`; -Infinity if it never did. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** When the request was sent that ended the connection for want of an answer, else null. */
  get unansweredSinceMs(): number | null {
    return this.#unansweredSinceMs;
  }

  get inFlight(): number {
    return this.#pending.length - this.#head;
  }

  /** `host:port`, as messages name the broker. */
  get name(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  /**
   * Rejects with REQUEST_TIMED_OUT or BROKER_UNAVAILABLE when no answer came, with
   * BROKER_ANSWER_MALFORMED or whatever `decode` throws when the answer cannot be read. Waits while
   * the connection is held, or the broker has said that a quota is exceeded.
   */
  send<T>(request: WireRequest<T>, timeoutMs: number = this.#options.requestTimeoutMs): Promise<T> {
    const waiting = this.#held ?? this.#muted;
    if (waiting === null || this.#ended !== null) return this.#sendNow(request, timeoutMs);
    const lateAtMs = performance.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      waiting.push(() => {
        // Nobody waits for its answer any more: a transaction may have ended since.
        if (performance.now() > lateAtMs) reject(this.#unavailable("was not free in time"));
        else this.send(request, timeoutMs).then(resolve, reject);
      });
    });
  }

  /**
   * Holds back what others send until `use` is done: a broker takes nothing else between the first
   * and the last message of an authentication (KIP-368). What was sent before is answered before.
   */
  async alone<T>(use: (send: Connection["send"]) => Promise<T>): Promise<T> {
    invariant(this.#held === null, "a connection is held by one at a time");
    const held: (() => void)[] = [];
    this.#held = held;
    try {
      const { requestTimeoutMs } = this.#options;
      return await use((request) => this.#sendNow(request, requestTimeoutMs));
    } finally {
      this.#held = null;
      for (const send of held) send();
    }
  }

  #sendNow<T>(request: WireRequest<T>, timeoutMs: number): Promise<T> {
    const socket = this.#socket;
    if (this.#ended !== null || socket === null) {
      return Promise.reject(this.#ended ?? this.#unavailable("is not connected"));
    }
    this.#correlationId = (this.#correlationId + 1) & 0x7fff_ffff;
    const correlationId = this.#correlationId;
    const nowMs = performance.now();
    this.#usedAtMs = nowMs;
    const answer = new Promise<T>((resolve, reject) => {
      this.#pending.push({
        correlationId,
        apiKey: request.apiKey,
        flexible: request.flexibleResponse,
        timeoutMs,
        deadlineMs: nowMs + timeoutMs,
        answered: (reader) => {
          try {
            resolve(request.decode(reader));
          } catch (thrown) {
            reject(asError(thrown));
          }
        },
        failed: reject,
      });
    });
    this.#arm(nowMs + timeoutMs);
    this.#write(socket, request, correlationId);
    return answer;
  }

  /** Ends the connection at once; what is in flight is rejected with the reason. */
  close(reason?: OutriggerError): void {
    this.#end(reason ?? this.#unavailable("was disconnected by this client"));
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    const { idleMaxMs } = this.#options;
    if (idleMaxMs !== undefined) this.#armIdle(idleMaxMs);
    socket.on("error", (error) => {
      // In TLS 1.3 a broker refuses a client's certificate after the handshake.
      const isTls = isTlsFault(error);
      const reason = isTls ? tlsFault(`broker ${this.name}`, error) : null;
      this.#end(reason ?? this.#hungUp(`failed: ${error.message}`, error));
    });
    socket.on("close", () => this.#end(this.#hungUp("closed the connection")));
    if (socket.destroyed) this.#end(this.#hungUp("closed the connection"));
  }

  #write(socket: Socket, request: WireRequest<unknown>, correlationId: number): void {
    const header = new WireWriter(64 + this.#options.clientId.length)
      .int32(0)
      .int16(request.apiKey)
      .int16(request.apiVersion)
      .int32(correlationId)
      .nullableString(this.#options.clientId);
    if (request.flexibleRequest) header.emptyTags();
    const head = header.finish();
    let size = head.length - 4;
    for (const part of request.parts) size += part.length;
    head.writeInt32BE(size, 0);
    // Corked, the parts leave in one writev.
    socket.cork();
    socket.write(head);
    for (const part of request.parts) socket.write(part);
    socket.uncork();
  }

  #receive(piece: Uint8Array, length: number): void {
    this.#heardAtMs = performance.now();
    let at = 0;
    while (at < length && this.#ended === null) {
      if (this.#frame === null) {
        while (this.#lengthBytes < 4 && at < length) {
          this.#length[this.#lengthBytes++] = piece[at++] as number;
        }
        if (this.#lengthBytes < 4) return;
        this.#frame = this.#startFrame();
        if (this.#frame === null) return;
      }
      const taken = Math.min(this.#frame.length - this.#frameBytes, length - at);
      this.#frame.set(piece.subarray(at, at + taken), this.#frameBytes);
      this.#frameBytes += taken;
      at += taken;
      if (this.#frameBytes === this.#frame.length) this.#finishFrame(this.#frame);
    }
  }

  #startFrame(): Buffer | null {
    const size = this.#length.readInt32BE(0);
    if (this.#answers === 0 && TLS_ALERTS.includes(size >> 8)) {
      this.#end(
        new OutriggerError(
          "TLS_FAILED",
          `broker ${this.name} speaks TLS on this port; set security.protocol to SSL or SASL_SSL, ` +
            "or dial its plaintext listener",
        ),
      );
      return null;
    }
    const bytesMax = this.#options.responseBytesMax ?? DEFAULT_KAFKA_LIMITS.responseBytesMax;
    if (size < 4 || size > bytesMax) {
      this.#end(this.#malformed(`an answer of ${size} bytes; 4 to ${bytesMax} are accepted`));
      return null;
    }
    this.#frameBytes = 0;
    return Buffer.allocUnsafe(size);
  }

  #finishFrame(frame: Buffer): void {
    this.#frame = null;
    this.#lengthBytes = 0;
    const reader = new WireReader(frame);
    const correlationId = reader.int32();
    const pending = this.#pending[this.#head];
    if (pending === undefined || pending.correlationId !== correlationId) {
      this.#end(this.#malformed(`answer ${correlationId}, not ${pending?.correlationId ?? "any"}`));
      return;
    }
    this.#shift();
    this.#answers++;
    try {
      if (pending.flexible) reader.tags();
    } catch (thrown) {
      const reason = this.#malformed("a header that cannot be read", thrown);
      pending.failed(reason);
      this.#end(reason);
      return;
    }
    pending.answered(reader);
    if (reader.throttleMs > 0) this.#mute(reader.throttleMs);
  }

  /**
   * The broker has answered at once, and takes nothing more for so long: what was sent already is
   * answered later, by as much. It may not ask for more than a request may take.
   */
  #mute(throttleMs: number): void {
    if (this.#ended !== null) return;
    const mutedMs = Math.min(throttleMs, this.#options.requestTimeoutMs);
    for (let i = this.#head; i < this.#pending.length; i++) {
      const request = this.#pending[i];
      if (request !== undefined) request.deadlineMs += mutedMs;
    }
    this.#muted ??= [];
    if (this.#muteTimer !== null) clearTimeout(this.#muteTimer);
    this.#muteTimer = setTimeout(() => this.#unmute(), mutedMs);
  }

  #unmute(): void {
    if (this.#muteTimer !== null) clearTimeout(this.#muteTimer);
    this.#muteTimer = null;
    const waiting = this.#muted ?? [];
    this.#muted = null;
    for (const send of waiting) send();
  }

  #shift(): void {
    this.#pending[this.#head++] = undefined;
    if (this.#head === this.#pending.length) {
      this.#pending = [];
      this.#head = 0;
    } else if (this.#head >= 64) {
      this.#pending = this.#pending.slice(this.#head);
      this.#head = 0;
    }
  }

  /** A timer that would ring later is set anew. */
  #arm(atMs: number): void {
    if (this.#timer !== null && this.#timerAtMs <= atMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    const delayMs = Math.max(1, Math.ceil(atMs - performance.now()));
    this.#timer = setTimeout(() => this.#checkDeadline(), delayMs);
  }

  #armIdle(idleMaxMs: number, delayMs = idleMaxMs): void {
    this.#idleTimer = setTimeout(() => {
      const leftMs = this.#usedAtMs + idleMaxMs - performance.now();
      if (leftMs > 0 || this.inFlight > 0) {
        this.#armIdle(idleMaxMs, leftMs > 0 ? Math.ceil(leftMs) : idleMaxMs);
      } else {
        this.close(
          this.#unavailable(`was not asked for ${idleMaxMs} ms: the connection was closed`),
        );
      }
    }, delayMs);
  }

  /** One timer per connection: a broker answers in order, so the oldest request decides. */
  #checkDeadline(): void {
    this.#timer = null;
    const oldest = this.#pending[this.#head];
    if (oldest === undefined) return;
    const leftMs = oldest.deadlineMs - performance.now();
    if (leftMs > 0) {
      this.#arm(oldest.deadlineMs);
      return;
    }
    this.#unansweredSinceMs = oldest.deadlineMs - oldest.timeoutMs;
    // A later answer would be taken for that of the next request, so the connection goes too. It
    // is as with every client: what was in flight may or may not have happened.
    this.#end(
      new OutriggerError(
        "REQUEST_TIMED_OUT",
        `broker ${this.name} did not answer a request (API key ${oldest.apiKey}) within ` +
          `${Math.round(oldest.timeoutMs)} ms; the connection was closed`,
      ),
    );
  }

  #end(reason: OutriggerError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#socket?.destroy();
    const pending = this.#pending.slice(this.#head);
    this.#pending = [];
    this.#head = 0;
    this.#frame = null;
    for (const request of pending) {
      invariant(request !== undefined, "a request in flight has not been answered");
      request.failed(reason);
    }
    this.#unmute();
    this.#options.onClose?.(reason);
  }

  /** A peer that hangs up at once may have been spoken to in the wrong way. */
  #hungUp(what: string, cause?: unknown): OutriggerError {
    const hint = this.#options.hangUpHints?.[this.#answers];
    return this.#unavailable(hint === undefined ? what : `${what}; ${hint}`, cause);
  }

  #unavailable(what: string, cause?: unknown): OutriggerError {
    const message = `broker ${this.name} ${what}`;
    return new OutriggerError("BROKER_UNAVAILABLE", message, withCause(cause));
  }

  #malformed(what: string, cause?: unknown): OutriggerError {
    const message = `broker ${this.name} sent ${what}; is that a Kafka listener of the right kind?`;
    return new OutriggerError("BROKER_ANSWER_MALFORMED", message, withCause(cause));
  }
}

function withCause(cause: unknown): { cause?: unknown } {
  return cause === undefined ? {} : { cause };
}
