import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import type { Child } from "../../support/sidecar-process.ts";
import { makeTopics } from "../../support/topics.ts";
import type { Figures } from "./figures.ts";
import { type Dataset, type Judged, judge } from "./java.ts";
import { ProcessTree } from "./process-tree.ts";
import type { System } from "./systems.ts";
import type { Workload } from "./workloads.ts";

const LOOK_EACH_MS = 100;
const STOP_MAX_MS = 30_000;
/** A system that commits nothing for so long has failed. */
const STALLED_MS = 120_000;
/** The kernel counts processor time in ticks of 10 ms: over less than this it says nothing. */
const LAST_HALF_MIN_MS = 500;

/** One broker and the input on it, for all systems. */
export interface Ground {
  readonly bootstrapServers: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly input: string;
  readonly dataset: Dataset;
}

export interface Measured {
  readonly figures: Figures | null;
  readonly fault: string | null;
}

/** Processor time until all, and the last half, was committed. */
interface Cpu {
  readonly wholeMs: number;
  readonly lastHalfMs: number | null;
  readonly lastHalfRecords: number;
  readonly peakRssBytes: number;
}

/**
 * Lets a system work the whole input off and judges what it made: the group's committed offsets say when
 * it is through, its output on the broker says all the rest.
 */
export async function measure(
  ground: Ground,
  system: System,
  workload: Workload,
  group: string,
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const output = `${group}-out`;
  const { bootstrapServers, input, dataset } = ground;
  let children: readonly Child[] = [];
  try {
    const configs = { "retention.ms": "-1", "message.timestamp.type": "LogAppendTime" };
    await makeTopics(ground.kafka, [output], configs);
    const startedAtMs = Date.now();
    children = await system.start({ bootstrapServers, workload, input, output, group, folder });
    const cpu = await workedOff(ground, group, children);
    await stop(children);
    const judged = await judge(bootstrapServers, output, dataset, workload);
    const fault = judged.faults === 0 ? null : `${judged.faults} faults, first ${judged.fault}`;
    return { figures: figuresOf(judged, cpu, startedAtMs, dataset.records), fault };
  } catch (error: unknown) {
    return { figures: null, fault: error instanceof Error ? error.message : String(error) };
  } finally {
    await stop(children);
    await forget(ground.admin, group);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function workedOff(ground: Ground, group: string, children: readonly Child[]): Promise<Cpu> {
  const { admin, input, dataset } = ground;
  const tree = new ProcessTree(children.map(({ pid }) => pid));
  let last = { records: 0, atMs: performance.now() };
  let half: { readonly records: number; readonly cpuMs: number; readonly atMs: number } | null =
    null;
  for (;;) {
    const records = await committed(admin, group, input);
    tree.sample();
    if (records >= dataset.records) break;
    if (half === null && records >= dataset.records / 2) {
      half = { records, cpuMs: tree.cpuMs, atMs: performance.now() };
    }
    const dead = children.find(({ isRunning }) => !isRunning);
    if (dead !== undefined) {
      const last = dead.output.trimEnd().slice(-1_000);
      throw new Error(
        `${dead.name} ended with ${await dead.ended()} (${records} committed): ${last}`,
      );
    }
    const nowMs = performance.now();
    if (records > last.records) last = { records, atMs: nowMs };
    if (nowMs - last.atMs > STALLED_MS) {
      const said = children.map(({ name, output }) => `${name}: ${output.trimEnd().slice(-500)}`);
      const of = `${records} of ${dataset.records}`;
      throw new Error(`stalled for ${STALLED_MS} ms at ${of} committed: ${said.join("; ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
  const whole = { wholeMs: tree.cpuMs, peakRssBytes: tree.peakRssBytes };
  if (half === null || performance.now() - half.atMs < LAST_HALF_MIN_MS) {
    return { ...whole, lastHalfMs: null, lastHalfRecords: 0 };
  }
  const lastHalfMs = tree.cpuMs - half.cpuMs;
  return { ...whole, lastHalfMs, lastHalfRecords: dataset.records - half.records };
}

/** The input has no markers, so that the sum of offsets is a number of records. */
async function committed(admin: Admin, groupId: string, topic: string): Promise<number> {
  // The group is not there yet, or its coordinator is loading still.
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => []);
  const offsets = found?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
  return offsets.reduce((all, each) => all + each, 0);
}

/** In order, so that what is open is committed or aborted before the output is judged. */
async function stop(children: readonly Child[]): Promise<void> {
  for (const child of children) {
    if (!child.isRunning) continue;
    const killed = setTimeout(() => child.signal("SIGKILL"), STOP_MAX_MS);
    await child.stop();
    clearTimeout(killed);
  }
}

/** Topics of a run that is over only take the disk's time from the next one. */
async function forget(admin: Admin, group: string): Promise<void> {
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${group}-`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } catch {
    // They stay until the broker goes: no reason to lose the runs that are still to come.
  }
}

function figuresOf(
  { records, firstMs, halfMs, lastMs }: Judged,
  cpu: Cpu,
  startedAtMs: number,
  inputRecords: number,
): Figures | null {
  if (records === 0) return null;
  // The broker's clock counts in ms: an output of one batch took less than it can tell.
  const perSecond = (count: number, ms: number): number => (count / Math.max(ms, 1)) * 1_000;
  const { wholeMs, lastHalfMs, lastHalfRecords, peakRssBytes } = cpu;
  return {
    rate: perSecond(records, lastMs - firstMs),
    lastHalfRate: perSecond(records - Math.floor(records / 2), lastMs - halfMs),
    cpuMicros: (wholeMs / inputRecords) * 1_000,
    lastHalfCpuMicros: lastHalfMs === null ? null : (lastHalfMs / lastHalfRecords) * 1_000,
    peakRssMb: peakRssBytes / 1e6,
    firstOutputSeconds: (firstMs - startedAtMs) / 1_000,
  };
}
