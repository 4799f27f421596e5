import { type MutationColumns, OUTPUT_STRIDE } from "../model/rows.ts";
import type { Stage } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { StoreChanges } from "../ports/store.ts";
import type { Batch } from "./batch.ts";

/** The largest record that a cut may hold, checked before anything is produced. */
export interface AnswerLimits {
  readonly recordBytesMax: number;
}

/**
 * Checks that an answer fits its batch: null when it does, else what is wrong, in words that
 * name the thing, the value and the remedy. A batch is never half applied.
 */
export function faultOf(
  batch: Batch,
  stage: Stage,
  answer: BatchAnswer,
  limits: AnswerLimits,
): string | null {
  if (answer.done > batch.rowCount) {
    return `it says ${answer.done} rows are done, but the batch has ${batch.rowCount}`;
  }
  if (answer.failure === null && answer.done !== batch.rowCount) {
    return `it says ${answer.done} of ${batch.rowCount} rows are done and names no failure`;
  }
  return faultOfOutputs(stage, answer, limits) ?? faultOfMutations(batch, stage, answer, limits);
}

function faultOfOutputs(stage: Stage, answer: BatchAnswer, limits: AnswerLimits): string | null {
  const { outputs, done } = answer;
  let last = 0;
  for (let i = 0; i < outputs.count; i++) {
    const input = outputs.inputs[i] ?? -1;
    if (input < last || input >= done) {
      return `output ${i} names row ${input}; rows must ascend and be below ${done}`;
    }
    last = input;
    const sink = outputs.sinks === null ? 0 : (outputs.sinks[i] ?? -1);
    if (sink < 0 || sink >= stage.sinks.length) {
      return `output ${i} names sink ${sink}; the stage has ${stage.sinks.length}`;
    }
    const at = i * OUTPUT_STRIDE;
    const bytes =
      Math.max(0, outputs.positions[at + 1] ?? 0) + Math.max(0, outputs.positions[at + 3] ?? 0);
    if (bytes > limits.recordBytesMax) {
      return (
        `output ${i} for ${stage.sinks[sink]?.topic} has ${bytes} bytes; the limit is ` +
        `${limits.recordBytesMax} (producer.max.request.size): make it smaller, or raise the limit`
      );
    }
  }
  return null;
}

function faultOfMutations(
  batch: Batch,
  stage: Stage,
  answer: BatchAnswer,
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
    if (spec.tumbling !== null && mutation.keys.length > 0) {
      return `it changes the windowed store ${store} by key; a windowed store is changed by slot`;
    }
    const slots = batch.keys[store]?.count ?? 0;
    for (let i = 0; i < mutation.slots.length; i++) {
      const slot = mutation.slots[i] ?? -1;
      if (slot < 0 || slot >= slots) return `it changes slot ${slot}; the store has ${slots}`;
    }
    const oversized = largestValue(mutation);
    if (oversized > limits.recordBytesMax) {
      return (
        `a value for store ${store} has ${oversized} bytes; the limit is ` +
        `${limits.recordBytesMax} (producer.max.request.size)`
      );
    }
  }
  return null;
}

function largestValue(mutation: MutationColumns): number {
  let largest = 0;
  for (let i = 1; i < mutation.values.length; i += 2) {
    largest = Math.max(largest, mutation.values[i] ?? 0);
  }
  return largest;
}

/** What the stage's code changed, as keys and values of the task's stores. */
export function changesOf(batch: Batch, stage: Stage, answer: BatchAnswer): StoreChanges[] {
  return answer.mutations.map((mutation) => {
    const keys: Buffer[] = [];
    const values: (Buffer | null)[] = [];
    const slots = batch.keys[mutation.store];
    for (let i = 0; i < mutation.slots.length; i++) {
      const at = (mutation.slots[i] ?? 0) * 2;
      keys.push(slice(slots?.bytes, slots?.positions, at));
    }
    for (let at = 0; at < mutation.keys.length; at += 2) {
      keys.push(slice(mutation.bytes, mutation.keys, at));
    }
    for (let at = 0; at < mutation.values.length; at += 2) {
      const isDelete = (mutation.values[at + 1] ?? -1) < 0;
      values.push(isDelete ? null : slice(mutation.bytes, mutation.values, at));
    }
    return { store: stage.stores[mutation.store]?.store ?? 0, keys, values };
  });
}

function slice(bytes: Buffer | undefined, positions: Int32Array | undefined, at: number): Buffer {
  const position = positions?.[at] ?? 0;
  return (bytes ?? Buffer.alloc(0)).subarray(position, position + (positions?.[at + 1] ?? 0));
}
