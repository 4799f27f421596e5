import { topicPartitionName } from "../model/topic-partition.ts";
import type { Program } from "../model/topology.ts";
import type { Clock } from "../ports/clock.ts";
import type { Offsets } from "../ports/consumer.ts";
import type { Log } from "../ports/log.ts";
import type { TaskRunner } from "./task-runner.ts";

/** A question to the brokers that does not come to an end must not keep the next ones waiting. */
const TIMEOUT_MS = 30_000;
const LATEST_MS = Number.MAX_SAFE_INTEGER - 1;

/** What was seen of a task in which nothing happens. */
interface Seen {
  readonly positions: string;
  readonly sinceMs: number;
  /** Stream time by its records: from there on it goes with the clock. */
  readonly streamTimeMs: number;
}

/** What waits in a store until stream time has passed its time by so much. */
interface HeldBack {
  readonly store: number;
  readonly delayMs: number;
}

/**
 * Lets stream time go on with the wall clock in tasks that have read all there is, while something waits for
 * it there and nothing has come for so long. It is committed like any other: a restart does not take
 * it back. That there is nothing to read the brokers say; while they do not answer, time stands.
 */
export class Quiet {
  readonly #offsets: Pick<Offsets, "range">;
  readonly #clock: Clock;
  readonly #log: Log;
  /** null: never. */
  readonly #idleMs: number | null;
  readonly #seen = new WeakMap<TaskRunner, Seen>();
  readonly #stop = new AbortController();
  #cancel: (() => void) | null = null;

  constructor(offsets: Pick<Offsets, "range">, clock: Clock, log: Log, idleMs: number | null) {
    this.#offsets = offsets;
    this.#clock = clock;
    this.#log = log;
    this.#idleMs = idleMs;
  }

  /** `runners` says which tasks are held, each time. */
  start(runners: () => readonly TaskRunner[]): void {
    const idleMs = this.#idleMs;
    if (idleMs === null) return;
    this.#cancel = this.#clock.after(idleMs, () => {
      void Promise.all(runners().map((runner) => this.#look(runner, idleMs))).finally(() => {
        if (!this.#stop.signal.aborted) this.start(runners);
      });
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#stop.abort();
  }

  async #look(runner: TaskRunner, idleMs: number): Promise<void> {
    const heldBack = heldBackIn(runner.program);
    if (heldBack.length === 0) return;
    const nowMs = this.#clock.nowMs();
    const before = this.#seen.get(runner);
    if (!isQuiet(runner) || before?.positions !== positionsOf(runner)) {
      this.#seen.set(runner, seenOf(runner, nowMs));
      return;
    }
    const toMs = Math.floor(before.streamTimeMs + nowMs - before.sinceMs);
    if (nowMs - before.sinceMs < idleMs || toMs <= runner.cutStreamTimeMs) return;
    try {
      if (!(await waits(runner, heldBack)) || !(await this.#isAtEnd(runner))) return;
    } catch (error: unknown) {
      const text = "stream time stands: the brokers, or the store, do not say whether all is read";
      this.#log.warn(text, { task: runner.name, error: String(error) });
      return;
    }
    // Something may have come meanwhile.
    if (isQuiet(runner) && before.positions === positionsOf(runner)) runner.advanceStreamTime(toMs);
  }

  /** Whether nothing of the partitions is unread, what is not committed yet among it. */
  async #isAtEnd({ partitions, positions }: TaskRunner): Promise<boolean> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const ends = await Promise.all(
      partitions.map(async (at) => {
        const { end } = await this.#offsets.range(at, signal);
        return end <= (positions.get(topicPartitionName(at))?.offset ?? -1);
      }),
    );
    return ends.every((isAtEnd) => isAtEnd);
  }
}

function isQuiet({ phase, isIdle, ledger, input }: TaskRunner): boolean {
  return phase === "running" && isIdle && ledger.size === 0 && input.bytes === 0;
}

function seenOf(runner: TaskRunner, sinceMs: number): Seen {
  return { positions: positionsOf(runner), sinceMs, streamTimeMs: runner.cutStreamTimeMs };
}

function positionsOf({ positions }: TaskRunner): string {
  return [...positions].map(([name, { offset }]) => `${name}@${offset}`).join(" ");
}

function heldBackIn({ steps }: Program): HeldBack[] {
  return steps.flatMap((step): HeldBack[] => {
    if (step.kind === "suppress") return [step.suppress];
    if (step.kind === "stage" && step.stage.closes !== undefined) {
      return [{ store: step.stage.stores[0]?.store ?? 0, delayMs: step.stage.closes.delayMs }];
    }
    if (step.kind !== "operator" || step.operator.closeDelayMs === undefined) return [];
    return [{ store: step.operator.store, delayMs: step.operator.closeDelayMs }];
  });
}

/** Whether there is something that stream time would let go: without it nothing is made late for nothing. */
async function waits(
  { state, cutStreamTimeMs }: TaskRunner,
  heldBack: readonly HeldBack[],
): Promise<boolean> {
  for (const { store, delayMs } of heldBack) {
    const limits = { entriesMax: 1, bytesMax: Number.POSITIVE_INFINITY };
    const { keys } = await state.between(store, cutStreamTimeMs - delayMs, LATEST_MS, limits);
    if (keys.length > 0) return true;
  }
  return false;
}
