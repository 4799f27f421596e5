import { appendFileSync, cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Admin } from "kafkajs";
import { Checked, type Flags } from "../checker/checked.ts";
import { USUAL } from "../checker/conditions.ts";
import { committedOffsets } from "../checker/workload.ts";
import type { Fault as NetworkFault, Rule } from "../support/fault-rules.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { Supervised } from "../support/supervised.ts";
import { watch } from "../support/topics.ts";
import { type Fault, marksOf } from "./fault.ts";
import { Feeder } from "./feeder.ts";
import type { Ground } from "./ground.ts";

type Environment = Record<string, string>;

/** Committed input records that show that the outputs go on. */
const PROGRESS = 200;
const LIVENESS_MS = 30_000;
/** SIGTERM's exit code before there is anything to drain. */
const STOPPED_EARLY = "143";
const LISTENING = "outrigger is listening";
const SOME_MS = 30_000;
/** Without a record for so long, no more come. */
const QUIET_MS = 30_000;

/** One run: a workload with its input flowing, sidecars with applications, and what befalls them. */
export class Arena {
  readonly run: Checked;
  readonly ground: Ground;
  readonly feeder: Feeder;
  readonly random: (bound: number) => number;
  /** What went against a promise on the way, beside what the checker finds. */
  readonly violations: string[] = [];
  readonly notes: Record<string, number> = {};
  readonly #admin: Admin;
  readonly #sidecars = new Map<string, Child>();
  readonly #applications = new Map<string, Child>();
  readonly #supervised: Supervised[] = [];
  readonly #atEnd: (() => void)[] = [];
  #known = 0;

  private constructor(ground: Ground, run: Checked, admin: Admin, feeder: Feeder, seed: number) {
    this.ground = ground;
    this.run = run;
    this.#admin = admin;
    this.feeder = feeder;
    this.random = dice(seed);
  }

  static async make(
    ground: Ground,
    prefix: string,
    seed: number,
    { bad, regroups = false }: Pick<Fault, "bad" | "regroups"> = {},
  ): Promise<Arena> {
    ground.network.inject();
    const { bootstrapServers, main, replicas } = ground;
    const parks = bad?.marks.includes("park") === true;
    const usual = { ...USUAL, regroups };
    const conditions = bad === undefined ? usual : { ...usual, hasLetters: !parks, parks };
    const run = await Checked.make(bootstrapServers, prefix, main, replicas, conditions);
    const admin = run.kafka.admin();
    await admin.connect();
    const marks = bad === undefined ? {} : { marks: marksOf(bad, seed) };
    const feeder = new Feeder(run.kafka, prefix, seed, marks);
    const arena = new Arena(ground, run, admin, feeder, seed);
    arena.feeder.start();
    return arena;
  }

  get prefix(): string {
    return this.run.prefix;
  }

  get admin(): Admin {
    return this.#admin;
  }

  // --- processes

  /** A sidecar of this name with its application; whichever of them runs is left alone. */
  start(name: string, environment: Environment = {}, flags: Flags = {}): Child {
    this.startApplication(name);
    return this.startSidecar(name, environment, flags);
  }

  startSidecar(name: string, environment: Environment = {}, flags: Flags = {}): Child {
    const sidecar = this.run.startSidecar(name, environment, flags);
    this.#sidecars.set(name, sidecar);
    return sidecar;
  }

  startApplication(name: string, environment: Environment = {}): Child {
    const running = this.#applications.get(name);
    if (running?.isRunning === true) return running;
    const application = this.run.startApplication(name, environment);
    this.#applications.set(name, application);
    return application;
  }

  /** The application is started again whenever it ends. */
  supervise(name: string): Supervised {
    const supervised = new Supervised(() => this.startApplication(name));
    this.#supervised.push(supervised);
    return supervised;
  }

  /** What ends from now on has ended. */
  endSupervision(): void {
    for (const supervised of this.#supervised) supervised.leave();
  }

  application(name: string): Child {
    const found = this.#applications.get(name);
    if (found === undefined) throw new Error(`no application ${name} was started`);
    return found;
  }

  async kill(name: string): Promise<void> {
    await this.#sidecars.get(name)?.kill();
    this.#sidecars.delete(name);
  }

  /** SIGTERM: it must end in order; one that does not listen yet has nothing to end. */
  async stop(name: string): Promise<void> {
    const sidecar = this.#sidecars.get(name);
    this.#sidecars.delete(name);
    const how = await sidecar?.stop();
    if (how === STOPPED_EARLY && sidecar?.output.includes(LISTENING) === false) return;
    if (how !== "0") this.violations.push(`I16 sidecar ${name} ended with ${how} on SIGTERM`);
  }

  /** It has a failpoint, and comes to it. */
  async endsAtItsFailpoint(name: string): Promise<void> {
    const sidecar = this.#sidecars.get(name);
    await eventually(`${name} to come to its failpoint`, () => sidecar?.isRunning === false, [
      ...this.run.children,
    ]);
    const how = await sidecar?.ended();
    if (how !== "SIGKILL") throw new Error(`${name} ended with ${how}, not by its failpoint`);
    this.#sidecars.delete(name);
  }

  /** It refuses: it ends by itself with this error, or sends its application away and waits. */
  async refuses(name: string, code: string): Promise<void> {
    const sidecar = this.#sidecars.get(name);
    if (sidecar === undefined) throw new Error(`no sidecar ${name} was started`);
    const isOver = (): boolean =>
      sidecar.output.includes(code) &&
      (!sidecar.isRunning || sidecar.output.includes("worker disconnected"));
    await eventually(`${name} to refuse with ${code}`, isOver, this.run.children);
    this.#sidecars.delete(name);
    if (sidecar.isRunning) await sidecar.stop();
  }

  /** It ends by itself with an error; returns what it said. */
  async endsWithAnError(name: string, withinMs = 60_000): Promise<string> {
    const sidecar = this.#sidecars.get(name);
    if (sidecar === undefined) throw new Error(`no sidecar ${name} was started`);
    const isOver = (): boolean => !sidecar.isRunning;
    await eventually(`${name} to end by itself`, isOver, this.run.children, withinMs);
    this.#sidecars.delete(name);
    const how = await sidecar.ended();
    if (how === "0" || how === "SIGKILL") throw new Error(`${name} ended with ${how}`);
    return sidecar.output;
  }

  /** As a supervisor does it: until the sidecar stays up, or `times` are used up. */
  async keepUp(name: string, forMs: number, times: number): Promise<number> {
    const until = performance.now() + forMs;
    let restarts = 0;
    while (performance.now() < until) {
      if (this.#sidecars.get(name)?.isRunning !== true && restarts < times) {
        restarts += 1;
        this.startSidecar(name);
      }
      await pause(100);
    }
    return restarts;
  }

  /** Sidecars that nobody ended, and that are not there. */
  missing(): string[] {
    return [...this.#sidecars]
      .filter(([, sidecar]) => !sidecar.isRunning)
      .map(([name]) => `I16 sidecar ${name} ended by itself`);
  }

  // --- the disk

  /** Where the tasks of a sidecar are. */
  tasks(name: string): string[] {
    const folder = join(this.run.stateDir(name), this.prefix);
    return readdirSync(folder)
      .filter((each) => /^\d+_\d+$/.test(each))
      .map((each) => join(folder, each))
      .sort();
  }

  wipe(name: string): void {
    rmSync(this.run.stateDir(name), { recursive: true, force: true });
  }

  copyOf(name: string): string {
    return `${this.run.stateDir(name)}-copy`;
  }

  keepCopy(name: string): void {
    cpSync(this.run.stateDir(name), this.copyOf(name), { recursive: true });
  }

  rollBack(name: string): void {
    this.wipe(name);
    cpSync(this.copyOf(name), this.run.stateDir(name), { recursive: true });
  }

  // --- waiting

  /** Waits until `records` more are committed by whoever is there. */
  async progress(records = PROGRESS, withinMs = SOME_MS): Promise<void> {
    const from = await this.committed();
    const what = `I16 ${this.prefix}: ${records} more records to be committed, after ${from}`;
    const isThere = async (): Promise<boolean> => (await this.committed()) >= from + records;
    await eventually(what, isThere, this.run.children, withinMs);
  }

  /** Outputs go on after the fault; how long that took is noted. */
  async recovers(withinMs = LIVENESS_MS): Promise<void> {
    const startedAt = performance.now();
    await this.progress(PROGRESS, withinMs);
    const ms = Math.round(performance.now() - startedAt);
    this.notes["recoveredMs"] = Math.max(ms, this.notes["recoveredMs"] ?? 0);
  }

  /** The sum of the group's offsets; what it was while nobody says. */
  async committed(): Promise<number> {
    const committed = await committedOffsets(this.#admin, this.prefix).catch(() => null);
    if (committed !== null) this.#known = sumOf(committed);
    return this.#known;
  }

  /**
   * Until so many committed records are in a topic of the run, as `letters`, or it is plain that they do not
   * come: what that means is for the checker to say.
   */
  async records(topic: string, count: number, quietMs = QUIET_MS): Promise<void> {
    const seen = await watch(this.run.kafka, `${this.prefix}-${topic}`);
    let [known, since] = [0, performance.now()];
    const isOver = (): boolean => {
      if (seen.records.length !== known) since = performance.now();
      known = seen.records.length;
      return known >= count || performance.now() - since > quietMs;
    };
    try {
      await eventually(`${count} records in ${topic}`, isOver, this.run.children, 5 * quietMs);
    } finally {
      await seen.stop();
    }
  }

  // --- the network

  /** Only requests of sidecars meet `fault`: every `each`-th of an API, `times` in all. */
  trouble(apiKey: number, fault: NetworkFault, each: number, times: number): void {
    let seen = 0;
    const when: Rule["when"] = ({ clientId }) => clientId === this.prefix && ++seen % each === 0;
    this.ground.network.inject({ apiKey, when, times, fault });
  }

  /** Ends what the fault did to the network. */
  calm(): void {
    this.ground.network.inject();
  }

  async meets(faults: number): Promise<void> {
    const { network } = this.ground;
    const from = network.faults;
    await eventually("the requests to meet their faults", () => network.faults >= from + faults);
  }

  // --- the end

  /** What every process said, for whoever looks into a failure. */
  keepLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const [index, { name, output }] of this.run.children.entries()) {
      appendFileSync(join(folder, `${index}-${name.replaceAll(/\W+/g, "-")}.log`), output);
    }
  }

  /** Undone when all processes are gone. */
  atEnd(undo: () => void): void {
    this.#atEnd.push(undo);
  }

  async end(): Promise<void> {
    this.ground.network.inject();
    await this.feeder.stop();
    this.endSupervision();
    for (const child of this.run.children) if (child.isRunning) await child.kill();
    for (const undo of this.#atEnd) undo();
    await this.#deleteTopics().catch(() => {});
    await this.#admin.disconnect();
    await this.run.end();
  }

  /** A broker with the topics of all runs would take ever longer for everything. */
  async #deleteTopics(): Promise<void> {
    const topics = await this.#admin.listTopics();
    const own = topics.filter((topic) => topic.startsWith(`${this.prefix}-`));
    await this.#admin.deleteTopics({ topics: own });
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

function sumOf(offsets: ReadonlyMap<number, number>): number {
  return [...offsets.values()].reduce((sum, offset) => sum + Math.max(0, offset), 0);
}

/** Whole numbers below a bound, the same for the same seed (xorshift32). */
export function dice(seed: number): (bound: number) => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
