import { asError, type OutriggerError } from "../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Programs } from "../model/topology.ts";
import type { Admin, LogOffset } from "../ports/admin.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { queuesOf } from "../topology/internal-topics.ts";
import type { TaskRunner } from "./task-runner.ts";

/** What a purge looks at of a task. */
type Purged = Pick<TaskRunner, "program" | "phase" | "id" | "positions">;

/** One purge that does not come to an end must not keep the next ones waiting. */
const TIMEOUT_MS = 30_000;

/**
 * Deletes what was read of repartitions, and the requests whose hooks have run, once that has committed,
 * every so often: their topics have no retention of their own. A task that was lost meanwhile deletes
 * less than its successor, never more.
 */
export class Purge {
  readonly #admin: Admin;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #intervalMs: number;
  /** By partition: up to where it was deleted. */
  readonly #purged = new Map<string, number>();
  /** By partition: where a position was last left behind. */
  readonly #outrun = new Map<string, number>();
  readonly #stop = new AbortController();
  #cancel: (() => void) | null = null;
  /** Said once until it succeeds again. */
  #isTold = false;

  constructor(admin: Admin, clock: Clock, log: Log, intervalMs: number) {
    this.#admin = admin;
    this.#clock = clock;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** `runners` says which tasks are held, each time. Does nothing where no program has such topics. */
  start(programs: Programs, runners: () => readonly Purged[]): void {
    if (programs.every((program) => queuesOf(program).length === 0)) return;
    this.#cancel = this.#clock.after(this.#intervalMs, () => {
      void this.#purge(doneOf(runners())).finally(() => {
        if (!this.#stop.signal.aborted) this.start(programs, runners);
      });
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#stop.abort();
  }

  /**
   * Whether a position was left behind: this process stood still, its task went to another, who has
   * committed and purged. The group says whether it is still ours; then it is taken over again, which looks
   * whether records are lost. What fails again where it stands is not of that kind.
   */
  isOutrun(
    { program, positions }: Pick<Purged, "program" | "positions">,
    at: TopicPartition,
    { code }: OutriggerError,
  ): boolean {
    if (code !== "OFFSET_OUT_OF_RANGE" || !queuesOf(program).includes(at.topic)) return false;
    const name = topicPartitionName(at);
    const offset = positions.get(name)?.offset ?? -1;
    if (this.#outrun.get(name) === offset) return false;
    this.#outrun.set(name, offset);
    return true;
  }

  async #purge(done: readonly LogOffset[]): Promise<void> {
    const news = done.filter((at) => at.offset > (this.#purged.get(topicPartitionName(at)) ?? 0));
    if (news.length === 0) return;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      await this.#admin.deleteRecords(news, signal);
      for (const at of news) this.#purged.set(topicPartitionName(at), at.offset);
      this.#isTold = false;
    } catch (thrown: unknown) {
      if (this.#isTold || this.#stop.signal.aborted) return;
      this.#isTold = true;
      const text =
        "what is done with in repartitions and hooks cannot be deleted: their topics grow";
      this.#log.warn(text, { error: asError(thrown).message });
    }
  }
}

/** What has committed is done with; a position that is only claimed moves nothing. */
function doneOf(runners: readonly Purged[]): LogOffset[] {
  return runners
    .filter(({ phase }) => phase === "running")
    .flatMap(({ program, id: { partition }, positions }) =>
      queuesOf(program).flatMap((topic) => {
        const at = { topic, partition };
        const position = positions.get(topicPartitionName(at));
        return position === undefined ? [] : [{ ...at, offset: position.offset }];
      }),
    );
}
