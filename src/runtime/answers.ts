import { ChosenKeys, ColumnChanges, packKeys, type StoreChanges } from "../model/changes.ts";
import { HEADERS_END, HEADERS_POSITION, STRIDE } from "../model/columns.ts";
import { STAMP_BYTES } from "../model/entry-time.ts";
import type { KeyColumns } from "../model/key-table.ts";
import { type MutationColumns, OUTPUT_STRIDE, type RowRange } from "../model/rows.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { KeySet } from "../ports/store.ts";
import type { Hop } from "./batch.ts";

/** The largest records that a cut may hold, checked before anything is produced. */
export interface AnswerLimits {
  readonly recordBytesMax: number;
  /** `max.message.bytes` by topic: a broker counts the batch that the record travels in. */
  readonly messageBytesMax: ReadonlyMap<string, number>;
}

/** A batch's header (61), and all that a record has beside key, value and headers, at their largest. */
const BATCH_OVERHEAD_BYTES = 100;

/** Bytes of key, value and headers that a record of this topic may have. */
export function largestRecord(topic: string, limits: AnswerLimits): number {
  const topicMax = limits.messageBytesMax.get(topic) ?? Number.POSITIVE_INFINITY;
  return Math.min(limits.recordBytesMax, topicMax - BATCH_OVERHEAD_BYTES);
}

/**
 * Checks that an answer fits its batch: null when it does, else what is wrong, in words that
 * name the thing, the value and the remedy. A batch is never half applied.
 */
export function faultOf(
  hop: Hop,
  answer: BatchAnswer,
  stores: readonly StoreSpec[],
  limits: AnswerLimits,
): string | null {
  const { rowCount } = hop;
  if (answer.done > rowCount) {
    return `it says ${answer.done} rows are done, but the batch has ${rowCount}`;
  }
  if (answer.failure === null && answer.done !== rowCount) {
    return `it says ${answer.done} of ${rowCount} rows are done and names no failure`;
  }
  if (answer.failure !== null && answer.done === rowCount) {
    return `it names a failure and says that all ${rowCount} rows are done`;
  }
  return faultOfOutputs(hop, answer, limits) ?? faultOfMutations(hop, answer, stores, limits);
}

function faultOfOutputs(
  { stage, rows }: Hop,
  answer: BatchAnswer,
  limits: AnswerLimits,
): string | null {
  const { outputs, done } = answer;
  const { exits } = stage;
  // What goes on is not written as it is: the frame that carried it was its bound.
  const largest = exits.map((exit) => {
    return exit.kind === "topic" ? largestRecord(exit.topic, limits) : Number.POSITIVE_INFINITY;
  });
  let last = 0;
  let range = 0;
  let before = 0;
  for (let i = 0; i < outputs.count; i++) {
    const input = outputs.inputs[i] ?? -1;
    if (input < last || input >= done) {
      return `output ${i} names row ${input}; rows must ascend and be below ${done}`;
    }
    last = input;
    const sink = outputs.sinks === null ? 0 : (outputs.sinks[i] ?? -1);
    const bound = largest[sink];
    if (bound === undefined) {
      return `output ${i} names sink ${sink}; the stage has ${exits.length}`;
    }
    for (let own = rows[range]; own !== undefined; own = rows[++range]) {
      if (input - before < own.to - own.from) break;
      before += own.to - own.from;
    }
    const at = i * OUTPUT_STRIDE;
    const bytes =
      Math.max(0, outputs.positions[at + 1] as number) +
      Math.max(0, outputs.positions[at + 3] as number) +
      (outputs.headers?.get(i)?.length ?? headerBytes(rows[range], input - before));
    if (bytes <= bound) continue;
    const topic = exits[sink]?.kind === "topic" ? exits[sink].topic : "";
    const tooLarge = faultOfSize(`output ${i} for ${topic}`, bytes, topic, limits);
    if (tooLarge !== null) return tooLarge;
  }
  return null;
}

function faultOfSize(
  what: string,
  bytes: number,
  topic: string,
  { recordBytesMax, messageBytesMax }: AnswerLimits,
): string | null {
  const remedy = "make it smaller, or raise the limit";
  if (bytes > recordBytesMax) {
    const limit = `${recordBytesMax} (producer.max.request.size)`;
    return `${what} has ${bytes} bytes; the limit is ${limit}: ${remedy}`;
  }
  if (bytes <= largestRecord(topic, { recordBytesMax, messageBytesMax })) return null;
  const limit = `${messageBytesMax.get(topic)} (max.message.bytes of ${topic}), its batch included`;
  return `${what} has ${bytes} bytes; the limit is ${limit}: ${remedy}`;
}

/** Headers of a range's row, which an output without its own takes over. */
function headerBytes(range: RowRange | undefined, row: number): number {
  if (range === undefined) return 0;
  const at = (range.from + row) * STRIDE;
  const { positions } = range.columns;
  return (positions[at + HEADERS_END] as number) - (positions[at + HEADERS_POSITION] as number);
}

function faultOfMutations(
  { stage, keys: slotKeys }: Hop,
  answer: BatchAnswer,
  stores: readonly StoreSpec[],
  limits: AnswerLimits,
): string | null {
  const seen = new Set<number>();
  for (const mutation of answer.mutations) {
    const { store } = mutation;
    const spec = stage.stores[store];
    if (spec === undefined || seen.has(store)) {
      return `it changes store ${store}, which is unknown to the stage or named twice`;
    }
    seen.add(store);
    if (spec.windows !== null && mutation.keys.length > 0) {
      return `it changes the windowed store ${store} by key; a windowed store is changed by slot`;
    }
    const slots = slotKeys[store]?.count ?? 0;
    for (let i = 0; i < mutation.slots.length; i++) {
      const slot = mutation.slots[i] ?? -1;
      if (slot < 0 || slot >= slots) return `it changes slot ${slot}; the store has ${slots}`;
    }
    const { changelogTopic = "", isTimestamped } = stores[spec.store] ?? {};
    if (isTimestamped === true && spec.windows === null) {
      const short = unstamped(mutation.values);
      if (short !== null) return `it gives store ${store} a value of ${short}`;
    }
    const bytes =
      largest(mutation.values) + Math.max(largestKey(slotKeys[store]), largest(mutation.keys));
    const what = `a value for store ${store}, with its key,`;
    const tooLarge = faultOfSize(what, bytes, changelogTopic, limits);
    if (tooLarge !== null) return tooLarge;
  }
  return null;
}

/** What is wrong with a value that is to begin with a timestamp; null where all do. */
function unstamped(spans: Int32Array): string | null {
  for (let i = 1; i < spans.length; i += 2) {
    const length = spans[i] ?? 0;
    if (length >= 0 && length < STAMP_BYTES) {
      return `${length} bytes; its values begin with a timestamp of ${STAMP_BYTES}`;
    }
  }
  return null;
}

/** The longest of positions and lengths. */
function largest(spans: Int32Array): number {
  let bytes = 0;
  for (let i = 1; i < spans.length; i += 2) bytes = Math.max(bytes, spans[i] ?? 0);
  return bytes;
}

function largestKey(keys: KeySet | undefined): number {
  return keys === undefined ? 0 : largest(keys.positions.subarray(0, keys.count * 2));
}

/** What the stage's code changed, as keys and values of the task's stores. */
export function changesOf({ stage, keys }: Hop, answer: BatchAnswer): StoreChanges[] {
  return answer.mutations.map((mutation) => {
    const { bytes, values: positions } = mutation;
    const changed = changedKeys(mutation, keys[mutation.store]);
    const values = { count: changed.count, bytes, positions };
    return new ColumnChanges(stage.stores[mutation.store]?.store ?? 0, changed, values);
  });
}

function changedKeys(mutation: MutationColumns, slotKeys: KeySet | undefined): KeyColumns {
  if (mutation.keys.length > 0 || slotKeys === undefined) return packedKeys(mutation, slotKeys);
  const chosen = new ChosenKeys(slotKeys, mutation.slots.length);
  for (let i = 0; i < mutation.slots.length; i++) chosen.add(mutation.slots[i] as number);
  return chosen.columns();
}

/** Those of slots, then those without. */
function packedKeys(mutation: MutationColumns, slotKeys: KeySet | undefined): KeyColumns {
  const keys: Buffer[] = [];
  for (const slot of mutation.slots) {
    keys.push(slice(slotKeys?.bytes, slotKeys?.positions, slot * 2));
  }
  for (let at = 0; at < mutation.keys.length; at += 2) {
    keys.push(slice(mutation.bytes, mutation.keys, at));
  }
  return packKeys(keys);
}

function slice(bytes: Buffer | undefined, positions: Int32Array | undefined, at: number): Buffer {
  const position = positions?.[at] ?? 0;
  return (bytes ?? Buffer.alloc(0)).subarray(position, position + (positions?.[at + 1] ?? 0));
}
