import type { Admin, Kafka } from "kafkajs";
import type { Child } from "../../support/sidecar-process.ts";
import { makeTopics } from "../../support/topics.ts";
import { type Dataset, fill } from "./java.ts";
import type { Workload } from "./workloads.ts";

const STOP_MAX_MS = 30_000;
/** A system that commits nothing for so long has failed. */
const STALLED_MS = 120_000;
const LOOK_EACH_MS = 100;

/** One broker, for all systems. */
export interface Ground {
  readonly bootstrapServers: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly baseMs: number;
  readonly seed: number;
}

export function datasetOf({ baseMs, seed }: Ground, workload: Workload, records: number): Dataset {
  const { order, valueBytes } = workload;
  const keys = workload.keys === "each" ? records : workload.keys;
  return { records, baseMs, seed, keys, order, valueBytes };
}

/** Inputs that several runs read, each made when it is first asked for. */
export class Inputs {
  readonly #ground: Ground;
  readonly #topics = new Map<string, string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** The same for two that have the same records in as many partitions. */
  static nameOf(workload: Workload, records: number): string {
    const { keys, order, valueBytes, partitions } = workload;
    return `bench-in-${records}-${keys}-${order}-${valueBytes}-${partitions}`;
  }

  async topicOf(workload: Workload, records: number): Promise<string> {
    const name = Inputs.nameOf(workload, records);
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const { kafka, bootstrapServers } = this.#ground;
    await makeTopics(kafka, [name], { "retention.ms": "-1" }, workload.partitions);
    await fill(bootstrapServers, name, datasetOf(this.#ground, workload, records));
    this.#topics.set(name, name);
    return name;
  }

  /** Those that are read no more only take the disk's room. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    const over = [...this.#topics.keys()].filter((name) => !names.has(name));
    for (const name of over) this.#topics.delete(name);
    if (over.length > 0) await this.#ground.admin.deleteTopics({ topics: over });
  }
}

const BY_APPEND_TIME = { "retention.ms": "-1", "message.timestamp.type": "LogAppendTime" };

export async function makeOutput(
  { kafka }: Ground,
  topic: string,
  partitions: number,
): Promise<void> {
  await makeTopics(kafka, [topic], BY_APPEND_TIME, partitions);
}

/** Until the group has committed so much of the topic; looks at it, and at its processes, meanwhile. */
export async function committedUpTo(
  { admin }: Ground,
  [group, topic]: readonly [group: string, topic: string],
  wanted: number,
  children: readonly Child[],
  look: (records: number) => void,
): Promise<void> {
  let last = { records: 0, atMs: performance.now() };
  for (;;) {
    const records = await committed(admin, group, topic);
    look(records);
    if (records >= wanted) return;
    await mustRun(children, `${records} committed`);
    const nowMs = performance.now();
    if (records > last.records) last = { records, atMs: nowMs };
    if (nowMs - last.atMs > STALLED_MS) {
      const said = children.map(({ name, output }) => `${name}: ${output.trimEnd().slice(-500)}`);
      const of = `${records} of ${wanted}`;
      throw new Error(`stalled for ${STALLED_MS} ms at ${of} committed: ${said.join("; ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
}

export async function mustRun(children: readonly Child[], where: string): Promise<void> {
  const dead = children.find(({ isRunning }) => !isRunning);
  if (dead === undefined) return;
  const last = dead.output.trimEnd().slice(-1_000);
  throw new Error(`${dead.name} ended with ${await dead.ended()} (${where}): ${last}`);
}

/** The input has no markers, so that the sum of offsets is a number of records. */
async function committed(admin: Admin, groupId: string, topic: string): Promise<number> {
  // The group is not there yet, or its coordinator is loading still.
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => []);
  const offsets = found?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
  return offsets.reduce((all, each) => all + each, 0);
}

/** In order, so that what is open is committed or aborted before the output is judged. */
export async function stop(children: readonly Child[]): Promise<void> {
  for (const child of children) {
    if (!child.isRunning) continue;
    const killed = setTimeout(() => child.signal("SIGKILL"), STOP_MAX_MS);
    await child.stop();
    clearTimeout(killed);
  }
}

/** Topics of a run that is over only take the disk's time from the next one. */
export async function forget(admin: Admin, group: string): Promise<void> {
  try {
    // Quix puts the group into the middle of the names of its own.
    const topics = (await admin.listTopics()).filter((topic) => topic.includes(`${group}-`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } catch {
    // They stay until the broker goes: no reason to lose the runs that are still to come.
  }
}
