import { suffixBytesOfKind } from "../model/entry-time.ts";
import type { StoreSpec } from "../model/topology.ts";
import { DiskTimes } from "./disk-times.ts";
import { KeyFilter } from "./key-filter.ts";
import { suffixBytesOf } from "./key-times.ts";
import { Overlay } from "./overlay.ts";
import { StateTable } from "./state-table.ts";
import type { StoreMemory } from "./store-memory.ts";
import { isFoundByValue } from "./value-times.ts";

interface OnDisk {
  /** A store without a position: what there was has been deleted as it was opened. */
  readonly isEmpty: boolean;
  /** The time of the last entry; infinite where none is found by its time. */
  readonly lastTimeMs: number | undefined;
}

/** The memory of a store by how it is read; `cacheBytes` bounds what is kept for the sake of reads. */
export function memoryOf(
  spec: StoreSpec,
  store: number,
  cacheBytes: () => number,
  { isEmpty, lastTimeMs = Number.POSITIVE_INFINITY }: OnDisk,
): StoreMemory {
  const { isRanged, isTimed, isOfTimers, kind } = spec;
  const isByKey = !(isRanged || isTimed || isOfTimers || isFoundByValue(spec));
  if (!isByKey)
    return new Overlay(store, suffixBytesOf(spec), isTimed ? suffixBytesOfKind(kind) : 0);
  const times = kind === "window" ? new DiskTimes(lastTimeMs) : null;
  return new StateTable(store, cacheBytes, times, new KeyFilter(cacheBytes, isEmpty));
}
