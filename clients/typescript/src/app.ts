import { type Connection, connect, helloFrame } from "./connection.ts";
import { OutriggerClientError } from "./errors.ts";
import { type Hook, type HookHandler, type HookOptions, hookCode } from "./hooks.ts";
import { type Named, policyIn } from "./options.ts";
import type { ReceivedFrame } from "./received-batch.ts";
import { bytes, type Serde } from "./serdes.ts";
import { Session } from "./session.ts";
import { KStream } from "./streams.ts";
import { type Serdes, TopologyBuilder } from "./topology.ts";

/** Where log lines go; `console` fits. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

export interface AppOptions<DK, DV> {
  /** Checked against the sidecar's application.id; left out, the sidecar's is taken. */
  readonly applicationId?: string;
  /** `unix:/path` or `host:port`; `OUTRIGGER_ADDRESS` where it is left out. */
  readonly address?: string;
  /** The sidecar's token over TCP; `OUTRIGGER_TOKEN` where it is left out. */
  readonly token?: string;
  /** For sources, sinks and groupings that name no serde of their own. Default: bytes as they are. */
  readonly defaultKeySerde?: Serde<DK>;
  readonly defaultValueSerde?: Serde<DV>;
  /** Default: warnings to standard error. */
  readonly logger?: Logger;
}

export interface RunOptions {
  /** Stops gracefully: the record being worked on is finished, the rest handed back. */
  readonly signal?: AbortSignal;
  /** Stop so on SIGTERM and SIGINT too. Default: false. */
  readonly handleSignals?: boolean;
  /** Instead of the address and the token that the application was made with. */
  readonly address?: string;
  readonly token?: string;
}

/**
 * Pauses between connections. Each is about a fifth of the time that was waited already, so that an
 * application which is started together with its sidecar loses next to nothing.
 */
const BACK_OFF_FIRST_MS = 20;
const BACK_OFF_GROWTH = 1.2;
const BACK_OFF_MAX_MS = 5_000;
/** A shorter pause is nothing to be told of: a sidecar that starts is not there yet. */
const BACK_OFF_TOLD_MS = 100;

const STANDARD_ERROR: Logger = {
  info: () => {},
  warn: (line) => {
    process.stderr.write(`${line}\n`);
  },
};

/** Makes an application: declare its streams, then `await app.run()`. */
export function createApp<DK = Uint8Array | null, DV = Uint8Array | null>(
  options: AppOptions<DK, DV> = {},
): App<DK, DV> {
  return new App(options);
}

export class App<DK = Uint8Array | null, DV = Uint8Array | null> {
  readonly #options: AppOptions<DK, DV>;
  readonly #builder: TopologyBuilder;
  readonly #log: Logger;

  constructor(options: AppOptions<DK, DV>) {
    this.#options = options;
    const { defaultKeySerde: key = bytes, defaultValueSerde: value = bytes } = options;
    // Which types the serdes take is the builder's to say, and the compiler's to check.
    this.#builder = new TopologyBuilder({ key, value } as unknown as Serdes);
    this.#log = options.logger ?? STANDARD_ERROR;
  }

  /** As the application was made with. */
  get applicationId(): string | undefined {
    return this.#options.applicationId;
  }

  /**
   * Reads topics; the serdes say what the handlers get. A regular expression stands for every topic
   * whose whole name it matches, also for those that are made while the application runs. It takes no
   * flags: a TypeError.
   */
  stream<K = DK, V = DV>(
    topics: string | readonly string[] | RegExp,
    serdes: { readonly key?: Serde<K>; readonly value?: Serde<V> } = {},
    options: Named = {},
  ): KStream<K, V> {
    const input = this.#builder.serdes(serdes);
    const node = this.#builder.add({
      name: options.name,
      kind: { case: "source", value: sourceOf(topics) },
      parents: [],
      input,
    });
    return new KStream({ builder: this.#builder, nodes: [node], serdes: input });
  }

  /**
   * Declares a hook: `ctx.afterCommit(name, payload)` in a handler of `process` has it run once the
   * transaction of the handler's record has committed, and never for a record that failed. It runs **at
   * least once** for each request, in the order of the records of a partition: see docs/side-effects.md.
   */
  afterCommit<P = DV, K = DK>(
    name: string,
    handler: HookHandler<K, P>,
    { key, value, failurePolicy }: HookOptions<K, P> = {},
  ): Hook<P> {
    this.#builder.addHook({
      name,
      kind: { case: "hook", value: policyIn(failurePolicy) },
      serdes: this.#builder.serdes({ key, value }),
      code: hookCode(handler),
    });
    return { name };
  }

  /**
   * Serves until stopped; connects again, with back-off, whenever the sidecar goes away. Rejects
   * with an OutriggerClientError when the sidecar refuses the application.
   */
  async run({ signal, handleSignals = false, ...at }: RunOptions = {}): Promise<void> {
    const stop = new AbortController();
    const onStop = (): void => stop.abort();
    signal?.addEventListener("abort", onStop, { once: true });
    if (signal?.aborted === true) stop.abort();
    const signals = handleSignals ? (["SIGTERM", "SIGINT"] as const) : [];
    for (const name of signals) process.once(name, onStop);
    try {
      await this.#serve(at, stop.signal);
    } finally {
      signal?.removeEventListener("abort", onStop);
      for (const name of signals) process.off(name, onStop);
    }
  }

  async #serve(at: Pick<RunOptions, "address" | "token">, stop: AbortSignal): Promise<void> {
    const address = at.address ?? this.#options.address ?? process.env["OUTRIGGER_ADDRESS"];
    const token = at.token ?? this.#options.token ?? process.env["OUTRIGGER_TOKEN"];
    if (address === undefined || address === "") {
      throw new Error(
        "no sidecar address: start the application with `outrigger run -- <command>`, which sets " +
          "OUTRIGGER_ADDRESS, or pass `address` to createApp",
      );
    }
    let tries = 0;
    while (!stop.aborted) {
      const { reason, wasWelcome, rejection } = await this.#serveOnce(address, token, stop);
      if (rejection !== null) throw rejection;
      if (stop.aborted) return;
      tries = wasWelcome ? 0 : tries + 1;
      const baseMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * BACK_OFF_GROWTH ** tries);
      const delayMs = baseMs * (0.5 + Math.random() / 2);
      const level = wasWelcome || baseMs >= BACK_OFF_TOLD_MS ? "warn" : "info";
      this.#log[level](`outrigger: ${reason}; connecting again in ${Math.round(delayMs)} ms`);
      await pause(delayMs, stop);
    }
  }

  /** One stream, from hello to its end. */
  async #serveOnce(
    address: string,
    token: string | undefined,
    stop: AbortSignal,
  ): Promise<{ reason: string; wasWelcome: boolean; rejection: OutriggerClientError | null }> {
    let wasWelcome = false;
    let rejection: OutriggerClientError | null = null;
    const session: Session = new Session(this.#builder.nodes, {
      send: (frame) => connection.send(frame),
      welcomed: ({ applicationId, sidecarVersion, protocolMinor }) => {
        const { minorNeeded } = this.#builder;
        if (protocolMinor < minorNeeded) {
          rejection ??= tooOld(protocolMinor, minorNeeded);
          connection.cancel();
          return;
        }
        wasWelcome = true;
        this.#log.info(`outrigger: serving ${applicationId}, sidecar ${sidecarVersion}`);
      },
      rejected: (error) => {
        rejection ??= error;
        connection.cancel();
      },
      idle: () => connection.end(),
    });
    const received = (frame: ReceivedFrame): void => session.received(frame);
    const connection: Connection = connect({ address, token, received });
    connection.send(helloFrame(this.#builder.build(), this.#options.applicationId ?? ""));
    const onStop = (): void => session.stop();
    stop.addEventListener("abort", onStop, { once: true });
    const { reason, fatal } = await connection.ended;
    stop.removeEventListener("abort", onStop);
    session.close();
    return { reason, wasWelcome, rejection: rejection ?? fatal };
  }
}

function sourceOf(topics: string | readonly string[] | RegExp): {
  topics: string[];
  pattern?: string;
} {
  if (typeof topics === "string") return { topics: [topics] };
  if (!(topics instanceof RegExp)) return { topics: [...topics] };
  if (topics.flags !== "") {
    throw new TypeError(`a pattern of topics takes no flags: leave out "${topics.flags}"`);
  }
  return { topics: [], pattern: topics.source };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

function tooOld(minor: number, needed: number): OutriggerClientError {
  const text = `the sidecar speaks outrigger.v1 minor version ${minor}, and timers need ${needed}`;
  return new OutriggerClientError("PROTOCOL_VERSION", `${text}: run a newer sidecar`);
}
