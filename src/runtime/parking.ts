import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { KEY_LENGTH, KEY_POSITION, STRIDE } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { ParkingPlan, Program } from "../model/topology.ts";
import type { FetchedChunk } from "../ports/consumer.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import { decodeParkCommand, type ParkCommand } from "../tasks/park-command.ts";
import type { ParkedKeys, ParkedLimits } from "../tasks/parked-keys.ts";
import {
  CONTROL_POSITION_KEY,
  encodeControlPosition,
  encodeParked,
  keyOf,
  type ParkedCause,
  parkedKey,
} from "../tasks/parked-record.ts";
import type { Batch } from "./batch.ts";
import type { Taken } from "./input-queue.ts";
import { readParked } from "./read-parked.ts";
import type { TaskLimits } from "./task-host.ts";

/** What a takeover found of the records that wait. */
export interface ParkingStart {
  readonly keys: ParkedKeys;
  readonly topicId: string;
  /** Where the control topic is read from, and where it ended: until there commands come first. */
  readonly from: number;
  readonly target: number;
}

/** Rows of a batch that are parked and not dispatched. */
export interface ParkedRows {
  readonly changes: StoreChanges;
  readonly places: readonly { readonly key: string; readonly sequence: number }[];
}

/** What is taken, and which of it is processed; the rest is parked. */
export interface PlannedRows extends Pick<Batch, "taken" | "rows" | "parked"> {}

/** What a batch lets go of: its rows were read from the store. */
export interface Released {
  /** Latin1. */
  readonly key: string;
  readonly sequences: readonly number[];
  readonly action: ParkCommand["action"];
  /** Facts of each row's failure; null for what followed. */
  readonly causes: readonly (ParkedCause | null)[];
}

interface Command {
  /** Null for what cannot be read: it is stepped over. */
  readonly command: ParkCommand | null;
  readonly offset: number;
}

/** A command that is being carried out: keys that are left, and what was the last seen of them. */
interface Release {
  readonly action: ParkCommand["action"];
  readonly until: number;
  readonly keys: string[];
  readonly offset: number;
  records: number;
}

export type NextRelease =
  | { readonly kind: "rows"; readonly taken: Taken }
  /** The command is carried out: its position commits behind its effects. */
  | {
      readonly kind: "done";
      readonly settles: StoreChanges;
      readonly action: ParkCommand["action"];
      readonly records: number;
    };

const COMMANDS_MAX = 1_000;

/** Nothing of it waits. */
export function allOf(taken: Taken): PlannedRows {
  return { taken, rows: [taken.input], parked: null };
}

/**
 * The records of one task that wait for a command, and the commands. A command is an input record of the
 * task: its position is state, staged behind the last of its effects, so that a crash between
 * continues it. Each released record leaves the store in the cut that takes its effects.
 */
export class Parking {
  readonly keys: ParkedKeys;
  readonly control: string;
  readonly #program: Program;
  readonly #plan: ParkingPlan;
  readonly #limits: ParkedLimits;
  readonly #start: ParkingStart;
  /** Whether there is a topic for dead letters. */
  readonly #hasLetters: boolean;
  #commands: Command[] = [];
  #position: number;
  #release: Release | null = null;

  constructor(
    program: Program,
    plan: ParkingPlan,
    limits: ParkedLimits,
    start: ParkingStart,
    hasLetters: boolean,
  ) {
    this.#hasLetters = hasLetters;
    this.#program = program;
    this.#plan = plan;
    this.control = plan.controlTopic;
    this.#limits = limits;
    this.#start = start;
    this.keys = start.keys;
    this.#position = start.from;
  }

  get from(): number {
    return this.#start.from;
  }

  /** Commands given before the takeover come before input: a task that is full gets room by them. */
  get awaitsCommands(): boolean {
    return this.keys.size > 0 && this.#position < this.#start.target;
  }

  /** Whether commands come before input. */
  get goesFirst(): boolean {
    return this.hasWork || this.awaitsCommands;
  }

  /** Whether a command waits, or is being carried out. */
  get hasWork(): boolean {
    return this.#release !== null || this.#commands.length > 0;
  }

  /** More commands than anybody gives: their topic waits. */
  get isFull(): boolean {
    return this.#commands.length >= COMMANDS_MAX;
  }

  fetched({ columns, nextOffset }: FetchedChunk): void {
    for (let row = 0; row < columns.count; row++) {
      const command = decodeParkCommand(columns.value(row));
      this.#commands.push({ command, offset: columns.offsets[row] ?? 0 });
    }
    this.#position = nextOffset;
  }

  /**
   * Parks the rows of `taken` whose key waits already, and says which are left to dispatch. Throws
   * PARKED_FULL.
   */
  behind(taken: Taken, bytesMax: number): PlannedRows {
    if (this.keys.size === 0) return allOf(taken);
    const { input } = taken;
    const { bytes, positions } = input.columns;
    const rows: RowRange[] = [];
    const waiting: { readonly row: RowRange; readonly key: string }[] = [];
    let from = input.from;
    for (let row = input.from; row < input.to; row++) {
      const at = row * STRIDE;
      const length = positions[at + KEY_LENGTH] ?? -1;
      const key = this.keys.find(bytes, positions[at + KEY_POSITION] ?? 0, length);
      if (key === null) continue;
      if (row > from) rows.push({ ...input, from, to: row });
      waiting.push({ row: { ...input, from: row, to: row + 1 }, key });
      from = row + 1;
    }
    if (waiting.length === 0) return allOf(taken);
    if (from < input.to) rows.push({ ...input, from, to: input.to });
    return { taken, rows, parked: this.#put(waiting, null, bytesMax) };
  }

  /** Parks the one row of `taken`. Throws PARKED_FULL. */
  park({ input }: Taken, cause: ParkedCause, bytesMax: number): ParkedRows {
    const key = keyOf(input);
    invariant(key !== null, "a record without a key cannot wait for its turn");
    return this.#put([{ row: input, key: key.toString("latin1") }], cause, bytesMax);
  }

  /** A released record failed again: it stays where it is, with what is newly known, and so do the others. */
  parkAgain({ input, released }: Taken, cause: ParkedCause, bytesMax: number): StoreChanges {
    const sequence = released?.sequences[0];
    invariant(
      released !== undefined && sequence !== undefined,
      "only what was released is parked again",
    );
    const value = this.#encode(input, cause, bytesMax);
    this.#release?.keys.shift();
    const key = parkedKey(Buffer.from(released.key, "latin1"), sequence);
    return { store: this.#plan.store, keys: [key], values: [value] };
  }

  /** A batch was taken back: its rows will be planned again. */
  undo(parked: ParkedRows | null): void {
    for (const { key, sequence } of parked?.places ?? []) this.keys.remove(key, sequence);
  }

  /** What a batch that is final writes to the store; what was released leaves it with its effects. */
  changesOf({
    taken,
    parked,
    settles,
  }: Pick<Batch, "taken" | "parked" | "settles">): StoreChanges[] {
    const changes: StoreChanges[] = [];
    if (parked !== null) changes.push(parked.changes);
    if (settles !== null) changes.push(settles);
    else if (taken.released !== undefined && taken.input.to > taken.input.from) {
      changes.push(this.#letGo(taken.released));
    }
    return changes;
  }

  #letGo({ key, sequences }: Released): StoreChanges {
    if (this.#release !== null) this.#release.records += sequences.length;
    for (const sequence of sequences) this.keys.remove(key, sequence);
    const name = Buffer.from(key, "latin1");
    const keys = sequences.map((sequence) => parkedKey(name, sequence));
    return { store: this.#plan.store, keys, values: keys.map(() => null) };
  }

  /** The next records to let go, in order; asked for when nothing else is under way. */
  async next(state: TaskState, rowsMax: number, bytesMax: number): Promise<NextRelease> {
    this.#release ??= this.#begin();
    const { keys, action, until, offset, records: count } = this.#release;
    for (let key = keys[0]; key !== undefined; key = keys[0]) {
      const records = this.keys.of(key).filter(({ sequence }) => sequence <= until);
      if (records.length > 0) {
        const { store } = this.#plan;
        const some = records.slice(0, rowsMax);
        const asked = { store, key, records: some, bytesMax, action };
        return { kind: "rows", taken: await readParked(state, this.#program, asked) };
      }
      keys.shift();
    }
    this.#release = null;
    const { topicId } = this.#start;
    const position = encodeControlPosition({ topicId, offset: offset + 1 });
    const settles = { store: this.#plan.store, keys: [CONTROL_POSITION_KEY], values: [position] };
    return { kind: "done", settles, action, records: count };
  }

  #begin(): Release {
    const first = this.#commands.shift();
    invariant(first !== undefined, "a release begins with a command");
    const { command, offset } = first;
    // Without a place for the letters nothing is dropped: it would be gone unasked.
    const isIdle = command === null || (command.action === "drop" && !this.#hasLetters);
    if (isIdle) return { action: "release", until: -1, keys: [], offset, records: 0 };
    const { action, key } = command;
    const keys = key === null ? this.keys.names() : [key.toString("latin1")];
    const until = action === "release" ? Number.POSITIVE_INFINITY : command.until;
    return { action, until, keys, offset, records: 0 };
  }

  #put(
    rows: readonly { readonly row: RowRange; readonly key: string }[],
    cause: ParkedCause | null,
    bytesMax: number,
  ): ParkedRows {
    const places: { key: string; sequence: number }[] = [];
    const keys: Buffer[] = [];
    const values: Buffer[] = [];
    try {
      for (const { row, key } of rows) {
        const value = this.#encode(row, cause, bytesMax);
        const bytes = value.length + key.length;
        if (!this.keys.hasRoom(bytes, this.#limits)) throw this.#full();
        const sequence = this.keys.nextSequence();
        this.keys.add(key, { sequence, bytes });
        places.push({ key, sequence });
        keys.push(parkedKey(Buffer.from(key, "latin1"), sequence));
        values.push(value);
      }
    } catch (error: unknown) {
      for (const { key, sequence } of places) this.keys.remove(key, sequence);
      throw error;
    }
    return { changes: { store: this.#plan.store, keys, values }, places };
  }

  #encode(row: RowRange, cause: ParkedCause | null, bytesMax: number): Buffer {
    const topic = this.#program.sources[row.source] ?? "";
    const value = encodeParked(row, topic, cause, bytesMax);
    if (value !== null) return value;
    const changelog = this.#program.stores[this.#plan.store]?.changelogTopic ?? "";
    const text =
      `record ${topic}-${row.partition}@${row.columns.offsets[row.from]} is to be parked, and is too ` +
      `large for it: the limit is ${bytesMax} bytes (producer.max.request.size, or max.message.bytes ` +
      `of ${changelog}), which is to be raised`;
    throw new OutriggerError("HANDLER_FAILED", text);
  }

  #full(): OutriggerError {
    const { recordsMax, bytesMax } = this.#limits;
    return new OutriggerError(
      "PARKED_FULL",
      `the task has parked ${this.keys.records} records of ${this.keys.size} keys, ${this.keys.bytes} ` +
        `bytes; the limits are ${recordsMax} (parked.max.records) and ${bytesMax} ` +
        "(parked.max.bytes): release or drop some by `outrigger dlq release`, or raise the limit",
    );
  }
}

export function parkingOf(
  program: Program,
  { parked, failures }: Pick<TaskLimits, "parked" | "failures">,
  start: ParkingStart | null,
): Parking | null {
  const plan = program.parking;
  if (plan === null || start === null) return null;
  return new Parking(program, plan, parked, start, failures.deadLetterTopic !== null);
}
