import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { KeyTable } from "../model/key-table.ts";
import type { ParkingPlan, Program } from "../model/topology.ts";
import { valueAt } from "../model/value-columns.ts";
import type { Offsets } from "../ports/consumer.ts";
import type { TaskState } from "../ports/store.ts";
import type { OffsetMetadata } from "../tasks/offset-metadata.ts";
import { ParkedKeys } from "../tasks/parked-keys.ts";
import {
  CONTROL_POSITION_KEY,
  decodeControlPosition,
  decodeParkedKey,
} from "../tasks/parked-record.ts";
import { PARKED_STORE } from "../topology/names.ts";
import type { ParkingStart } from "./parking.ts";

const PAGE = { entriesMax: 1_000, bytesMax: 4 * 1024 * 1024 };

/** Reads which keys wait, and where the control topic goes on: the store is restored before. */
export async function openParking(
  { store, controlTopic }: ParkingPlan,
  topicId: string | undefined,
  partition: number,
  state: TaskState,
  offsets: Offsets,
  signal: AbortSignal,
): Promise<ParkingStart> {
  invariant(topicId !== undefined, `${controlTopic} was not described before the takeover`);
  const keys = new ParkedKeys();
  const waiting: { key: string; sequence: number; bytes: number }[] = [];
  const nothing = { keys: [], values: [] };
  for (let from: Buffer | null = null; ; ) {
    const range = { from, to: null, reverse: false };
    const page = await state.range(store, range, nothing, PAGE);
    for (const [index, bytes] of page.keys.entries()) {
      const parked = decodeParkedKey(bytes);
      if (parked === null) continue;
      const key = parked.key.toString("latin1");
      const value = page.values[index]?.length ?? 0;
      waiting.push({ key, sequence: parked.sequence, bytes: value + key.length });
    }
    const last = page.keys.at(-1);
    if (!page.more || last === undefined) break;
    from = Buffer.concat([last, Buffer.from([0])]);
  }
  waiting.sort((a, b) => a.sequence - b.sequence);
  for (const { key, ...record } of waiting) keys.add(key, record);
  const known = decodeControlPosition(await readOne(state, store, CONTROL_POSITION_KEY));
  const { start, end } = await offsets.range({ topic: controlTopic, partition }, signal);
  const position = known?.topicId === topicId ? known.offset : 0;
  // Commands that retention took were never carried out; what they meant still waits.
  const from = Math.max(position, start);
  return { keys, topicId, from, target: end };
}

async function readOne(state: TaskState, store: number, key: Buffer): Promise<Buffer | null> {
  const table = new KeyTable();
  table.add(key, 0, key.length);
  return valueAt(await state.read(store, table.keys(), "staged"), 0);
}

/** Records that wait must not be overtaken because a setting was taken away. */
export function refuseForgotten(program: Program, metadata: OffsetMetadata | null): void {
  if (program.parking !== null) return;
  if ((metadata?.changelogs.get(PARKED_STORE)?.end ?? 0) === 0) return;
  const text =
    "this application has parked records, and parking is off: later records of their keys would overtake " +
    "them. Set parked.enable: true again";
  throw new OutriggerError("CONFIG_INVALID", text);
}
