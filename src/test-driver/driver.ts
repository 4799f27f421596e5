import { OutriggerError } from "../errors/outrigger-error.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import type { StoreKind } from "../model/topology.ts";
import type { Status } from "../ports/status.ts";
import type {
  DriverDescription,
  DriverEntry,
  DriverFault,
  DriverSettled,
  PipedRecord,
  ReadRecords,
  TestDriverCalls,
  WantedEntries,
} from "../ports/test-driver.ts";
import type { DriverClock } from "./clock.ts";
import { type DriverCluster, refused } from "./cluster.ts";
import type { DriverConsumer } from "./consumer.ts";
import { decodeHeaders, encodeHeaders } from "./headers.ts";
import { OutputReader } from "./output-reader.ts";
import { entriesOf, rangeOf, type StoredEntry } from "./store-entries.ts";

/** The kernel, as its driver needs it. */
export interface DrivenKernel {
  status(): Status;
  /** What has to happen next, see `runtime/insides.ts`; null while no topology runs. */
  standing(): "busy" | "waiting" | "idle" | null;
  readonly topology: DrivenTopology | null;
  /** Of every task; never back. */
  advanceStreamTime(timestamp: number): void;
  /** null where there are more than `entriesMax`. */
  readStore(
    store: string,
    range: ReturnType<typeof rangeOf>,
    entriesMax: number,
  ): Promise<readonly StoredEntry[] | null>;
}

export interface DrivenTopology {
  readonly sources: readonly string[];
  readonly stores: readonly { readonly name: string; readonly kind: StoreKind }[];
}

export interface TestDriverParts {
  readonly applicationId: string;
  readonly cluster: DriverCluster;
  readonly consumer: DriverConsumer;
  readonly clock: DriverClock;
  readonly kernel: DrivenKernel;
  readonly close: () => void;
}

const ADVANCE_MS_MAX = 7 * 86_400_000;
const ENTRIES_MAX = 10_000;
/** Turns of the event loop in which nothing was to be done: what adapters report comes in the next. */
const QUIET_TURNS = 2;
/** An answer of the application is mostly there within so many turns; then waiting costs no processor. */
const EAGER_TURNS = 500;
/** Timers that are stepped over without looking what they have set off, where nothing was busy. */
const STEPS_PER_TURN = 64;

/**
 * Drives a kernel over the cluster in memory. It does what can be done without time passing, then
 * stops: what is left waits for `advance`. Only a commit that has failed, or a member that has to join
 * again, moves the clock by what it waits for.
 */
export class TestDriver implements TestDriverCalls {
  readonly #parts: TestDriverParts;
  readonly #output: OutputReader;
  /** How records failed that wait for their next try, by task. */
  readonly #waiting = new Map<string, string>();
  #failed: OutriggerError | null = null;

  constructor(parts: TestDriverParts) {
    this.#parts = parts;
    this.#output = new OutputReader(parts.cluster);
  }

  /** A record of the task failed, and is tried again later. */
  triedAgain(task: string, error: string): void {
    this.#waiting.set(task, error);
  }

  /** The kernel has stopped for good: every call says why. */
  fail(error: OutriggerError): void {
    this.#failed ??= error;
  }

  createTopic(name: string, partitions: number): void {
    this.#parts.cluster.createTopic(name, partitions, {});
  }

  async awaitApplication(timeoutMs: number): Promise<DriverSettled> {
    return await this.#settle(timeoutMs);
  }

  async pipe(
    topic: string,
    records: readonly PipedRecord[],
    timeoutMs: number,
  ): Promise<DriverSettled> {
    const { cluster, clock } = this.#parts;
    cluster.topic(topic);
    const placed = records.map((record) => {
      const at = cluster.place(topic, record.partition ?? -1, record.key);
      // All are looked at before any is appended.
      cluster.log(at);
      return { at, record };
    });
    for (const { at, record } of placed) {
      const timestamp = record.timestamp ?? clock.wallMs();
      const headers = encodeHeaders(record.headers);
      cluster.append(at, { key: record.key, value: record.value, headers, timestamp }, null);
    }
    return await this.#settle(timeoutMs);
  }

  read(topic: string): ReadRecords {
    const { records, more } = this.#output.read(topic);
    return {
      records: records.map((record) => ({ ...record, headers: decodeHeaders(record.headers) })),
      more,
    };
  }

  async advance(ms: number, timeoutMs: number): Promise<DriverSettled> {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > ADVANCE_MS_MAX) {
      throw refused(`the clock cannot move by ${ms} ms: give 0 to ${ADVANCE_MS_MAX}`);
    }
    const { clock } = this.#parts;
    const untilMs = clock.nowMs() + ms;
    await this.#settle(timeoutMs);
    for (let steps = 1; clock.step(untilMs); steps++) {
      if (this.#isBusy) await this.#settle(timeoutMs);
      else if (steps % STEPS_PER_TURN === 0) await turn();
    }
    clock.moveTo(untilMs);
    return await this.#settle(timeoutMs);
  }

  async advanceStreamTime(timestamp: number, timeoutMs: number): Promise<DriverSettled> {
    if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
      throw refused(`stream time cannot be ${timestamp}: give ms since the epoch`);
    }
    const { committed, stopped, waiting } = await this.#settle(timeoutMs);
    if (!committed) {
      const why = [...stopped, waiting].filter((text) => text !== "").join("; ");
      throw refused(
        `stream time moves behind the records that were piped, and some are not done with (${why}): ` +
          "advance the wall clock for their next try, or mend what stopped them",
      );
    }
    this.#parts.kernel.advanceStreamTime(timestamp);
    return await this.#settle(timeoutMs);
  }

  async readStore(store: string, wanted: WantedEntries): Promise<readonly DriverEntry[]> {
    const { kernel } = this.#parts;
    const spec = kernel.topology?.stores.find(({ name }) => name === store);
    const kind = spec?.kind ?? "keyValue";
    if (wanted.windowStart !== null && spec?.kind === "keyValue") {
      throw refused(`the store ${store} has no windows: ask for the key alone`);
    }
    const found = await kernel.readStore(store, rangeOf(wanted, kind), ENTRIES_MAX);
    if (found !== null) return entriesOf(found, wanted, kind);
    throw refused(`${store} has more than ${ENTRIES_MAX} entries there: ask for a smaller range`);
  }

  inject(fault: DriverFault): void {
    const { cluster } = this.#parts;
    if (cluster.fault !== null) {
      throw refused(`the fault ${cluster.fault} still waits for a commit: pipe records first`);
    }
    cluster.fault = fault;
  }

  describe(): DriverDescription {
    const { applicationId, clock, cluster, kernel } = this.#parts;
    return {
      applicationId,
      wallClockMs: clock.wallMs(),
      topics: [...cluster.topics.values()].map(({ name, logs }) => {
        return { name, partitions: logs.length };
      }),
      stores: (kernel.topology?.stores ?? []).map(({ name, kind }) => {
        return { name, windowed: kind !== "keyValue" };
      }),
      faultsMet: cluster.faultsMet,
    };
  }

  close(): void {
    this.#parts.close();
  }

  get #isBusy(): boolean {
    const { kernel, consumer } = this.#parts;
    return kernel.standing() !== "idle" || consumer.isBusy;
  }

  /** Goes on until nothing is left to do without time passing. */
  async #settle(timeoutMs: number): Promise<DriverSettled> {
    const { kernel, consumer, clock } = this.#parts;
    const untilMs = performance.now() + timeoutMs;
    for (let turns = 0, quiet = 0; quiet < QUIET_TURNS; turns++) {
      if (this.#failed !== null) throw this.#failed;
      const standing = kernel.standing();
      const isHeard = standing !== null && kernel.status().workers > 0;
      const isIdle = isHeard && standing === "idle" && !consumer.isBusy;
      quiet = isIdle ? quiet + 1 : 0;
      if (isHeard && standing === "waiting") clock.step();
      await (turns < EAGER_TURNS ? turn() : rest());
      if (performance.now() > untilMs) throw this.#late(timeoutMs);
    }
    return this.#settled();
  }

  #settled(): DriverSettled {
    const { kernel, cluster } = this.#parts;
    const sources = kernel.topology?.sources ?? [];
    const committed = sources.every((topic) =>
      cluster.topic(topic).logs.every((log, partition) => {
        const known = cluster.committed.get(topicPartitionName({ topic, partition }));
        return !log.hasMore(known?.offset ?? 0);
      }),
    );
    if (committed) this.#waiting.clear();
    const stopped = kernel.status().tasks.flatMap(({ name, error, phase }) => {
      if (phase !== "stopped") return [];
      this.#waiting.delete(name);
      return [`task ${name}: ${error ?? "it has stopped"}`];
    });
    const [waiting] = [...this.#waiting].map(([task, error]) => `task ${task}: ${error}`);
    return { committed, stopped, waiting: waiting ?? "" };
  }

  #late(timeoutMs: number): OutriggerError {
    const { workers, tasks } = this.#parts.kernel.status();
    if (workers === 0) {
      return refused(
        `no application was connected within ${timeoutMs} ms: run it with the driver's address ` +
          "as OUTRIGGER_ADDRESS",
      );
    }
    const held = tasks.filter(({ batchesInFlight }) => batchesInFlight > 0);
    const names = held.map(({ name }) => name).join(", ") || "none";
    const text =
      `the application was not done within ${timeoutMs} ms; it holds batches of these tasks: ${names}. ` +
      "Look where its code waits, or give the call more time";
    return new OutriggerError("HANDLER_FAILED", text);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
