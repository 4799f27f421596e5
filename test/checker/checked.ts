import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { followWithJava } from "../support/judges.ts";
import { Child, eventually, startApplication } from "../support/sidecar-process.ts";
import { kafkaAt } from "../support/topics.ts";
import { check, outputsOf } from "./check.ts";
import { type Conditions, USUAL } from "./conditions.ts";
import { BETWEEN } from "./regrouped.ts";
import type { Verdict } from "./verdict.ts";
import { APPLICATION, committedOffsets, isDrained, makeWorkload, send } from "./workload.ts";

/** Small batches and quick commits, so that what happens falls among many. */
const FLAGS = { "batch.max.records": 20, "commit.interval.ms": 20 };
const DRAIN_MS = 90_000;
const DRAIN_MS_MAX = 600_000;
/** Longer than a session and a takeover. */
const QUIET_MS = 15_000;
const STOP_MS = 20_000;
/** So often that a kill falls between a purge and the next commit. */
const PURGE_MS = 200;

export type Flags = Readonly<Record<string, string | number>>;

/** One run of the workload on a broker, judged at its end. */
export class Checked {
  readonly kafka: Kafka;
  readonly prefix: string;
  readonly children: Child[] = [];
  readonly #bootstrapServers: string;
  readonly #folder: string;
  readonly #main: string;
  readonly #replicas: number;
  readonly #conditions: Conditions;
  readonly #stateDirs = new Set<string>();
  #admin: Admin | null = null;
  #follower: Awaited<ReturnType<typeof followWithJava>> | null = null;

  /** `main` is the sidecar to run, compiled or bundled; `run` and flags are added. */
  private constructor(
    bootstrapServers: string,
    prefix: string,
    main: string,
    replicas: number,
    conditions: Conditions,
  ) {
    this.kafka = kafkaAt(bootstrapServers);
    this.prefix = prefix;
    this.#bootstrapServers = bootstrapServers;
    this.#main = main;
    this.#replicas = replicas;
    this.#conditions = conditions;
    this.#folder = mkdtempSync(join(tmpdir(), "outrigger-checked-"));
  }

  static async make(
    bootstrapServers: string,
    prefix: string,
    main: string,
    replicas = 1,
    conditions: Conditions = USUAL,
  ): Promise<Checked> {
    const checked = new Checked(bootstrapServers, prefix, main, replicas, conditions);
    await makeWorkload(checked.kafka, prefix, replicas, conditions);
    checked.#admin = checked.kafka.admin();
    await checked.#admin.connect();
    const outputs = outputsOf(conditions).map((name) => `${prefix}-${name}`);
    checked.#follower = await followWithJava(bootstrapServers, outputs);
    return checked;
  }

  /** A sidecar of this name, with its state directory and its application. */
  startSidecar(name: string, environment: Record<string, string> = {}, flags: Flags = {}): Child {
    const stateDir = this.stateDir(name);
    this.#stateDirs.add(stateDir);
    const values = {
      "bootstrap.servers": this.#bootstrapServers,
      "application.id": this.prefix,
      "state.dir": stateDir,
      "server.address": this.address(name),
      "replication.factor": this.#replicas,
      ...FLAGS,
      ...this.#conditionFlags,
      ...flags,
    };
    const given = Object.entries(values).flatMap(([key, value]) => [`--${key}`, String(value)]);
    const sidecar = new Child(`sidecar ${name}`, [this.#main, "run", ...given], environment);
    this.children.push(sidecar);
    return sidecar;
  }

  startApplication(name: string, environment: Record<string, string> = {}): Child {
    return this.startApplicationAt(this.address(name), environment);
  }

  startApplicationAt(address: string, environment: Record<string, string> = {}): Child {
    const parks = this.#conditions.parks ? { OUTRIGGER_TEST_PARKS: "1" } : {};
    const groups = this.#conditions.regroups === true ? { OUTRIGGER_TEST_REGROUPS: "1" } : {};
    const settings = { OUTRIGGER_TEST_PREFIX: this.prefix, ...parks, ...groups, ...environment };
    const application = startApplication(APPLICATION, address, settings);
    this.children.push(application);
    return application;
  }

  get #conditionFlags(): Flags {
    const { hasLetters, parks, regroups = false } = this.#conditions;
    return {
      ...(hasLetters ? { "errors.dead.letter.queue.topic.name": `${this.prefix}-letters` } : {}),
      ...(parks ? { "parked.enable": "true" } : {}),
      ...(regroups ? { "repartition.purge.interval.ms": PURGE_MS } : {}),
    };
  }

  stateDir(name: string): string {
    return join(this.#folder, `state-${name}`);
  }

  address(name: string): string {
    return `unix:${join(this.#folder, `${name}.sock`)}`;
  }

  async send(seed: number, from: number, count: number): Promise<void> {
    await send(this.kafka, this.prefix, seed, from, count);
  }

  async isDrained(): Promise<boolean> {
    const { regroups } = this.#conditions;
    return this.#admin !== null && (await isDrained(this.#admin, this.prefix, regroups));
  }

  /** Waits until the input is read to its end, as long as commits move: a busy machine is no fault. */
  async drained(stillMs = DRAIN_MS): Promise<void> {
    let [moved, since] = [-1, performance.now()];
    const isOver = async (): Promise<boolean> => {
      if (await this.isDrained()) return true;
      const at = await this.#committed();
      const between = this.#conditions.regroups ? await this.#committed(BETWEEN) : 0;
      if (at + between > moved) [moved, since] = [at + between, performance.now()];
      if (performance.now() - since <= stillMs) return false;
      throw new Error(`${this.prefix} is not read to its end: for ${stillMs} ms nothing moved`);
    };
    const what = `${this.prefix} to be read to its end`;
    await eventually(what, isOver, this.children, DRAIN_MS_MAX);
  }

  /** Waits until the input is read to its end, or it is plain that it will not be. */
  async settled(quietMs = QUIET_MS): Promise<void> {
    let [moved, since] = [-1, performance.now()];
    const isOver = async (): Promise<boolean> => {
      if (await this.isDrained()) return true;
      const at = await this.#committed();
      if (at !== moved) [moved, since] = [at, performance.now()];
      return performance.now() - since > quietMs;
    };
    await eventually(`${this.prefix} to settle`, isOver, this.children, DRAIN_MS);
  }

  /** Stops what runs, and judges; a sidecar that does not stop in order is at fault too. */
  async verdict(): Promise<Verdict> {
    const unruly: string[] = [];
    for (const child of this.children.toReversed()) {
      if (!child.isRunning) continue;
      const kill = setTimeout(() => child.signal("SIGKILL"), STOP_MS);
      child.signal("SIGCONT");
      const how = await child.stop();
      clearTimeout(kill);
      const isSidecar = child.name.startsWith("sidecar");
      if (how !== "0" && isSidecar)
        unruly.push(`I16 ${child.name} ended with ${how}, not in order`);
    }
    const { violations, counts } = await check({
      bootstrapServers: this.#bootstrapServers,
      prefix: this.prefix,
      stateDirs: [...this.#stateDirs],
      conditions: this.#conditions,
      followed: async () => (await this.#follower?.ended()) ?? [],
    });
    return { violations: [...violations, ...unruly], counts };
  }

  /** Whether so many records of the input, or more, are committed. */
  async hasCommitted(records: number): Promise<boolean> {
    return (await this.#committed()) >= records;
  }

  async #committed(name = "in"): Promise<number> {
    if (this.#admin === null) return -1;
    const committed = await committedOffsets(this.#admin, this.prefix, name);
    return [...(committed?.values() ?? [])].reduce((sum, offset) => sum + offset, 0);
  }

  async end(): Promise<void> {
    for (const child of this.children) if (child.isRunning) await child.kill();
    this.#follower?.kill();
    await this.#admin?.disconnect();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
