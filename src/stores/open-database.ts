import type { StoreSpec } from "../model/topology.ts";
import type { StoreMarks } from "../ports/store.ts";
import { Database, type DatabaseOptions } from "./database.ts";
import { emptyForgotten } from "./forgotten.ts";
import * as layout from "./layout.ts";
import { indexOf, indexOnce, TimeIndex } from "./time-index.ts";
import type { ValueTimeIndex } from "./value-times.ts";

export type Index = TimeIndex | ValueTimeIndex | null;

/** What a task's database says as it is opened. */
export interface Opened {
  readonly database: Database;
  readonly prefixes: readonly number[];
  readonly indexes: readonly Index[];
  readonly marks: StoreMarks | null;
  /** As they stand there. */
  readonly marksBytes: Buffer | null;
  /** By store: the time of the last entry; infinite where none is found by its time. */
  readonly lastTimes: readonly number[];
}

export async function openDatabase(
  path: string,
  stores: readonly StoreSpec[],
  options: DatabaseOptions,
): Promise<Opened> {
  const database = await Database.open(path, options);
  try {
    return await readMarks(database, stores);
  } catch (error: unknown) {
    // Open it would keep its lock, and could not be emptied.
    await database.close().catch(() => {});
    throw error;
  }
}

async function readMarks(database: Database, stores: readonly StoreSpec[]): Promise<Opened> {
  const numbers = layout.decodeNumbers(await database.get(layout.STORES_KEY));
  const known = numbers.size;
  const prefixes = stores.map((spec) => {
    const name = layout.nameOnDisk(spec);
    const number = numbers.get(name) ?? numbers.size + 1;
    numbers.set(name, number);
    return number;
  });
  if (numbers.size > known) {
    await database.write([[layout.STORES_KEY, layout.encodeNumbers(numbers)]]);
  }
  const bytes = await database.get(layout.MARKS_KEY);
  const marks = bytes === null ? null : layout.decodeMarks(bytes, prefixes);
  await emptyForgotten(database, prefixes, marks);
  const indexes = stores.map((spec, store) => indexOf(spec, prefixes[store] ?? 0));
  await indexOnce(database, stores, prefixes, indexes);
  const lastTimes: number[] = [];
  for (const index of indexes) {
    const isByTime = index instanceof TimeIndex;
    lastTimes.push(isByTime ? await index.last(database) : Number.POSITIVE_INFINITY);
  }
  return { database, prefixes, indexes, marks, marksBytes: bytes, lastTimes };
}
