import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import grpc from "@grpc/grpc-js";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import { ProcessorService } from "../gen/outrigger/v1/processor_pb.ts";
import { BufferPool } from "../model/buffer-pool.ts";
import { stagesOf } from "../model/steps.ts";
import type { Program } from "../model/topology.ts";
import type {
  Application,
  ApplicationListener,
  StateAnswer,
  WorkerId,
} from "../ports/application.ts";
import type { Log } from "../ports/log.ts";
import type { TestDriverCalls } from "../ports/test-driver.ts";
import {
  type AddressOptions,
  type ListenAddress,
  listenAddress,
  prepareSocket,
  protectSocket,
} from "./address.ts";
import { widenWindow, windowBytes, withHttp2 } from "./flow-control.ts";
import { decodeRequest } from "./frames.ts";
import { Health } from "./health.ts";
import {
  CLOSE_TIMEOUT_MS,
  FRAMES_POOLED_MAX,
  HELLO_TIMEOUT_MS,
  MAX_FRAME_BYTES_DEFAULT,
  WORKERS_MAX,
} from "./limits.ts";
import { ProcessStream, refuseStream, type StreamStatus } from "./process-stream.ts";
import { WorkerSession } from "./session.ts";
import { addTestDriver } from "./test-driver-service.ts";
import { isToken, TOKEN_METADATA } from "./token.ts";

export interface ApplicationServerOptions extends AddressOptions {
  /** Told to workers; part of each record's idempotency token. */
  readonly applicationId: string;
  /** Told to workers. Default: "". */
  readonly sidecarVersion?: string;
  /** The largest frame taken from a worker. Default: 4 MiB. */
  readonly maxFrameBytes?: number;
  /** The largest frame in chunks, either way. Default: 0, none. */
  readonly maxMessageBytes?: number;
  /** Where workers' log lines go. Default: nowhere. */
  readonly log?: Log;
  /** Serves `TestDriverService` too. */
  readonly testDriver?: TestDriverCalls;
}

const PROCESS_PATH = `/${ProcessorService.typeName}/${ProcessorService.method.process.name}`;

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Pings over TCP find a peer that is gone without a word; a Unix socket cannot lose one. */
const TCP_KEEPALIVE = { "grpc.keepalive_time_ms": 20_000, "grpc.keepalive_timeout_ms": 10_000 };

/**
 * Listens for applications. Rejects with CONFIG_INVALID where it cannot listen.
 *
 * A listener is told of a worker by `connected`, and once of its end by `disconnected`, also after
 * `reject`; of nothing after `close`.
 */
export async function createApplicationServer(
  options: ApplicationServerOptions,
  listener: ApplicationListener,
): Promise<Application & { readonly address: string }> {
  const at = listenAddress(options);
  const server = new ApplicationServer(options, listener, at);
  await server.listen();
  return server;
}

class ApplicationServer implements Application {
  readonly #options: ApplicationServerOptions;
  readonly #listener: ApplicationListener;
  readonly #at: ListenAddress;
  readonly #server: grpc.Server;
  readonly #health = new Health({
    "": "SERVING",
    [ProcessorService.typeName]: "NOT_SERVING",
  });
  readonly #sessions = new Map<WorkerId, WorkerSession>();
  readonly #buffers = new BufferPool(FRAMES_POOLED_MAX);
  #nextWorker: WorkerId = 1;
  #port = 0;
  #isClosing = false;

  constructor(options: ApplicationServerOptions, listener: ApplicationListener, at: ListenAddress) {
    this.#options = options;
    this.#listener = listener;
    this.#at = at;
    this.#server = new grpc.Server({
      "grpc.max_receive_message_length": options.maxFrameBytes ?? MAX_FRAME_BYTES_DEFAULT,
      // Bounded where frames are made: by what each worker said that it receives.
      "grpc.max_send_message_length": -1,
      ...(at.kind === "tcp" ? TCP_KEEPALIVE : {}),
    });
    this.#health.addTo(this.#server);
    if (options.testDriver !== undefined) {
      addTestDriver(this.#server, options.testDriver, (metadata) =>
        this.#unauthenticated(metadata.get(TOKEN_METADATA)[0]),
      );
    }
  }

  get address(): string {
    return this.#at.kind === "unix" ? `unix:${this.#at.path}` : `${this.#at.host}:${this.#port}`;
  }

  async listen(): Promise<void> {
    const at = this.#at;
    if (at.kind === "unix") await prepareSocket(at.path);
    const target = at.kind === "unix" ? `unix:${at.path}` : `${at.host}:${at.port}`;
    const take = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
      if (headers[":path"] !== PROCESS_PATH) return false;
      this.#process(stream, headers);
      return true;
    };
    this.#port = await withHttp2(windowBytes(), take, () => bind(this.#server, target));
    if (at.kind === "unix") protectSocket(at.path);
  }

  #process(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const refusal = this.#refusalOf(headers);
    if (refusal !== null) {
      refuseStream(stream, refusal);
      return;
    }
    widenWindow(stream.session, headers["user-agent"]);
    const id = this.#nextWorker++;
    const { maxFrameBytes = MAX_FRAME_BYTES_DEFAULT } = this.#options;
    const sink = new ProcessStream(stream, maxFrameBytes, {
      received: (message) => {
        clearTimeout(greeting);
        if (!this.#isClosing) session.received(decodeRequest(message));
      },
      drained: () => session.drained(),
      ended: (reason) => {
        clearTimeout(greeting);
        session.end(reason);
      },
    });
    const session = new WorkerSession({
      id,
      sink,
      buffers: this.#buffers,
      maxMessageBytes: this.#options.maxMessageBytes ?? 0,
      listener: this.#listener,
      log: this.#options.log ?? SILENT,
      closed: (reason, wasKnown) => {
        this.#sessions.delete(id);
        if (!wasKnown || this.#isClosing) return;
        // Later, because the kernel must not be called back within its own call.
        queueMicrotask(() => this.#listener.disconnected(id, reason));
      },
    });
    this.#sessions.set(id, session);
    const greeting = setTimeout(() => {
      if (!session.isGreeting) return;
      const text = `no hello came within ${HELLO_TIMEOUT_MS} ms; send it as the first frame`;
      session.reject(new OutriggerError("PROTOCOL_VIOLATION", text));
    }, HELLO_TIMEOUT_MS).unref();
  }

  #unauthenticated(given: string | Buffer | undefined): StreamStatus | null {
    const { token } = this.#options;
    if (this.#at.kind !== "tcp" || (token && isToken(token, given))) return null;
    const details = `the ${TOKEN_METADATA} metadata is missing or wrong: set OUTRIGGER_TOKEN`;
    return { code: grpc.status.UNAUTHENTICATED, details };
  }

  #refusalOf(headers: IncomingHttpHeaders): StreamStatus | null {
    const given = headers[TOKEN_METADATA];
    const unauthenticated = this.#unauthenticated(Array.isArray(given) ? given[0] : given);
    if (unauthenticated !== null) return unauthenticated;
    if (this.#isClosing)
      return { code: grpc.status.UNAVAILABLE, details: "the sidecar is stopping" };
    if (this.#sessions.size < WORKERS_MAX) return null;
    const details = `${WORKERS_MAX} workers are connected already: connect fewer`;
    return { code: grpc.status.RESOURCE_EXHAUSTED, details };
  }

  welcome(worker: WorkerId, programs: readonly Program[]): void {
    this.#sessions.get(worker)?.welcome({
      sidecarVersion: this.#options.sidecarVersion ?? "",
      applicationId: this.#options.applicationId,
      maxFrameBytes: this.#options.maxFrameBytes ?? MAX_FRAME_BYTES_DEFAULT,
      sources: programs.flatMap(({ sources }) => sources),
      timerSources: programs.flatMap(timerSourcesOf),
      stages: programs.flatMap((program) =>
        stagesOf(program).map(({ entries, stores, exits }) => ({
          entries: [...entries],
          stores: stores.map(({ store }) => program.stores[store]?.name ?? ""),
          sinks: exits.map(({ node }) => node),
        })),
      ),
    });
  }

  reject(worker: WorkerId, error: OutriggerError): void {
    this.#sessions.get(worker)?.reject(error);
  }

  disconnect(worker: WorkerId, reason: string): void {
    this.#sessions.get(worker)?.end(reason);
  }

  dispatch(worker: WorkerId, batch: Parameters<Application["dispatch"]>[1]): number {
    // A worker that is gone has no session; its `disconnected` is on the way.
    return this.#sessions.get(worker)?.dispatch(batch) ?? 0;
  }

  revoke(worker: WorkerId, taskName: string, taskEpoch: number): void {
    this.#sessions.get(worker)?.revoke(taskName, taskEpoch);
  }

  answerState(worker: WorkerId, requestId: number, answer: StateAnswer): void {
    this.#sessions.get(worker)?.answerState(requestId, answer);
  }

  drain(timeoutMs: number): void {
    for (const session of this.#sessions.values()) session.drain(timeoutMs);
  }

  setServing(serving: boolean): void {
    if (this.#isClosing) return;
    this.#health.set(ProcessorService.typeName, serving ? "SERVING" : "NOT_SERVING");
  }

  async close(): Promise<void> {
    this.setServing(false);
    this.#isClosing = true;
    for (const session of [...this.#sessions.values()]) session.end("the sidecar is stopping");
    this.#health.close();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, CLOSE_TIMEOUT_MS);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function bind(server: grpc.Server, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(target, grpc.ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) return resolve(port);
      const text = `cannot listen at ${target} (${asError(cause).message}): set another address`;
      reject(new OutriggerError("CONFIG_INVALID", text, { cause }));
    });
  });
}

/** Where what has fired at a node comes from, as frames count sources. */
function timerSourcesOf({ frame, sources, timers = [] }: Program) {
  return timers.map(({ node, topic }) => ({ node, source: frame.source + sources.indexOf(topic) }));
}
