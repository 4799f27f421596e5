import { setTimeout as rest } from "node:timers/promises";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { App } from "./app.ts";
import { MAX_FRAME_BYTES } from "./chunks.ts";
import * as pb from "./gen/outrigger/v1/testdriver_pb.ts";
import { Channel } from "./grpc-channel.ts";
import { prefixed } from "./grpc-messages.ts";
import { OK } from "./grpc-status.ts";
import type { Header } from "./record.ts";
import { bytes, type Serde } from "./serdes.ts";
import { type DriverProcess, startProcess } from "./testing-process.ts";
import { TestStore } from "./testing-store.ts";

/** A record for the application. */
export interface TestRecord<K, V> {
  readonly key?: K;
  readonly value: V;
  /** ms since the epoch; the driver's wall clock where it is left out. */
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
  /** Left out, the key decides, as Java's client does. */
  readonly partition?: number;
}

/** A committed record of a topic. */
export interface ReadRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp: number;
  readonly headers: readonly Header[];
  readonly partition: number;
  readonly offset: number;
}

export interface TestSerdes<K, V> {
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
}

export interface TestDriverOptions {
  /** The sidecar's settings, by their dotted keys. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Topics with more than one partition, or that the topology does not name. */
  readonly topics?: Readonly<Record<string, number>>;
  /** The wall clock at the start, in ms since the epoch. Default: now. */
  readonly wallClockMs?: number;
  /** How long the application may take over what it is given, in real time. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Starts the sidecar. Default: OUTRIGGER_BIN, the package `outrigger`, or `outrigger` of the path. */
  readonly command?: readonly string[];
}

/** What goes wrong with the next commit that has records; see testdriver.proto. */
export type TestFault = "commitFailed" | "redeliver" | "unknownOutcome";

/** How the application stands when nothing is left to do without time passing. */
export interface Settled {
  /** Every record is done with and committed. */
  readonly committed: boolean;
  /** How a record failed that waits for its next try: `advanceWallClock` brings it. Else empty. */
  readonly waiting: string;
}

/** The test failed, or its application: a task has stopped, or a call cannot be done. */
export class TestDriverError extends Error {
  override readonly name = "TestDriverError";
}

/** How long the application has for the record at hand when its driver is closed. */
const STOP_MS_MAX = 1_000;

const FAULTS = {
  commitFailed: pb.Fault.COMMIT_FAILED,
  redeliver: pb.Fault.REDELIVER,
  unknownOutcome: pb.Fault.UNKNOWN_OUTCOME,
};

/**
 * Runs an application on the sidecar's own kernel, without a broker, on a clock that stands still:
 *
 *     await using driver = await TestDriver.start(app);
 *     await driver.pipe("flights", [{ key: "BER", value: "LH1" }], { key: utf8, value: utf8 });
 *     const departures = await driver.read("departures", { key: utf8, value: utf8 });
 */
export class TestDriver {
  readonly #process: DriverProcess;
  readonly #channel: Channel;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  /** The application's run; rejects where the sidecar refuses it. */
  #running: Promise<void> = Promise.resolve();

  private constructor(process: DriverProcess, timeoutMs: number) {
    this.#process = process;
    this.#timeoutMs = timeoutMs;
    this.#channel = new Channel(process.address);
  }

  /** Resolves when the application runs; rejects where its topology is refused. */
  static async start<DK, DV>(
    app: App<DK, DV>,
    options: TestDriverOptions = {},
  ): Promise<TestDriver> {
    const settings = { "application.id": app.applicationId ?? "test", ...options.settings };
    const args = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
    if (options.wallClockMs !== undefined) args.push(`--wall-clock=${options.wallClockMs}`);
    const process = await startProcess(args, options.command);
    const driver = new TestDriver(process, options.timeoutMs ?? 0);
    try {
      for (const [name, partitions] of Object.entries(options.topics ?? {})) {
        await driver.#call(pb.TestDriverService.method.createTopic, { name, partitions });
      }
      const { address, token } = process;
      driver.#running = app.run({ signal: driver.#stop.signal, address, token });
      const { awaitApplication } = pb.TestDriverService.method;
      const ready = driver.#call(awaitApplication, { timeoutMs: driver.#timeoutMs });
      ready.catch(() => {});
      await Promise.race([driver.#running.then(() => ready), ready]);
      return driver;
    } catch (error: unknown) {
      driver.#running.catch(() => {});
      await driver.#end();
      throw error;
    }
  }

  /**
   * Appends the records to the topic and resolves when nothing is left to do without time passing.
   * Rejects with a TestDriverError when a task has stopped at a record.
   */
  async pipe<K = Uint8Array | null, V = Uint8Array | null>(
    topic: string,
    records: readonly TestRecord<K, V>[],
    { key = bytes as never, value = bytes as never }: TestSerdes<K, V> = {},
  ): Promise<Settled> {
    const { settled } = await this.#call(pb.TestDriverService.method.pipeInput, {
      topic,
      timeoutMs: this.#timeoutMs,
      records: records.map((record) => ({
        ...maybe("key", record.key === undefined ? null : key.serialize(record.key)),
        ...maybe("value", value.serialize(record.value)),
        headers: (record.headers ?? []).map((header) => {
          return { key: header.key, ...maybe("value", header.value) };
        }),
        ...(record.timestamp === undefined ? {} : { timestamp: BigInt(record.timestamp) }),
        ...(record.partition === undefined ? {} : { partition: record.partition }),
      })),
    });
    return settledOf(settled);
  }

  /** The committed records of a topic that were not read yet, in the order they were written. */
  async read<K = Uint8Array | null, V = Uint8Array | null>(
    topic: string,
    { key = bytes as never, value = bytes as never }: TestSerdes<K, V> = {},
  ): Promise<ReadRecord<K, V>[]> {
    const found: ReadRecord<K, V>[] = [];
    for (let more = true; more; ) {
      const page = await this.#call(pb.TestDriverService.method.readOutput, { topic });
      for (const record of page.records) {
        found.push({
          key: key.deserialize(record.key ?? null),
          value: value.deserialize(record.value ?? null),
          timestamp: Number(record.timestamp),
          headers: record.headers.map((header) => ({
            key: header.key,
            value: header.value === undefined ? null : new Uint8Array(header.value),
          })),
          partition: record.partition ?? 0,
          offset: Number(record.offset),
        });
      }
      more = page.more;
    }
    return found;
  }

  /** Moves the clock: back-offs, processing.timeout.ms and the like see that much time pass. */
  async advanceWallClock(ms: number): Promise<Settled> {
    const { advanceWallClock } = pb.TestDriverService.method;
    const asked = { ms: BigInt(ms), timeoutMs: this.#timeoutMs };
    return settledOf((await this.#call(advanceWallClock, asked)).settled);
  }

  /**
   * Moves the stream time of every task to a timestamp, in ms since the epoch, as a record of it would, but
   * without one: windows whose grace it passes take nothing more. Never back. Rejects while records that
   * were piped are not done with.
   */
  async advanceStreamTime(timestamp: number): Promise<Settled> {
    const { advanceStreamTime } = pb.TestDriverService.method;
    const asked = { timestamp: BigInt(timestamp), timeoutMs: this.#timeoutMs };
    return settledOf((await this.#call(advanceStreamTime, asked)).settled);
  }

  /** The next commit that has records goes wrong, once. */
  async inject(fault: TestFault): Promise<void> {
    await this.#call(pb.TestDriverService.method.injectFault, { fault: FAULTS[fault] });
  }

  /** A store of the topology, as it is committed. */
  store<K = Uint8Array | null, V = Uint8Array | null>(
    name: string,
    { key = bytes as never, value = bytes as never }: TestSerdes<K, V> = {},
  ): TestStore<K, V> {
    const { readStore } = pb.TestDriverService.method;
    return new TestStore({ key, value }, async (wanted) => {
      return (await this.#call(readStore, { store: name, ...wanted })).entries;
    });
  }

  /** The driver's wall clock, in ms since the epoch. */
  async wallClockMs(): Promise<number> {
    return Number((await this.#call(pb.TestDriverService.method.describe, {})).wallClockMs);
  }

  /** Stops the application and the driver. */
  async close(): Promise<void> {
    this.#stop.abort();
    // A handler that hangs would not let it stop; it does when its sidecar is gone.
    await Promise.race([this.#running.catch(() => {}), rest(STOP_MS_MAX, null, { ref: false })]);
    await this.#end();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    this.#channel.close();
    await this.#process.stop();
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    { name, input, output }: { readonly name: string; readonly input: I; readonly output: O },
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    let answer: MessageShape<O> | undefined;
    const call = this.#channel.call({
      path: `/${pb.TestDriverService.typeName}/${name}`,
      token: this.#process.token,
      messageBytesMax: MAX_FRAME_BYTES,
      received: (message) => {
        answer = fromBinary(output, message);
      },
    });
    call.write(prefixed(toBinary(input, create(input, request))));
    call.end();
    const { code, details } = await call.ended;
    if (code !== OK || answer === undefined) throw new TestDriverError(details);
    return answer;
  }
}

function maybe<N extends string>(name: N, value: Uint8Array | null): { [K in N]?: Uint8Array } {
  return (value === null ? {} : { [name]: value }) as { [K in N]?: Uint8Array };
}

function settledOf(settled: pb.Settled | undefined): Settled {
  const { committed = false, stopped = [], waiting = "" } = settled ?? {};
  if (stopped.length > 0) throw new TestDriverError(stopped.join("; "));
  return { committed, waiting };
}

export { type TestEntry, TestStore } from "./testing-store.ts";
