import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import { OUTPUT_STRIDE, type OutputColumns, type RowRange } from "../model/rows.ts";
import type { Exit, TopicExit } from "../model/topology.ts";
import type { AppendedRecord, CutRecords } from "../ports/producer.ts";
import type { Emission } from "./batch.ts";
import { partitionOf } from "./hooks.ts";
import type { TaskRunner } from "./task-runner.ts";

/** Where appended records go. */
export interface Target {
  readonly runner: Pick<TaskRunner, "id" | "limits">;
  readonly records: CutRecords;
  /** Used for every record. */
  readonly record: AppendedRecord;
}

/** What one step emits, in order. */
interface Cursor {
  /** The offset of the input record that the next one is of; infinite behind the last. */
  readonly next: number;
  /** Appends everything of input records up to this offset. */
  appendTo(offset: number): void;
}

/**
 * What the steps of a batch send to topics, as if records had come one at a time: ordered by the input
 * record, and of one record by the step.
 */
export function appendEmissions(emissions: readonly Emission[], target: Target): void {
  const cursors = emissions.flatMap((emission) => {
    return emission.kind === "latest" ? [] : [cursorOf(emission, target)];
  });
  const [only] = cursors;
  if (cursors.length === 1) {
    only?.appendTo(Number.POSITIVE_INFINITY);
    return;
  }
  for (let next = firstOf(cursors); next !== undefined; next = firstOf(cursors)) {
    next.appendTo(next.next);
  }
}

function firstOf(cursors: readonly Cursor[]): Cursor | undefined {
  let first: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.next < (first?.next ?? Number.POSITIVE_INFINITY)) first = cursor;
  }
  return first;
}

function cursorOf(emission: Exclude<Emission, { kind: "latest" }>, target: Target): Cursor {
  return emission.kind === "answer"
    ? new AnswerCursor(emission.outputs, emission.rows, emission.stage.exits, target)
    : new RowsCursor(emission.rows, emission.exit, target);
}

/** The outputs of a stage. Its rows ascend, so their ranges are passed but once. */
class AnswerCursor implements Cursor {
  next = Number.POSITIVE_INFINITY;
  readonly #outputs: OutputColumns;
  readonly #rows: readonly RowRange[];
  readonly #exits: readonly Exit[];
  readonly #partitions: readonly number[];
  readonly #target: Target;
  #output = 0;
  #range = 0;
  /** Rows in the ranges before. */
  #before = 0;

  constructor(
    outputs: OutputColumns,
    rows: readonly RowRange[],
    exits: readonly Exit[],
    target: Target,
  ) {
    this.#outputs = outputs;
    this.#rows = rows;
    this.#exits = exits;
    this.#partitions = exits.map((exit) => partitionOf(exit, target.runner));
    this.#target = target;
    this.appendTo(Number.NEGATIVE_INFINITY);
  }

  appendTo(offset: number): void {
    const { inputs, sinks, count } = this.#outputs;
    const { record, records } = this.#target;
    record.keyBytes = this.#outputs.bytes;
    record.valueBytes = this.#outputs.bytes;
    for (; this.#output < count; this.#output++) {
      const sink = sinks === null ? 0 : (sinks[this.#output] ?? 0);
      const exit = this.#exits[sink];
      // What goes on to a later step has gone there.
      if (exit?.kind !== "topic") continue;
      const row = inputs[this.#output] ?? 0;
      const range = this.#rangeOf(row);
      if (range === undefined) break;
      const index = range.from + row - this.#before;
      const own = range.columns.offsets[index] ?? 0;
      if (own > offset) {
        this.next = own;
        return;
      }
      this.#fill(record, range, index);
      if (exit.dropsNullKeys === true && record.keyLength < 0) continue;
      record.topic = exit.topic;
      record.partition = this.#partitions[sink] ?? -1;
      records.append(record);
    }
    this.next = Number.POSITIVE_INFINITY;
  }

  #rangeOf(row: number): RowRange | undefined {
    let range = this.#rows[this.#range];
    while (range !== undefined && row - this.#before >= range.to - range.from) {
      this.#before += range.to - range.from;
      range = this.#rows[++this.#range];
    }
    return range;
  }

  #fill(record: AppendedRecord, range: RowRange, index: number): void {
    const { positions, timestamps, headers } = this.#outputs;
    const output = this.#output;
    const at = output * OUTPUT_STRIDE;
    record.timestamp = timestamps?.[output] ?? range.columns.timestamps[index] ?? 0;
    record.keyPosition = positions[at] ?? 0;
    record.keyLength = positions[at + 1] ?? -1;
    record.valuePosition = positions[at + 2] ?? 0;
    record.valueLength = positions[at + 3] ?? -1;
    const own = headers?.get(output);
    if (own === undefined) setHeaders(record, range, index);
    else {
      record.headersBytes = own;
      record.headersPosition = 0;
      record.headersEnd = own.length;
    }
  }
}

/** Rows that go to a topic as they are. */
class RowsCursor implements Cursor {
  readonly #rows: readonly RowRange[];
  readonly #exit: TopicExit;
  readonly #partition: number;
  readonly #target: Target;
  #range = 0;
  #row: number;

  constructor(rows: readonly RowRange[], exit: TopicExit, target: Target) {
    this.#rows = rows;
    this.#exit = exit;
    this.#partition = partitionOf(exit, target.runner);
    this.#target = target;
    this.#row = rows[0]?.from ?? 0;
  }

  get next(): number {
    const range = this.#rows[this.#range];
    return range?.columns.offsets[this.#row] ?? Number.POSITIVE_INFINITY;
  }

  appendTo(offset: number): void {
    const { record, records } = this.#target;
    const { topic, dropsNullKeys } = this.#exit;
    record.topic = topic;
    record.partition = this.#partition;
    for (; this.#range < this.#rows.length; this.#nextRange()) {
      const range = this.#rows[this.#range] as RowRange;
      const { bytes, offsets } = range.columns;
      record.keyBytes = bytes;
      record.valueBytes = bytes;
      for (; this.#row < range.to; this.#row++) {
        if ((offsets[this.#row] ?? 0) > offset) return;
        fillRow(record, range, this.#row);
        if (dropsNullKeys !== true || record.keyLength >= 0) records.append(record);
      }
    }
  }

  #nextRange(): void {
    this.#range += 1;
    this.#row = this.#rows[this.#range]?.from ?? 0;
  }
}

/** Positions, time and headers of a record that is a row. */
export function fillRow(record: AppendedRecord, range: RowRange, row: number): void {
  const { positions, timestamps } = range.columns;
  const at = row * STRIDE;
  record.timestamp = timestamps[row] ?? 0;
  record.keyPosition = positions[at + KEY_POSITION] ?? 0;
  record.keyLength = positions[at + KEY_LENGTH] ?? -1;
  record.valuePosition = positions[at + VALUE_POSITION] ?? 0;
  record.valueLength = positions[at + VALUE_LENGTH] ?? -1;
  setHeaders(record, range, row);
}

/** An output without headers of its own takes its input's, as Kafka Streams' forward does. */
function setHeaders(record: AppendedRecord, { columns }: RowRange, row: number): void {
  if (columns.positions.length === 0) {
    record.headersBytes = null;
    record.headersPosition = 0;
    record.headersEnd = 0;
    return;
  }
  const at = row * STRIDE;
  const position = columns.positions[at + HEADERS_POSITION] ?? 0;
  const end = columns.positions[at + HEADERS_END] ?? 0;
  // Behind user code a row without headers has no count of them either.
  record.headersBytes = end > position ? columns.bytes : null;
  record.headersPosition = position;
  record.headersEnd = end;
}
