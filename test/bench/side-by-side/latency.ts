import { Child } from "../../support/sidecar-process.ts";
import { mustRun } from "./ground.ts";
import { benchJava, datasetText, lastLine } from "./java.ts";
import type { Finding, Scene } from "./measure.ts";
import { memoryOf } from "./memory.ts";
import { ProcessTree } from "./process-tree.ts";

/**
 * A JVM, the broker's too, is no sooner warm at this rate: with commits each 10 ms the broker's compiler
 * takes 0.4 of a core behind 45 s, where the machine is slow, and nothing behind 90. So it takes 110 s for 20
 * that count.
 */
export const WARM_UP_RATIO = 5.5;
const LOOK_EACH_MS = 20;
/** Looking at every process of the machine takes time from what is measured. */
const SAMPLE_EACH = 25;

/** What Latency.java found. */
interface Quantiles {
  readonly records: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
}

/**
 * A process that is none of ours sends at a steady rate and reads what was committed; the processor time
 * is that of the same seconds.
 */
export async function latency(scene: Scene): Promise<Finding> {
  const { system, workload, dataset, place } = scene;
  const { bootstrapServers, input, output, shape } = place;
  scene.children = await system.start(place);
  const systems = scene.children;
  const tree = new ProcessTree(systems.map(({ pid }) => pid));
  const seconds = (dataset.records - 1) / workload.perSecond;
  const warmUpSeconds = Math.round((seconds * WARM_UP_RATIO) / (1 + WARM_UP_RATIO));
  const rate = [workload.perSecond, warmUpSeconds].map(String);
  const about = [bootstrapServers, input, output, datasetText(dataset), shape, ...rate];
  const watcher = new Child("Latency", await benchJava("Latency", ...about), {}, "java");
  // The watcher goes first: nothing is stopped while it still reads.
  scene.children = [watcher, ...systems];
  const seen = new Map<string, { readonly atMs: number; readonly cpuMs: number }>();
  for (let turn = 0; watcher.isRunning; turn++) {
    if (turn % SAMPLE_EACH === 0) tree.sample();
    for (const mark of ["measuring", "sent"]) {
      if (seen.has(mark) || !watcher.output.includes(`${mark}\n`)) continue;
      tree.sample();
      seen.set(mark, { atMs: performance.now(), cpuMs: tree.cpuMs });
    }
    await mustRun(systems, "while it was measured");
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
  const how = await watcher.ended();
  if (how !== "0") throw new Error(`Latency ended with ${how}: ${watcher.output.slice(-2_000)}`);
  const [begun, over] = [seen.get("measuring"), seen.get("sent")];
  if (begun === undefined || over === undefined) throw new Error("nothing was measured");
  const said = await lastLine(watcher, /^\{.*\}$/);
  const { p50Ms, p99Ms, p999Ms, mostMs } = JSON.parse(said) as Quantiles;
  const cpuPercent = ((over.cpuMs - begun.cpuMs) / (over.atMs - begun.atMs)) * 100;
  const memory = memoryOf(scene, tree, systems[0]?.pid ?? 0);
  return () => ({ p50Ms, p99Ms, p999Ms, mostMs, cpuPercent, ...memory });
}
