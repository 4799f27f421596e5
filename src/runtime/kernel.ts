import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Programs } from "../model/topology.ts";
import type {
  Application,
  ApplicationListener,
  BatchAnswer,
  BatchName,
  StateQuestion,
  WorkerHello,
  WorkerId,
} from "../ports/application.ts";
import type { ConsumerListener, FetchedChunk, FetchFacts } from "../ports/consumer.ts";
import type { Status } from "../ports/status.ts";
import { Active } from "./active.ts";
import { type Declared, declareTopology } from "./declared.ts";
import type { Insides } from "./insides.ts";
import type { KernelLimits, KernelParts } from "./parts.ts";
import { Preflight } from "./preflight.ts";
import { prepareTopics } from "./setup.ts";
import { withSources } from "./sources.ts";

/**
 * The kernel: it learns the topology from the first worker, prepares the cluster, joins the group and
 * keeps the tasks going. Adapters call it with what happened; each call runs to its end.
 *
 *   waiting ──hello──▶ preparing ──prepared──▶ active ──absent too long──▶ waiting
 *   any ──stop──▶ stopping ──▶ stopped
 */
export class Kernel implements ApplicationListener, ConsumerListener {
  #phase: "waiting" | "preparing" | "active" | "stopping" | "stopped" = "waiting";
  #declared: Declared | null = null;
  #active: Active | null = null;
  /** What runs, with the topics that a pattern has found. */
  #programs: Programs | null = null;
  /** Topics that brokers said a pattern matches. */
  readonly #found = new Set<string>();
  #application: Application | null = null;
  #cancelAbsence: (() => void) | null = null;
  /** The end of the last activity: its stores must be closed before the next one opens them. */
  #retiring: Promise<void> = Promise.resolve();
  /** Workers that said hello before the cluster was prepared. */
  readonly #pending = new Map<WorkerId, WorkerHello>();
  readonly #parts: KernelParts;
  readonly #limits: KernelLimits;
  readonly #preflight: Preflight;

  constructor(parts: KernelParts, limits: KernelLimits) {
    this.#parts = parts;
    this.#limits = limits;
    const { inspector, directory, log } = parts;
    this.#preflight = new Preflight({
      inspector,
      expected: limits.expected,
      transactionalId: () => `${limits.applicationId}-${directory.processId}-0`,
      log,
      tellsWarnings: limits.setup.missingTopicPartitions === null,
    });
  }

  /** Rejects where the cluster, or who uses the group, forbids exactly-once. */
  async start(application: Application): Promise<void> {
    this.#application = application;
    await Promise.all([this.#endPredecessor(), this.#preflight.check(null)]);
  }

  /** a predecessor that died is sent its leave, so that its partitions are free at once. */
  async #endPredecessor(): Promise<void> {
    const { directory, group, log } = this.#parts;
    const memberId = directory.predecessorMemberId;
    if (memberId === null) return;
    const leave = { memberId, memberEpoch: -1, topics: null, owned: null };
    const rest = { rebalanceTimeoutMs: -1, assignor: null };
    for (let attempt = 0; attempt < PREDECESSOR_LEAVES_MAX; attempt++) {
      const answer = await group.heartbeat({ ...leave, ...rest });
      if (answer.kind !== "retriable") break;
    }
    await directory.forgetMember();
    log.info("a predecessor had died; its membership was ended", { memberId });
  }

  connected(worker: WorkerId, hello: WorkerHello): void {
    const declared = this.#declare(worker, hello);
    if (declared === null) return;
    switch (this.#phase) {
      // Not a reject, which would end the application: its stream ends with the server, and it comes
      // again when the next sidecar is there.
      case "stopping":
      case "stopped":
        return;
      case "active":
        this.#welcome(worker, hello, declared);
        return;
      case "preparing":
        this.#pending.set(worker, hello);
        return;
      case "waiting":
        this.#pending.set(worker, hello);
        this.#prepare(declared);
        return;
    }
  }

  disconnected(worker: WorkerId, reason: string): void {
    this.#pending.delete(worker);
    this.#parts.log.info("worker disconnected", { worker, reason });
    this.#active?.workerGone(worker);
    if (this.#phase === "active" && this.#active?.workers.size === 0) this.#startAbsence();
  }

  answered(worker: WorkerId, answer: BatchAnswer): void {
    this.#active?.answered(worker, answer);
  }

  handedBack(worker: WorkerId, batch: BatchName): void {
    this.#active?.handedBack(worker, batch);
  }

  asked(worker: WorkerId, question: StateQuestion): void {
    this.#active?.asked(worker, question);
  }

  credited(worker: WorkerId, batches: number, bytes: number): void {
    this.#active?.credited(worker, batches, bytes);
  }

  fetched(chunk: FetchedChunk, facts: FetchFacts): void {
    this.#active?.fetched(chunk, facts);
  }

  empty(at: TopicPartition, fence: number, position: number, facts: FetchFacts): void {
    this.#active?.empty(at, fence, position, facts);
  }

  failed(at: TopicPartition, fence: number, error: OutriggerError): void {
    this.#active?.readFailed(at, fence, error);
  }

  /** Clean drain: final batches are committed, the group is left, nothing is redelivered. */
  async stop(): Promise<void> {
    if (this.#phase === "stopping" || this.#phase === "stopped") return;
    const wasPreparing = this.#phase === "preparing";
    this.#phase = "stopping";
    this.#cancelAbsence?.();
    this.#application?.setServing(false);
    this.#application?.drain(this.#limits.shutdownTimeoutMs);
    // Between two activities the last one is being stopped already.
    if (wasPreparing) await this.#retiring;
    else await this.#active?.stop(this.#limits.shutdownTimeoutMs);
    this.#active = null;
    this.#phase = "stopped";
  }

  status(): Status {
    const idle = { joined: false, unreachable: null, abortsInARow: 0, refusal: "", tasks: [] };
    const active = this.#active?.status() ?? { ...idle, workers: this.#pending.size };
    return { phase: this.#phase, ...active };
  }

  /** What the topology that runs is made of; null while none does. */
  get insides(): (Insides & { readonly programs: Programs }) | null {
    if (this.#phase !== "active" || this.#active === null || this.#declared === null) return null;
    return { ...this.#active.insides(), programs: this.#programs ?? this.#declared.programs };
  }

  /** What the kernel did, for tests and for the log's closing line. */
  get counters(): Active["counters"] | null {
    return this.#active?.counters ?? null;
  }

  #declare(worker: WorkerId, hello: WorkerHello): Declared | null {
    try {
      const { applicationId, parks } = this.#limits;
      const declared = declareTopology(hello, applicationId, this.#declared, parks);
      this.#declared = declared;
      return declared;
    } catch (error: unknown) {
      this.#reject(worker, toOutriggerError(error));
      return null;
    }
  }

  #prepare(declared: Declared): void {
    this.#phase = "preparing";
    this.#prepareNow(declared.programs).then(
      (active) => {
        if (this.#phase !== "preparing") return;
        this.#phase = "active";
        this.#active = active;
        active.start();
        for (const [worker, hello] of this.#pending) this.#welcome(worker, hello, declared);
        this.#pending.clear();
        if (active.workers.size === 0) this.#startAbsence();
      },
      (error: unknown) => {
        // What is wrong can be mended without us: the worker is told, and may come again.
        if (this.#phase !== "preparing") return;
        this.#phase = "waiting";
        this.#declared = null;
        const said = toOutriggerError(error);
        this.#parts.log.error(said.message, { code: said.code });
        for (const worker of this.#pending.keys()) this.#reject(worker, said);
        this.#pending.clear();
      },
    );
  }

  async #prepareNow(declared: Programs): Promise<Active> {
    const { admin, log } = this.#parts;
    await this.#retiring;
    if (this.#phase !== "preparing")
      throw new Error("the kernel was stopped before it was prepared");
    const { deadLetterTopic } = this.#limits.setup;
    const programs = await withSources(declared, this.#found, admin, deadLetterTopic);
    this.#programs = programs;
    const prepared = await prepareTopics(programs, admin, this.#preflight, this.#limits.setup, log);
    const application = this.#application;
    if (application === null) throw new Error("a worker was accepted before the kernel started");
    const topicsChanged = (found: readonly string[]) => this.#topicsChanged(active, found);
    const tornApart = () => this.#joinAnew(active, TORN_APART);
    const parts = { ...this.#parts, topicsChanged, tornApart };
    const active: Active = new Active(programs, prepared, parts, application, this.#limits);
    await active.prepare();
    return active;
  }

  #welcome(worker: WorkerId, hello: WorkerHello, declared: Declared): void {
    this.#cancelAbsence?.();
    this.#cancelAbsence = null;
    this.#application?.welcome(worker, this.#programs ?? declared.programs);
    this.#parts.log.info("worker connected", { worker, sdk: hello.sdk });
    this.#active?.workerCame(worker, hello);
  }

  #topicsChanged(active: Active, found: readonly string[]): void {
    if (active !== this.#active) return;
    for (const topic of found) this.#found.add(topic);
    const text = "a pattern matches other topics than before: taking over anew";
    this.#joinAnew(active, text, { found: found.join(", ") });
  }

  /**
   * What is under way is committed, the group left and joined anew; the workers' streams end, because
   * frames count the sources, and they come again.
   */
  #joinAnew(active: Active, why: string, fields: Readonly<Record<string, string>> = {}): void {
    const declared = this.#declared;
    if (active !== this.#active || declared === null || this.#phase !== "active") return;
    this.#parts.log.info(why, fields);
    this.#phase = "preparing";
    this.#cancelAbsence?.();
    this.#cancelAbsence = null;
    this.#retiring = active
      .stop(this.#limits.revokeTimeoutMs)
      .catch((error: unknown) => this.#parts.fatal(toOutriggerError(error)))
      .finally(() => {
        this.#active = null;
        for (const worker of active.workers.all()) {
          this.#application?.disconnect(worker, "the sidecar joins the group anew");
        }
      });
    this.#prepare(declared);
  }

  /** without an application for long, others may serve our partitions. */
  #startAbsence(): void {
    const { clock, log } = this.#parts;
    const { appAbsenceTimeoutMs } = this.#limits;
    this.#cancelAbsence?.();
    this.#cancelAbsence = clock.after(appAbsenceTimeoutMs, () => {
      const active = this.#active;
      if (active === null || this.#phase !== "active") return;
      log.warn("no application for too long: leaving the group", { appAbsenceTimeoutMs });
      this.#phase = "waiting";
      this.#active = null;
      this.#retiring = active.stop(this.#limits.revokeTimeoutMs).catch((error: unknown) => {
        this.#parts.fatal(toOutriggerError(error));
      });
    });
  }

  #reject(worker: WorkerId, error: OutriggerError): void {
    this.#application?.reject(worker, error);
  }
}

const PREDECESSOR_LEAVES_MAX = 5;
const TORN_APART =
  "partitions of one task are at several members, as after a roll-out that changed what is read: " +
  "joining the group anew";

function toOutriggerError(thrown: unknown): OutriggerError {
  if (thrown instanceof OutriggerError) return thrown;
  return new OutriggerError("BROKER_UNAVAILABLE", asError(thrown).message, { cause: thrown });
}
