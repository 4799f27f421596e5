import type { StoreMemory } from "./store-memory.ts";

/**
 * How far the disk may lag behind what is committed, by the wall clock of the commits, by keys of one store
 * and by bytes of all: a crash restores as much from the changelog (docs/adr/0023). A key that changes
 * with every commit is written once in it.
 */
const WRITE_EACH_MS = 1_000;
const UNWRITTEN_KEYS_MAX = 65_536;
/** Of a store whose keys hardly change twice meanwhile: waiting saves nothing, and takes memory. */
const UNWRITTEN_COLD_MAX = 8_192;
const COLD_CHANGES_EACH = 1.05;
/** Of a store whose entries are found by the time in their value: a look goes through what is not written. */
const UNWRITTEN_TIMES_MAX = 1_000;
const UNWRITTEN_BYTES_MAX = 16 * 1024 * 1024;

const GOLDEN_RATIO = 0.618_034;

/**
 * Where in each second, in ms, a task writes: tasks that commit together take turns. Those of neighbouring
 * partitions lie far apart, however many they are.
 */
export function phaseOf(taskName: string): number {
  const partition = Number(taskName.slice(taskName.lastIndexOf("_") + 1));
  return Math.floor(((partition * GOLDEN_RATIO) % 1) * WRITE_EACH_MS) || 0;
}

/** Whether a second has begun since the last write; a clock that went back counts as late. */
export function isSecondOver(writtenAtMs: number | null, wallMs: number, phaseMs: number): boolean {
  if (writtenAtMs === null || wallMs < writtenAtMs) return true;
  const secondOf = (atMs: number): number => Math.floor((atMs - phaseMs) / WRITE_EACH_MS);
  return secondOf(wallMs) !== secondOf(writtenAtMs);
}

/** Whether more is not written than may be; `isTimed` says of a store that a look goes through all of it. */
export function isTooMuch(
  memories: readonly StoreMemory[],
  isTimed: (store: number) => boolean,
): boolean {
  let bytes = 0;
  for (const [store, memory] of memories.entries()) {
    if (memory.unwrittenCount >= unwrittenMax(memory, isTimed(store))) return true;
    bytes += memory.unwrittenBytes;
  }
  return bytes >= UNWRITTEN_BYTES_MAX;
}

function unwrittenMax({ unwrittenCount, unwrittenChanges }: StoreMemory, isTimed: boolean): number {
  if (isTimed) return UNWRITTEN_TIMES_MAX;
  const isCold = unwrittenChanges < unwrittenCount * COLD_CHANGES_EACH;
  return isCold ? UNWRITTEN_COLD_MAX : UNWRITTEN_KEYS_MAX;
}
