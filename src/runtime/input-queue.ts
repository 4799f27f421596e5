import { KEY_LENGTH, RecordColumns, STRIDE, VALUE_LENGTH } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { FetchedChunk } from "../ports/consumer.ts";
import type { TriedRows } from "../tasks/trial.ts";
import type { Released } from "./parking.ts";

/** Fetched rows of one source partition that wait for their batch. */
interface Waiting {
  readonly columns: RecordColumns;
  from: number;
  readonly to: number;
  /** The consumer's position after row `to - 1`: steps over markers and aborted ranges. */
  readonly nextOffset: number;
  readonly leaderEpoch: number;
  readonly bytesPerRow: number;
}

/** Rows taken for one batch. */
export interface Taken {
  readonly input: RowRange;
  /** What may be committed once these rows are final. */
  readonly nextOffset: number;
  readonly leaderEpoch: number;
  readonly bytesPerRow: number;
  /** Set for rows that had been parked: their offsets were stepped over when they were. */
  readonly released?: Released;
}

/** Rows that are to be planned again, and what is decided when they are back. */
export interface TakenBack {
  readonly taken: readonly Taken[];
  readonly goOn: () => void;
}

/** Of a batch that only settles what was done before it. */
export const NOTHING_TAKEN: Taken = {
  input: { source: 0, partition: 0, columns: new RecordColumns(Buffer.alloc(0)), from: 0, to: 0 },
  nextOffset: -1,
  leaderEpoch: -1,
  bytesPerRow: 0,
  released: { key: "", sequences: [], action: "release", causes: [] },
};

/** The same of a task of this partition: what is forwarded without a record is of it, too. */
export function nothingTaken(partition: number): Taken {
  return { ...NOTHING_TAKEN, input: { ...NOTHING_TAKEN.input, partition } };
}

/** Where a batch of this source has to end. */
export interface LastOffset {
  readonly source: number;
  readonly until: number;
}

/**
 * The input of one task: a queue for each source, read by smallest head timestamp, as Kafka Streams
 * chooses; of equal ones the source that stands first. With `isByRecord` a batch ends where another source
 * has the next record, else the choice is made for each batch. Bounded from outside: partitions are paused
 * while `bytes` is above its limit.
 */
export class InputQueue {
  readonly #queues: Waiting[][];
  readonly #firsts: readonly boolean[];
  readonly #partition: number;
  readonly #isByRecord: boolean;
  #bytes = 0;

  /** `firsts` says of each source whether its rows go before all others. */
  constructor(firsts: readonly boolean[], partition: number, isByRecord: boolean) {
    this.#firsts = firsts;
    this.#queues = firsts.map(() => []);
    this.#partition = partition;
    this.#isByRecord = isByRecord && firsts.length > 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  isEmpty(source: number): boolean {
    return (this.#queues[source]?.length ?? 0) === 0;
  }

  push(source: number, chunk: FetchedChunk): void {
    const rows = chunk.columns.count;
    const bytesPerRow = rows === 0 ? 0 : chunk.bytes / rows;
    this.#queues[source]?.push({
      columns: chunk.columns,
      from: 0,
      to: rows,
      nextOffset: chunk.nextOffset,
      leaderEpoch: chunk.leaderEpoch,
      bytesPerRow,
    });
    this.#bytes += bytesPerRow * rows;
  }

  /**
   * Takes consecutive rows of one partition; at least one, even above `bytesMax`. Rows of the source
   * of `within` are not mixed: either all are up to its offset, or none. What is tried again comes first,
   * of the source `tried`: whatever passed in between would speak for it. What is not ready takes only
   * positions, which have no row.
   */
  take(
    rowsMax: number,
    bytesMax: number,
    within: LastOffset | null = null,
    tried: number | null = null,
    isReady = true,
  ): Taken | null {
    const source = this.#chooseSource(tried);
    const queue = this.#queues[source];
    const head = queue?.[0];
    if (queue === undefined || head === undefined) return null;
    const from = head.from;
    if (!isReady && from < head.to && this.#firsts[source] !== true) return null;
    const last = within?.source === source ? within.until : Number.POSITIVE_INFINITY;
    let to = batchEnd(head, rowsMax, bytesMax, last);
    if (this.#isByRecord) to = this.#untilOther(source, head, to);
    this.#bytes -= head.bytesPerRow * (to - from);
    const whole = to === head.to;
    if (whole) queue.shift();
    else head.from = to;
    // Shares of bytes do not add up to the last bit: what is empty has none.
    if (whole && this.#queues.every((each) => each.length === 0)) this.#bytes = 0;
    return {
      input: { source, partition: this.#partition, columns: head.columns, from, to },
      // The offset of the next row, not of the last one plus one: gaps are stepped over.
      nextOffset: whole ? head.nextOffset : (head.columns.offsets[to] ?? head.nextOffset),
      leaderEpoch: head.leaderEpoch,
      bytesPerRow: head.bytesPerRow,
    };
  }

  /** Gives rows back, in the order that they were taken in: they will be planned again. */
  putBack(taken: readonly Taken[]): void {
    for (const { input, nextOffset, leaderEpoch, bytesPerRow } of taken.toReversed()) {
      const { columns, from, to } = input;
      const waiting = { columns, from, to, nextOffset, leaderEpoch, bytesPerRow };
      this.#queues[input.source]?.unshift(waiting);
      this.#bytes += bytesPerRow * (to - from);
    }
  }

  clear(): void {
    for (const queue of this.#queues) queue.length = 0;
    this.#bytes = 0;
  }

  #chooseSource(tried: number | null): number {
    if (tried !== null && this.#queues[tried]?.[0] !== undefined) return tried;
    let chosen = -1;
    let earliest = Number.POSITIVE_INFINITY;
    for (let source = 0; source < this.#queues.length; source++) {
      const head = this.#queues[source]?.[0];
      if (head === undefined) continue;
      const timestamp = this.#firsts[source] === true ? Number.NEGATIVE_INFINITY : timeOf(head);
      if (chosen < 0 || timestamp < earliest) {
        chosen = source;
        earliest = timestamp;
      }
    }
    return chosen;
  }

  /** The first row from which on another source has the earlier head, up to `to`; the first row stays. */
  #untilOther(source: number, { columns, from }: Waiting, to: number): number {
    let [other, earliest] = [-1, Number.POSITIVE_INFINITY];
    for (let index = 0; index < this.#queues.length; index++) {
      const head = index === source ? undefined : this.#queues[index]?.[0];
      if (head === undefined || timeOf(head) >= earliest) continue;
      other = index;
      earliest = timeOf(head);
    }
    if (other < 0) return to;
    const { timestamps } = columns;
    for (let row = from + 1; row < to; row++) {
      const time = timestamps[row] as number;
      if (time > earliest || (time === earliest && other < source)) return row;
    }
    return to;
  }
}

/** A head without rows only moves the position: at once. */
function timeOf({ columns, from, to }: Waiting): number {
  return from === to ? Number.NEGATIVE_INFINITY : (columns.timestamps[from] as number);
}

function batchEnd(head: Waiting, rowsMax: number, bytesMax: number, lastOffset: number): number {
  const { positions, offsets } = head.columns;
  const isWithin = (offsets[head.from] ?? 0) <= lastOffset;
  const last = Math.min(head.to, head.from + rowsMax);
  let bytes = 0;
  let row = head.from;
  while (row < last) {
    const at = row * STRIDE;
    bytes += Math.max(0, positions[at + KEY_LENGTH] ?? 0);
    bytes += Math.max(0, positions[at + VALUE_LENGTH] ?? 0);
    if (bytes > bytesMax && row > head.from) break;
    if (isWithin && (offsets[row] ?? 0) > lastOffset) break;
    row++;
  }
  return row;
}

/** The rows as failures are counted by: source and offsets. */
export function rowsOf({ input }: Taken): TriedRows {
  const { source, columns, from, to } = input;
  const last = Math.max(from, to - 1);
  return {
    source,
    from: columns.offsets[from] ?? -1,
    until: columns.offsets[last] ?? -1,
    count: to - from,
  };
}

/** Bytes that the rows of a batch keep alive until they are committed. */
export function inputBytes({ input, bytesPerRow }: Taken): number {
  return (input.to - input.from) * bytesPerRow;
}
