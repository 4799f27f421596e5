import type { Figures } from "./figures.ts";
import { committedUpTo } from "./ground.ts";
import type { Finding, Scene } from "./measure.ts";
import { memoryOf } from "./memory.ts";
import { ProcessTree } from "./process-tree.ts";

/** The kernel counts processor time in ticks of 10 ms: over less than this it says nothing. */
const LAST_HALF_MIN_MS = 500;

/**
 * Lets a system work a whole input off: the group's committed offsets say when it is through, its output
 * on the broker says all the rest.
 */
export async function drain(scene: Scene): Promise<Finding> {
  const { ground, system, dataset, place } = scene;
  const { group, input } = place;
  const startedAtMs = Date.now();
  scene.children = await system.start(place);
  const { children } = scene;
  const tree = new ProcessTree(children.map(({ pid }) => pid));
  const [sidecar] = children;
  let half: { readonly records: number; readonly cpuMs: number; readonly atMs: number } | null =
    null;
  await committedUpTo(ground, [group, input], dataset.records, children, (records) => {
    tree.sample();
    if (half !== null || records < dataset.records / 2 || records >= dataset.records) return;
    half = { records, cpuMs: tree.cpuMs, atMs: performance.now() };
  });
  const [wholeMs, endedMs] = [tree.cpuMs, performance.now()];
  // The broker's clock counts in ms: an output of one batch took less than it can tell.
  const perSecond = (count: number, ms: number): number => (count / Math.max(ms, 1)) * 1_000;
  return (read) => ({
    rate: perSecond(read.records, read.lastMs - read.firstMs),
    lastHalfRate: perSecond(read.records - Math.floor(read.records / 2), read.lastMs - read.halfMs),
    cpuMicros: (wholeMs / dataset.records) * 1_000,
    ...lateCpu(half, wholeMs, endedMs, dataset.records),
    firstOutputSeconds: (read.firstMs - startedAtMs) / 1_000,
    ...memoryOf(scene, tree, sidecar?.pid ?? 0),
  });
}

function lateCpu(
  half: { readonly records: number; readonly cpuMs: number; readonly atMs: number } | null,
  wholeMs: number,
  endedMs: number,
  records: number,
): Figures {
  if (half === null || endedMs - half.atMs < LAST_HALF_MIN_MS) return {};
  return { lastHalfCpuMicros: ((wholeMs - half.cpuMs) / (records - half.records)) * 1_000 };
}
