import { invariant } from "../errors/invariant.ts";
import { asError } from "../errors/outrigger-error.ts";
import type { KeyColumns } from "../model/key-table.ts";
import { Slices } from "../model/slices.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { StoreMarks, StorePosition } from "../ports/store.ts";

/**
 * The layout of a task's RocksDB: two bytes of prefix, then the store's own key. Prefix 0 is the
 * task's marks and the numbers of its stores, which stay the same when the topology changes.
 */
export const PREFIX_BYTES = 2;
const META = 0;
const INDEX_PREFIXES = 0x8000;

export const MARKS_KEY = metaKey("marks");
export const STORES_KEY = metaKey("stores");
/** The stores whose index of times is whole. */
export const INDEXED_KEY = metaKey("indexed");
export const FORMAT_KEY = metaKey("format");
export const FORMAT = Buffer.from("1");

export function metaKey(name: string): Buffer {
  const key = Buffer.alloc(PREFIX_BYTES + name.length);
  key.writeUInt16BE(META, 0);
  key.write(name, PREFIX_BYTES, "latin1");
  return key;
}

/** Where the index of times of a store stands; a task has fewer stores than that. */
export function indexPrefix(prefix: number): number {
  return INDEX_PREFIXES + prefix;
}

/** `prefix | key`, copied. */
export function storeKey(prefix: number, key: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(PREFIX_BYTES + key.length);
  prefixed.writeUInt16BE(prefix, 0);
  prefixed.set(key, PREFIX_BYTES);
  return prefixed;
}

/** `prefix | key` of each, copied one after the other. */
export function storeKeys(
  prefix: number,
  { count, bytes, positions }: Pick<KeyColumns, "count" | "bytes" | "positions">,
): Pick<KeyColumns, "bytes" | "positions"> {
  let size = count * PREFIX_BYTES;
  for (let i = 0; i < count; i++) size += positions[i * 2 + 1] as number;
  const prefixed = Buffer.allocUnsafe(size);
  const places = new Int32Array(count * 2);
  const slices = new Slices();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = positions[i * 2 + 1] as number;
    prefixed[at] = prefix >>> 8;
    prefixed[at + 1] = prefix & 0xff;
    slices.copy(bytes, positions[i * 2] as number, prefixed, at + PREFIX_BYTES, length);
    places[i * 2] = at;
    places[i * 2 + 1] = PREFIX_BYTES + length;
    at += PREFIX_BYTES + length;
  }
  return { bytes: prefixed, positions: places };
}

/** The bounds on disk of a range of one store's keys. */
export function storeRange(
  prefix: number,
  { from, to }: { from: Buffer | null; to: Buffer | null },
): { from: Buffer; to: Buffer } {
  const none = Buffer.alloc(0);
  return {
    from: storeKey(prefix, from ?? none),
    to: to === null ? storeKey(prefix + 1, none) : storeKey(prefix, to),
  };
}

interface MarksOnDisk {
  readonly positions: readonly (readonly [prefix: number, topicId: string, position: number])[];
  readonly inputOffsets: readonly (readonly [name: string, offset: number])[];
  readonly streamTimeMs: number;
  readonly commitSequence: number;
  readonly caughtUpAtMs: number;
}

/** Store indexes change with the topology; on disk stands the prefix, which does not. */
export function encodeMarks(marks: StoreMarks, prefixes: readonly number[]): Buffer {
  const positions: [number, string, number][] = [];
  for (const [index, { topicId, position }] of marks.positions) {
    const prefix = prefixes[index];
    invariant(prefix !== undefined, `store ${index} has no prefix`);
    positions.push([prefix, topicId, position]);
  }
  const { streamTimeMs, commitSequence, caughtUpAtMs } = marks;
  const inputOffsets = [...marks.inputOffsets];
  const onDisk: MarksOnDisk = {
    positions,
    inputOffsets,
    streamTimeMs,
    commitSequence,
    caughtUpAtMs,
  };
  return Buffer.from(JSON.stringify(onDisk));
}

export function decodeMarks(bytes: Buffer, prefixes: readonly number[]): StoreMarks {
  const onDisk = parse(bytes) as MarksOnDisk;
  const positions = new Map<number, StorePosition>();
  for (const [prefix, topicId, position] of onDisk.positions) {
    const index = prefixes.indexOf(prefix);
    // A store that the topology no longer has keeps its data, and loses its position: should it
    // come back, it is restored from the start.
    if (index >= 0) positions.set(index, { topicId, position });
  }
  const { streamTimeMs, commitSequence, caughtUpAtMs } = onDisk;
  const inputOffsets = new Map(onDisk.inputOffsets);
  return { positions, inputOffsets, streamTimeMs, commitSequence, caughtUpAtMs };
}

/**
 * The name that a store's number is kept under. Values of one layout are not read as those of the other: a
 * store that came to carry times is another one here, and restored from the changelog, which is the same.
 */
export function nameOnDisk({ name, kind, isRanged, isTimestamped }: StoreSpec): string {
  if (isTimestamped !== true) return name;
  if (kind === "keyValue") return `${name}:timestamped`;
  return kind === "window" && isRanged !== true ? `${name} with times` : name;
}

/** Numbers by store name. */
export function encodeNumbers(numbers: ReadonlyMap<string, number>): Buffer {
  return Buffer.from(JSON.stringify([...numbers]));
}

export function decodeNumbers(bytes: Buffer | null): Map<string, number> {
  return bytes === null ? new Map() : new Map(parse(bytes) as [string, number][]);
}

/** What we wrote ourselves, in one atomic batch: anything else is damage, and an invariant. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error: unknown) {
    invariant(false, `the marks of a task cannot be read: ${asError(error).message}`);
  }
}
