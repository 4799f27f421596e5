import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "../../support/sidecar-process.ts";
import { committedUpTo, stop } from "./ground.ts";
import { fill } from "./java.ts";
import type { Finding, Scene } from "./measure.ts";
import { memoryOf } from "./memory.ts";
import { ProcessTree } from "./process-tree.ts";
import { languageOf } from "./workloads.ts";

/** Records behind the entries, of keys that are there: their totals show that the old state came back. */
export const PROBES = 1_000;

/**
 * Fills a store, deletes it, and starts the system again: entries by the time between the first word of
 * a restoration and the last task that runs, by the system's own clock.
 */
export async function restore(scene: Scene): Promise<Finding> {
  const { ground, system, dataset, place } = scene;
  const { bootstrapServers, input, group, folder } = place;
  const entries = dataset.keys;
  await fill(bootstrapServers, input, dataset, 0, entries);
  scene.children = await system.start(place);
  await committedUpTo(ground, [group, input], entries, scene.children, () => {});
  await stop(scene.children);
  rmSync(join(folder, "state"), { recursive: true, force: true });
  await fill(bootstrapServers, input, dataset, entries, dataset.records);
  scene.children = await system.start(place);
  const { children } = scene;
  const tree = new ProcessTree(children.map(({ pid }) => pid));
  await committedUpTo(ground, [group, input], dataset.records, children, () => tree.sample());
  await stop(children);
  const found = (languageOf(system.name) === null ? toldByStreams : toldBySidecar)(children);
  if (found.records < entries) {
    throw new Error(`${found.records} of ${entries} entries were restored`);
  }
  const restoreSeconds = Math.max(found.endedMs - found.begunMs, 1) / 1_000;
  const memory = memoryOf(scene, tree, children[0]?.pid ?? 0);
  return () => ({ restoreRate: entries / restoreSeconds, restoreSeconds, ...memory });
}

interface Told {
  readonly begunMs: number;
  readonly endedMs: number;
  readonly records: number;
}

interface Line {
  readonly what: string;
  readonly atMs: number;
  readonly records: number;
}

export function toldOf(lines: readonly Line[]): Told {
  const of = (...what: readonly string[]): Line[] => {
    return lines.filter((line) => what.includes(line.what));
  };
  const atMs = (found: readonly Line[]): number[] => found.map((line) => line.atMs);
  return {
    begunMs: Math.min(...atMs(of("restoring"))),
    endedMs: Math.max(...atMs(of("restored", "running"))),
    records: of("restored").reduce((all, { records }) => all + records, 0),
  };
}

/** `restored 1700000000000 250000`: see RestoreClock.java. */
function toldByStreams([streams]: readonly Child[]): Told {
  const found = streams?.output.matchAll(/^(restoring|restored|running) (\d+) (\d+)$/gm) ?? [];
  const lines = [...found].map(([, what = "", atMs, records]): Line => {
    return { what, atMs: Number(atMs), records: Number(records) };
  });
  return toldOf(lines);
}

const WORDS: Readonly<Record<string, string>> = {
  "restoring a store": "restoring",
  "store restored": "restored",
  "task taken over": "running",
};

function toldBySidecar([sidecar]: readonly Child[]): Told {
  const lines = (sidecar?.output ?? "").split("\n").filter((line) => line.startsWith("{"));
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, string | number>);
  return toldOf(
    parsed.flatMap((line): Line[] => {
      const what = WORDS[String(line["msg"])];
      if (what === undefined) return [];
      return [{ what, atMs: Date.parse(String(line["time"])), records: Number(line["records"]) }];
    }),
  );
}
