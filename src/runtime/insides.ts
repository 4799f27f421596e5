import { OutriggerError } from "../errors/outrigger-error.ts";
import { entryTime, STAMP_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";
import type { Programs, StoreSpec } from "../model/topology.ts";
import type { KeyRange, PageLimits } from "../ports/store.ts";
import type { GroupLoop } from "./group-loop.ts";
import type { Lane } from "./lane.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { TaskSet } from "./task-set.ts";

/** What an active topology is made of, for who moves its clock and looks into its stores. */
export interface Insides {
  readonly tasks: TaskSet;
  readonly lane: Lane | null;
  readonly group: GroupLoop;
}

/**
 * What has to happen next: `busy` goes on by itself, `waiting` goes on when the clock has moved. Idle is
 * all that can be done at this time: what is left waits for input, or to be tried again.
 */
export type Standing = "busy" | "waiting" | "idle";

export function standingOf({ tasks, lane, group }: Insides): Standing {
  const isWorking = tasks.all().some((runner) => isBusy(runner));
  if (isWorking || !tasks.settled || lane === null || lane.standing === "busy") return "busy";
  if (lane.standing === "waiting" || group.membership.memberEpoch <= 0) return "waiting";
  return "idle";
}

function isBusy(runner: TaskRunner): boolean {
  return !runner.isIdle || (runner.phase === "running" && runner.ledger.unfinished > 0);
}

/** Every task's stream time is at least this, as if a record of that timestamp had been read. */
export function advanceStreamTime({ tasks }: Insides, timestamp: number): void {
  for (const runner of tasks.all()) runner.advanceStreamTime(timestamp);
}

export interface StoredEntry {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  /** Of a timestamped key-value store, in ms. */
  readonly timestamp?: number;
}

const PAGE: PageLimits = { entriesMax: 1_000, bytesMax: 1024 * 1024 };

/**
 * Entries of a store over all tasks, by partition and key, up to `entriesMax`; null where there are more.
 * Sees what is staged: read it when the kernel is idle.
 */
export async function readStore(
  { tasks }: Insides,
  programs: Programs,
  name: string,
  range: KeyRange,
  entriesMax: number,
): Promise<StoredEntry[] | null> {
  const { subtopology, store, spec } = placeOf(programs, name);
  const stampBytes = spec.isTimestamped === true ? STAMP_BYTES : 0;
  const entries: StoredEntry[] = [];
  const own = tasks.all().filter(({ id }) => id.subtopology === subtopology);
  const runners = own.toSorted((left, right) => left.id.partition - right.id.partition);
  for (const { state, id, cutStreamTimeMs } of runners) {
    const goneUpToMs = cutStreamTimeMs - (spec.retentionMs ?? Number.POSITIVE_INFINITY);
    let { from } = range;
    for (let more = true; more; ) {
      const page = await state.range(store, { ...range, from }, NOTHING_WRITTEN, PAGE);
      for (const [index, key] of page.keys.entries()) {
        const stored = page.values[index] ?? NOTHING;
        const at = spec.kind === "keyValue" ? timestampOf(stored) : entryTime(spec.kind, key);
        if (spec.retentionMs !== undefined && at <= goneUpToMs) continue;
        const value = stored.subarray(stampBytes);
        const stamp = spec.kind === "keyValue" && stampBytes > 0 ? { timestamp: at } : {};
        entries.push({ partition: id.partition, key, value, ...stamp });
      }
      if (entries.length > entriesMax) return null;
      more = page.more;
      from = Buffer.concat([page.keys.at(-1) ?? NOTHING, AFTER]);
    }
  }
  return entries;
}

function timestampOf(value: Buffer): number {
  return value.length < STAMP_BYTES ? 0 : readLong(value, 0);
}

const NOTHING_WRITTEN = { keys: [], values: [] };
const NOTHING = Buffer.alloc(0);
/** Behind a key comes, first of all, the key with a zero byte. */
const AFTER = Buffer.from([0]);

function placeOf(
  programs: Programs,
  name: string,
): { readonly subtopology: number; readonly store: number; readonly spec: StoreSpec } {
  for (const { subtopology, stores } of programs) {
    const store = stores.findIndex((spec) => spec.name === name);
    const spec = stores[store];
    if (spec !== undefined) return { subtopology, store, spec };
  }
  const stores = programs.flatMap((program) => program.stores);
  const known = stores.map((spec) => spec.name).join(", ") || "none";
  const text = `the topology has no store ${name}, its stores are: ${known}. Mend the name`;
  throw new OutriggerError("TEST_DRIVER_REFUSED", text);
}
