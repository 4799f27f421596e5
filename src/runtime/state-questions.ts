import { OutriggerError } from "../errors/outrigger-error.ts";
import { valuesOf } from "../model/value-columns.ts";
import type { AskedRange, StateAnswer, StateQuestion, WorkerId } from "../ports/application.ts";
import type { KeySet } from "../ports/store.ts";
import { storeFailure } from "./store-failure.ts";
import type { TaskRunner } from "./task-runner.ts";
import { askedAt, isGone, liveRange, ttlOf } from "./time-to-live.ts";

/**
 * Answers what a worker asks while it processes a batch. Only the worker that holds the batch is
 * answered: anybody else's view of the state is not the batch's.
 */
export async function answerQuestion(
  runner: TaskRunner | undefined,
  worker: WorkerId,
  question: StateQuestion,
  broken: (runner: TaskRunner, error: unknown) => void,
): Promise<StateAnswer> {
  const { taskName, taskEpoch, dispatchId } = question;
  const entry =
    runner?.epoch === taskEpoch ? runner.ledger.find(question.dispatchId, worker) : null;
  if (runner === undefined || entry === null) {
    const name = `batch ${dispatchId} of task ${taskName}, epoch ${taskEpoch}`;
    return refused(`the worker does not hold ${name}: it was taken away, or answered already`);
  }
  const { hop } = entry.item;
  const store = hop?.stage.stores[question.store];
  if (store === undefined || store.windows !== null) {
    const count = hop?.stage.stores.length ?? 0;
    return refused(
      `store ${question.store} cannot be asked: the stage has ${count}, those of windows are not read`,
    );
  }
  const ttlMs = ttlOf(runner.program.stores[store.store]);
  const atMs = askedAt(entry.item);
  try {
    const { keys, range } = question;
    if (range !== null) {
      const written = writtenBy(range, hop?.keys[question.store]);
      if (typeof written === "string") return refused(written);
      const { state } = runner;
      const page = await liveRange(state, store.store, range, written, range.limits, atMs);
      return { kind: "page", page };
    }
    const values =
      keys === null ? [] : valuesOf(await runner.state.read(store.store, keys, "head"));
    for (const [index, value] of values.entries()) {
      if (value !== null && ttlMs !== null && isGone(value, ttlMs, atMs)) values[index] = null;
    }
    return { kind: "values", values };
  } catch (error: unknown) {
    // First, for it takes the batch away from the worker: no record fails for the sake of a disk.
    broken(runner, error);
    return { kind: "refused", error: storeFailure(error) };
  }
}

/** What the batch has changed, by key; a sentence where a slot is unknown. */
function writtenBy(
  { slots, keys, values }: AskedRange,
  slotKeys: KeySet | undefined,
): { keys: Buffer[]; values: readonly (Buffer | null)[] } | string {
  const names: Buffer[] = [];
  for (const slot of slots) {
    const at = slot * 2;
    const position = slotKeys?.positions[at];
    if (slotKeys === undefined || position === undefined) {
      return `it has written slot ${slot}; the store has ${slotKeys?.count ?? 0} in this batch`;
    }
    const length = slotKeys.positions[at + 1] ?? 0;
    names.push(slotKeys.bytes.subarray(position, position + length));
  }
  return { keys: [...names, ...keys], values };
}

function refused(text: string): StateAnswer {
  return { kind: "refused", error: new OutriggerError("ANSWER_INVALID", text) };
}
