import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { packKeys } from "../model/changes.ts";
import { RecordColumns, STRIDE } from "../model/columns.ts";
import type { Program } from "../model/topology.ts";
import { valuesOf } from "../model/value-columns.ts";
import type { TaskState } from "../ports/store.ts";
import type { ParkCommand } from "../tasks/park-command.ts";
import type { ParkedRecord } from "../tasks/parked-keys.ts";
import { decodeParked, type ParkedCause, parkedKey } from "../tasks/parked-record.ts";
import type { Taken } from "./input-queue.ts";

export interface AskedRecords {
  readonly store: number;
  /** Latin1. */
  readonly key: string;
  /** At least one. */
  readonly records: readonly ParkedRecord[];
  readonly bytesMax: number;
  readonly action: ParkCommand["action"];
}

/**
 * Parked records of one key as rows of a batch, as they were: topic, partition, offset, timestamp, key,
 * value and headers. At least the first; it ends before `bytesMax` and where the source changes.
 */
export async function readParked(
  state: TaskState,
  program: Program,
  { store, key, records, bytesMax, action }: AskedRecords,
): Promise<Taken> {
  const within = upTo(records, bytesMax);
  const name = Buffer.from(key, "latin1");
  const keys = within.map(({ sequence }) => parkedKey(name, sequence));
  const values = valuesOf(await state.read(store, packKeys(keys), "staged"));
  const length = values.reduce((sum, value) => sum + (value?.length ?? 0), name.length);
  const columns = new RecordColumns(Buffer.allocUnsafe(length), values.length);
  name.copy(columns.bytes);
  const causes: (ParkedCause | null)[] = [];
  let [at, source, partition] = [name.length, -1, -1];
  for (const [index, value] of values.entries()) {
    const parked = value === null ? null : decodeParked(value);
    invariant(value !== null && parked !== null, "a record that is parked can be read");
    const own = program.sources.indexOf(parked.topic);
    if (own < 0) throw unread(parked.topic, parked.offset);
    if (index > 0 && own !== source) break;
    [source, partition] = [own, parked.partition];
    value.copy(columns.bytes, at);
    const { valueLength, valuePosition, headersPosition } = parked;
    columns.positions.set(
      [0, name.length, at + valuePosition, valueLength, at + headersPosition, at + value.length],
      index * STRIDE,
    );
    columns.offsets[index] = parked.offset;
    columns.timestamps[index] = parked.timestamp;
    columns.count = index + 1;
    causes.push(parked.cause);
    at += value.length;
  }
  const sequences = within.slice(0, columns.count).map(({ sequence }) => sequence);
  return {
    input: { source, partition, columns, from: 0, to: columns.count },
    nextOffset: -1,
    leaderEpoch: -1,
    bytesPerRow: length / columns.count,
    released: { key, sequences, action, causes },
  };
}

function upTo(records: readonly ParkedRecord[], bytesMax: number): readonly ParkedRecord[] {
  let bytes = 0;
  const end = records.findIndex((record, index) => {
    bytes += record.bytes;
    return index > 0 && bytes > bytesMax;
  });
  return end < 0 ? records : records.slice(0, end);
}
function unread(topic: string, offset: number): OutriggerError {
  const text =
    `a parked record came from ${topic} (offset ${offset}), which the topology no longer reads: let it ` +
    "read the topic again, or drop the record by `outrigger dlq release --drop` before";
  return new OutriggerError("TOPOLOGY_INVALID", text);
}
