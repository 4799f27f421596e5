import { STAMP_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Closing, Windows } from "../model/topology.ts";
import { closeWindows } from "../operators/closing.ts";
import { sliceOf } from "../operators/growing-rows.ts";
import { orderOfClosed } from "../operators/key-order.ts";
import { Waiting } from "../operators/waiting.ts";
import { windowUnitOf } from "../operators/windows.ts";
import type { RangePage, TaskState } from "../ports/store.ts";
import { ALL, DUE_MAX, type Passing } from "./run-suppress.ts";

/** Behind the key of a window in the store stands what its row lacks. */
const SEQUENCE_BYTES = 4;

/** The windows that a batch closes; `rows` has the updates that the aggregate made of those taken. */
export type Closed = (rows: readonly RowRange[], taken: readonly RowRange[]) => RowRange[];

/**
 * Reads what closes in a batch: to be called before the batch changes anything. Null where fewer records are
 * to be taken.
 */
export async function readClosing(
  { windows, delayMs }: Closing,
  store: number,
  state: TaskState,
  passing: Passing,
): Promise<Closed | null> {
  const [after, upTo] = [passing.beforeMs - delayMs, passing.afterMs - delayMs];
  if (!mayClose(windows, after, upTo)) return () => [];
  const limits = passing.canBeLess ? DUE_MAX : ALL;
  const due = await state.between(store, after, upTo, limits);
  if (due.more && passing.canBeLess) return null;
  return (rows, taken) => {
    const waiting = new Waiting(rows, orderOfClosed(windows));
    addStored(waiting, windows, due);
    return closeWindows(rows, taken, waiting, passing, { windows, delayMs });
  };
}

/** Windows begin at multiples of their unit: mostly none lies in between. */
function mayClose(windows: Windows, after: number, upTo: number): boolean {
  const unit = windowUnitOf(windows);
  return Math.floor(upTo / unit) > Math.floor(after / unit);
}

function addStored(waiting: Waiting, windows: Windows, { keys, values }: RangePage): void {
  const isSession = windows.kind === "session";
  const [tail, stamp] = isSession ? [0, 0] : [SEQUENCE_BYTES, STAMP_BYTES];
  for (const [at, key] of keys.entries()) {
    const value = values[at] as Buffer;
    const slot = waiting.slotOf(key, 0, key.length - tail);
    const time = readLong(key, key.length - (isSession ? 16 : 12));
    waiting.addStored(slot, time, {
      value: sliceOf(value, stamp, value.length - stamp),
      headers: sliceOf(),
      timestamp: stamp === 0 ? time : readLong(value, 0),
    });
  }
}
