import type { OutriggerError } from "../../src/errors/outrigger-error.ts";
import type { Transaction } from "../../src/transactions/transaction.ts";
import { offsetFault, openFault, outputFault, parkedFault, storeFault } from "./checks.ts";
import { hookFault, type Ran } from "./checks-of-hooks.ts";
import { timedFault } from "./checks-of-timers.ts";
import { Commands } from "./commands.ts";
import { Faults } from "./faults.ts";
import { Inputs } from "./inputs.ts";
import { ModelKafka } from "./kafka/model.ts";
import { Loop, type Process } from "./loop.ts";
import { disks, type StoredDirectory } from "./memory-rocksdb.ts";
import { Network } from "./network.ts";
import { GOOD_MANNERS, type Plan } from "./plan.ts";
import { Random } from "./random.ts";
import { Sidecar, type SidecarHost } from "./sidecar.ts";
import { isTimed } from "./timed-code.ts";
import { INPUT, OUTPUT } from "./topologies.ts";
import { sim_wall, virtual } from "./virtual-globals.ts";

export interface Outcome {
  /** What was broken; null for a world in which everything held. */
  readonly violation: string | null;
  readonly events: number;
  readonly virtualMs: number;
  /** Virtual ms from the end of the faults to the last commit. */
  readonly settledMs: number;
  readonly commits: number;
  readonly aborts: number;
  readonly faults: number;
  readonly trace: readonly string[];
}

/** After the faults and the inputs are over, everything is committed within this. */
const SETTLE_MS = 60_000;
/** Aborts that a world may have: so many, and so many more for each fault. */
const ABORTS_BASE = 4;
const ABORTS_PER_FAULT = 5;
const TIMED_EVERY_MS = 20;
const START_MS = 1_000;
const OUTPUT_PARTITIONS = 2;

/** A world of a plan: Kafka, sidecars and applications, from start to quiescence. */
export class World {
  readonly plan: Plan;
  readonly loop = new Loop();
  readonly kafka: ModelKafka;
  readonly network: Network;
  readonly sidecars: (Sidecar | null)[] = [];
  readonly faults: Faults;
  violation: string | null = null;
  commits = 0;
  aborts = 0;
  compacted = false;
  /** What hooks have run for. */
  readonly ran: Ran[] = [];
  readonly #inputs: Inputs;
  readonly #commands: Commands;
  readonly #trace: string[] = [];
  readonly #tracing: boolean;
  #incarnations = 0;
  #directories = 0;
  #tags = 0;
  #workers = 0;
  #calm = false;
  /** A sidecar has stopped with the error that this world is made for. */
  #stopped = false;
  #settledWallMs: number | null = null;
  /** What the journals said when so much was committed, at that time. */
  #timed: { readonly commits: number; readonly wallMs: number; fault: string | null } | null = null;
  /** Told of the end of each transaction; scenarios look on. */
  readonly onDecided: ((outcome: string, by: string) => void)[] = [];

  constructor(plan: Plan, tracing: boolean) {
    this.plan = plan;
    this.#tracing = tracing;
    const { seed } = plan;
    virtual.loop = this.loop;
    virtual.random = new Random(`code ${seed}`);
    virtual.wallShiftMs = 0;
    virtual.uuids = 0;
    this.loop.nowMs = START_MS;
    disks.directories.clear();
    disks.written = (directory) => this.#written(directory);
    this.kafka = this.#makeKafka();
    this.faults = new Faults(this);
    this.network = new Network(this.loop, new Random(`network ${seed}`), this.kafka, {
      onRequest: (owner, api) => this.faults.onRequest(owner, api),
      onAnswer: (owner, api) => this.faults.onAnswer(owner, api),
      trace: (line) => this.trace(line),
    });
    this.#commands = new Commands(
      this.loop,
      new Random(`commands ${seed}`),
      this.kafka,
      plan,
      (line) => this.trace(line),
    );
    this.#inputs = new Inputs(this.loop, new Random(`input ${seed}`), this.kafka, plan);
  }

  async run(): Promise<Outcome> {
    const { plan, kafka } = this;
    kafka.createTopic(INPUT, plan.partitions, new Map());
    kafka.createTopic(OUTPUT, OUTPUT_PARTITIONS, new Map());
    for (let slot = 0; slot < plan.sidecars; slot++) this.startSidecar(slot, this.newDirectory());
    this.#inputs.start();
    this.#commands.start();
    this.faults.start();
    const committed = (): boolean => openFault(kafka) === null && this.#running();
    const settled = (): boolean =>
      committed() && parkedFault(kafka) === null && this.#timedFault() === null;
    const quiet = (): boolean =>
      this.#inputs.isDone && (this.faults.areOver || (this.faults.onlyWait && committed()));
    await this.#until(quiet, START_MS + plan.spanMs * 4 + 120_000, "the faults to be over");
    const calmAtMs = this.loop.nowMs;
    this.#calm = true;
    this.faults.end();
    this.#commands.end();
    this.trace(() => "no more faults");
    await this.#until(settled, calmAtMs + SETTLE_MS, "everything to be committed");
    const settledMs = this.loop.nowMs - calmAtMs;
    // What comes due while everybody stops may wait for the next start.
    this.#settledWallMs = sim_wall();
    await this.#stopAll();
    const closed = (): boolean => kafka.transactions.openCount === 0;
    await this.#until(closed, this.loop.nowMs + 30_000, "the last markers");
    this.#checkAtRest();
    return this.outcome(settledMs);
  }

  /** Starts a sidecar in its slot. */
  startSidecar(slot: number, directory: string): void {
    this.#incarnations += 1;
    const sidecar = new Sidecar(this.#host(), slot, this.#incarnations, directory);
    this.trace(() => `${sidecar.process.name} starts over ${directory}`);
    this.sidecars[slot] = sidecar;
    sidecar.start();
  }

  newDirectory(): string {
    this.#directories += 1;
    return `/disk-${this.#directories}`;
  }

  trace(line: () => string): void {
    if (!this.#tracing) return;
    this.#trace.push(`${this.loop.nowMs.toFixed(1).padStart(9)}  ${line()}`);
  }

  violate(what: string): void {
    this.trace(() => `VIOLATION: ${what}`);
    this.violation ??= what;
  }

  #makeKafka(): ModelKafka {
    const { plan, loop } = this;
    return new ModelKafka(
      {
        nowMs: () => loop.nowMs,
        after: (ms, run) => {
          loop.after(ms, null, run);
        },
        random: new Random(`kafka ${plan.seed}`),
      },
      {
        nodes: 3,
        transactionVersion: 2,
        firstEpoch: plan.firstEpoch,
        expiryCheckMs: 500,
        sessionTimeoutMs: plan.sessionTimeoutMs,
        heartbeatIntervalMs: plan.heartbeatIntervalMs,
        kip1251: plan.kip1251,
        assignmentIntervalMs: plan.assignmentIntervalMs,
        decided: (entry, by) => {
          const { outcome, id } = entry;
          this.trace(() => `transaction of ${id.slice(-8)}: ${outcome} by ${by}`);
          if (outcome === "commit") this.commits += 1;
          else this.aborts += 1;
          for (const look of this.onDecided) look(String(outcome), by);
        },
        offsetCommitted: (_, partition, now) => {
          this.trace(() => `committed: ${partition} to ${now.offset}`);
          const fault = offsetFault(partition, now);
          if (fault !== null) this.violate(fault);
        },
      },
    );
  }

  #host(): SidecarHost {
    const { loop, kafka, network, plan } = this;
    return {
      loop,
      kafka,
      network,
      plan,
      application: {
        loop,
        random: new Random(`application ${plan.seed} ${this.#incarnations}`),
        topology: plan.topology,
        hooks: plan.hooks === true,
        ran: (partition, offset, value) => this.ran.push({ partition, offset, value }),
        manners: () => (this.#calm ? GOOD_MANNERS : plan.manners),
        refused: (process, error) => this.#refused(process, error),
        isBad: (value) => this.#commands.isBad(value, this.#calm),
        nextTag: () => (this.#tags++).toString(36),
        nextWorker: () => ++this.#workers,
        trace: (line) => this.trace(line),
      },
      entered: (sidecar, state) => this.#entered(sidecar, state),
      fatal: ({ process }, error) => this.#refused(process, error),
      broken: (error) => this.violate(`a sidecar broke: ${stackOf(error)}`),
      trace: (line) => this.trace(line),
    };
  }

  /** A sidecar stops, or does not start. */
  #refused({ name }: Process, { code, message }: OutriggerError): void {
    if (code !== this.plan.expects) {
      this.violate(`${name} stops: ${code}: ${message}`);
      return;
    }
    this.trace(() => `${name} stops, as it must: ${message}`);
    this.#stopped = true;
  }

  #entered(sidecar: Sidecar, state: Transaction["state"]): void {
    this.trace(() => `${sidecar.process.name} ${state}`);
    this.faults.onState(sidecar, state);
  }

  #written(directory: StoredDirectory): void {
    const fault = storeFault(directory, this.kafka, this.compacted);
    if (fault !== null) this.violate(fault);
    this.faults.onWrite(directory);
  }

  #isOver(): boolean {
    return this.violation !== null || this.#stopped;
  }

  #running(): boolean {
    return this.sidecars.every((sidecar) => sidecar?.process.state === "running");
  }

  async #until(done: () => boolean, limitMs: number, what: string): Promise<void> {
    if (this.#isOver()) return;
    const ended = await this.loop.run(() => this.#isOver() || done(), limitMs);
    if (ended === "thrown") this.violate(`thrown: ${stackOf(this.loop.thrown?.error)}`);
    if (ended === "endless") this.violate(`it spins, waiting for ${what}`);
    if (ended === "limit" && this.violation === null) {
      const open = openFault(this.kafka) ?? this.#timedFault() ?? "nothing is open";
      this.violate(`waited in vain for ${what} until ${Math.floor(limitMs)} ms: ${open}`);
    }
  }

  /** A clean end: everybody drains and leaves. */
  async #stopAll(): Promise<void> {
    let left = 0;
    for (const sidecar of this.sidecars) {
      if (sidecar === null || this.#isOver()) continue;
      left += 1;
      sidecar.stop(() => {
        left -= 1;
        sidecar.process.kill();
      });
    }
    await this.#until(() => left === 0, this.loop.nowMs + 30_000, "every sidecar to stop");
  }

  /** Read again only when something can be different: a commit came, or time has passed. */
  #timedFault(): string | null {
    const { plan, kafka, commits } = this;
    if (!isTimed(plan.topology)) return null;
    const wallMs = this.#settledWallMs ?? sim_wall();
    const before = this.#timed;
    if (before?.commits === commits && wallMs - before.wallMs < TIMED_EVERY_MS) return before.fault;
    const wasSet = plan.faults.some(({ on, ...fault }) => {
      return on === "time" && "what" in fault && fault.what.kind === "wallClock";
    });
    const fault = timedFault(kafka, { nowMs: wallMs, wasSet });
    this.#timed = { commits, wallMs, fault };
    return fault;
  }

  #checkAtRest(): void {
    if (this.#isOver()) return;
    const { kafka, plan } = this;
    if (plan.expects !== null) {
      this.violate(`nobody stopped with ${plan.expects}`);
      return;
    }
    const fault =
      outputFault(plan, kafka) ??
      openFault(kafka) ??
      parkedFault(kafka) ??
      this.#timedFault() ??
      (plan.hooks === true ? hookFault(kafka, this.ran) : null);
    if (fault !== null) {
      this.violate(fault);
      return;
    }
    for (const directory of disks.directories.values()) {
      const damage = storeFault(directory, kafka, this.compacted);
      if (damage !== null) {
        this.violate(damage);
        return;
      }
    }
    const bound = plan.abortsMax ?? ABORTS_BASE + ABORTS_PER_FAULT * plan.faults.length;
    if (this.aborts > bound) {
      this.violate(`${this.aborts} aborts for ${plan.faults.length} faults; ${bound} are allowed`);
    }
  }

  outcome(settledMs: number): Outcome {
    return {
      violation: this.violation,
      events: this.loop.events,
      virtualMs: this.loop.nowMs,
      settledMs,
      commits: this.commits,
      aborts: this.aborts,
      faults: this.faults.struck,
      trace: this.#trace,
    };
  }
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
