import { invariant } from "../errors/invariant.ts";
import { OUTPUT_STRIDE, type SlotState } from "../model/rows.ts";
import { foldedTimes, stamped } from "../operators/stamps.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { KeySet, StoreChanges } from "../ports/store.ts";
import { changesOf } from "./answers.ts";
import type { Hop } from "./batch.ts";

/** What the rows of one aggregation of the application are folded into. */
export interface FoldSlots extends Pick<SlotState, "slots" | "slotCounts"> {
  /** The store's keys. */
  readonly keys: KeySet;
  /** By how much they are longer than the keys of what is forwarded. */
  readonly tailBytes: number;
}

/** A window's key in the store ends in a sequence number. */
const SEQUENCE_BYTES = 4;

/** The slots of a hop; null where what it answers is not kept back. */
export function foldSlotsOf({ stage, states, keys, fold }: Hop): FoldSlots | null {
  if (fold !== undefined) return { ...fold.folds, tailBytes: SEQUENCE_BYTES };
  const [state] = states;
  const [own] = keys;
  if (stage.closes === undefined || state === undefined || own === undefined) return null;
  const { slots, slotCounts } = state;
  const tailBytes = stage.closes.windows.kind === "session" ? 0 : SEQUENCE_BYTES;
  return { slots, slotCounts, keys: own, tailBytes };
}

/** The new value of each slot; undefined where it says none. */
export function foldedValues(
  slots: number,
  { mutations }: BatchAnswer,
): (Buffer | null | undefined)[] {
  const values = Array.from({ length: slots }, (): Buffer | null | undefined => undefined);
  for (const { bytes, slots: changed, values: spans } of mutations) {
    for (let i = 0; i < changed.length; i++) {
      const [position, length] = [spans[i * 2] as number, spans[i * 2 + 1] as number];
      const isGone = length < 0;
      values[changed[i] as number] = isGone ? null : bytes.subarray(position, position + length);
    }
  }
  return values;
}

/**
 * What is wrong with an answer: the sidecar forwards from the store, later or in the application's place, so
 * that what leaves the node must be what its store has. Null where all is well.
 */
export function faultOfFolds({ stage }: Hop, folds: FoldSlots, answer: BatchAnswer): string | null {
  const { slots, slotCounts, keys } = folds;
  const values = foldedValues(keys.count, answer);
  const exits = stage.exits.length;
  const { count, inputs, sinks } = answer.outputs;
  /** The last output of each slot, by exit. */
  const last = new Int32Array(keys.count * Math.max(1, exits)).fill(NONE);
  let output = 0;
  let next = 0;
  for (let row = 0; next < slots.length; row++) {
    const end = next + (slotCounts === null ? 1 : (slotCounts[row] as number));
    // A value that is none to the application: the row is none, either.
    const isNone =
      exits > 0
        ? output >= count || inputs[output] !== row
        : next < end && values[slots[next] as number] === undefined;
    for (; next < end; next++) {
      if (isNone) continue;
      const slot = slots[next] as number;
      if (values[slot] === undefined) return `it folds row ${row} into some of its windows`;
      if (exits === 0) last[slot] = 0;
      for (let exit = 0; exit < exits; exit++, output++) {
        if (inputs[output] !== row || (sinks?.[output] ?? 0) !== exit) {
          return `it does not forward each window of row ${row} to each of ${exits} nodes`;
        }
        if (!isKeyOf(answer, output, folds, slot)) return otherwise(stage, exit);
        last[slot * exits + exit] = output;
      }
    }
  }
  if (count > output) return `it has ${count - output} outputs that no window is forwarded by`;
  return faultOfValues(stage, last, values, answer);
}

const NONE = -1;

/** The last that is forwarded of a window is what is kept of it. */
function faultOfValues(
  stage: Hop["stage"],
  last: Int32Array,
  values: readonly (Buffer | null | undefined)[],
  answer: BatchAnswer,
): string | null {
  const exits = stage.exits.length;
  for (const [slot, value] of values.entries()) {
    if (value === undefined) continue;
    if (last[slot * Math.max(1, exits)] === NONE) {
      return `it changes window ${slot} and forwards nothing of it`;
    }
    for (let exit = 0; exit < exits; exit++) {
      const output = last[slot * exits + exit] as number;
      if (!isValueOf(answer, output, value)) return otherwise(stage, exit);
    }
  }
  return null;
}

function otherwise({ entries, exits }: Hop["stage"], exit: number): string {
  return (
    `"${exits[exit]?.node ?? ""}" writes keys or values of "${entries[0] ?? ""}" otherwise than its ` +
    "store has them, and what the sidecar forwards of its windows is written as the store has it: put a " +
    "map between the two nodes"
  );
}

/** Whether an output has the slot's key: `key | int64 start`, or that of a session. */
function isKeyOf(
  { outputs: { bytes, positions } }: BatchAnswer,
  output: number,
  { keys, tailBytes }: FoldSlots,
  slot: number,
): boolean {
  const at = output * OUTPUT_STRIDE;
  const [keyAt, length] = [positions[at] as number, positions[at + 1] as number];
  const own = keys.positions[slot * 2] as number;
  if (length !== (keys.positions[slot * 2 + 1] as number) - tailBytes) return false;
  return keys.bytes.compare(bytes, keyAt, keyAt + length, own, own + length) === 0;
}

function isValueOf(
  { outputs: { bytes, positions } }: BatchAnswer,
  output: number,
  value: Buffer | null,
): boolean {
  const at = output * OUTPUT_STRIDE;
  const [valueAt, length] = [positions[at + 2] as number, positions[at + 3] as number];
  if (length !== (value?.length ?? -1)) return false;
  return (value?.compare(bytes, valueAt, valueAt + length) ?? 0) === 0;
}

/** What the application has changed of windows that are kept, with the times that their store has. */
export function stampedChangesOf(hop: Hop, answer: BatchAnswer): StoreChanges[] {
  const changes = changesOf(hop, answer);
  const { times: before, rows, states, stage } = hop;
  const [state] = states;
  if (before === undefined || state === undefined) return changes;
  const times = foldedTimes(before, rows, state, answer.outputs, stage.exits.length);
  return changes.map(({ store, keys, values }, index) => {
    const { slots } = answer.mutations[index] as BatchAnswer["mutations"][number];
    return {
      ...{ store, keys },
      values: values.map((value, at) => {
        if (value === null) return null;
        const time = times[slots[at] as number] as number;
        invariant(!Number.isNaN(time), "a window that has a value has the time of a row");
        return stamped(value, time);
      }),
    };
  });
}
