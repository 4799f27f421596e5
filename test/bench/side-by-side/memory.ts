import type { Figures } from "./figures.ts";
import type { Scene } from "./measure.ts";
import type { ProcessTree } from "./process-tree.ts";
import { languageOf, type Workload } from "./workloads.ts";

/** What the sidecar's configuration lets it take, from the defaults of docs/configuration.md. */

/** An idle sidecar's budget. */
const IDLE_BYTES = 120e6;
const MIB = 1_024 * 1_024;
const FETCH_MAX_BYTES = 16 * MIB;
const INPUT_BUFFER_MAX_BYTES = 2 * MIB;
const BATCH_MAX_BYTES = 512 * 1_024;
const BATCH_MAX_IN_FLIGHT = 4;
const UNCOMMITTED_MAX_BYTES = 24 * MIB;
const ROCKSDB_MAX_BYTES = 256 * MIB;

/**
 * A fetch answer that is being read and one that is being taken apart, and what is not committed; for each
 * task what it prefetches, and its batches with their answers; with a store, RocksDB.
 */
export function boundBytes({ partitions, shape, settings }: Workload): number {
  const batches = 2 * BATCH_MAX_IN_FLIGHT * BATCH_MAX_BYTES;
  const perTask = INPUT_BUFFER_MAX_BYTES + batches;
  const ofAll = IDLE_BYTES + 2 * FETCH_MAX_BYTES + UNCOMMITTED_MAX_BYTES;
  const stateless = ofAll + partitions * perTask;
  return shape === "W1" ? stateless : stateless + (settings.storeBytes ?? ROCKSDB_MAX_BYTES);
}

/** The most that was taken: by all together and, where there is one, by the sidecar alone. */
export function memoryOf({ system, workload }: Scene, tree: ProcessTree, pid: number): Figures {
  const peakRssMb = tree.peakRssBytes / 1e6;
  if (languageOf(system.name) === null) return { peakRssMb };
  const sidecarPeakRssMb = tree.peakRssBytesOf(pid) / 1e6;
  return { peakRssMb, sidecarPeakRssMb, boundMb: boundBytes(workload) / 1e6 };
}
