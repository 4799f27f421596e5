import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Child } from "../../support/sidecar-process.ts";
import { drain } from "./drain.ts";
import type { Figures } from "./figures.ts";
import { forget, type Ground, makeOutput, stop } from "./ground.ts";
import { type Dataset, type Judged, judge } from "./java.ts";
import { latency } from "./latency.ts";
import { restore } from "./restore.ts";
import type { Place, System } from "./systems.ts";
import type { Workload } from "./workloads.ts";

export interface Measured {
  readonly figures: Figures | null;
  readonly fault: string | null;
}

/** One run, while it lasts. */
export interface Scene {
  readonly ground: Ground;
  readonly system: System;
  readonly workload: Workload;
  readonly dataset: Dataset;
  readonly place: Place;
  /** What was started last: it is stopped at the end, whatever becomes of the run. */
  children: readonly Child[];
}

/** What was measured, once it is known what was read. */
export type Finding = (read: Judged) => Figures;

const KINDS: Readonly<Record<Workload["kind"], (scene: Scene) => Promise<Finding>>> = {
  drain,
  restore,
  latency,
};

/** Lets a system do a workload, and judges every record that it made. */
export async function measure(
  ground: Ground,
  system: System,
  workload: Workload,
  dataset: Dataset,
  [group, input]: readonly [group: string, input: string],
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const { bootstrapServers } = ground;
  const output = `${group}-out`;
  const { shape, settings, partitions } = workload;
  const place = { bootstrapServers, shape, settings, input, output, group, folder };
  const scene: Scene = { ground, system, workload, dataset, place, children: [] };
  try {
    await makeOutput(ground, output, partitions);
    const finding = await KINDS[workload.kind](scene);
    await stop(scene.children);
    const read = await judge(bootstrapServers, output, dataset, shape);
    if (read.records === 0) throw new Error("there is no output");
    const fault = read.faults === 0 ? null : `${read.faults} faults, first ${read.fault}`;
    return { figures: finding(read), fault };
  } catch (error: unknown) {
    return { figures: null, fault: error instanceof Error ? error.message : String(error) };
  } finally {
    await stop(scene.children);
    await forget(ground.admin, group);
    rmSync(folder, { recursive: true, force: true });
  }
}
