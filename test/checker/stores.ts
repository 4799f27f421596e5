import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import RocksDB from "rocksdb-native";

/** A task's directory as a stopped sidecar left it, read without the sidecar's code. */
export interface StoredTask {
  readonly path: string;
  readonly partition: number;
  /** By name. */
  readonly stores: ReadonlyMap<string, StoredStore>;
  /** By the name of the input's partition: what the store says it has taken in. */
  readonly inputOffsets: ReadonlyMap<string, number>;
}

export interface StoredStore {
  /** 32 hexadecimal digits. */
  readonly topicId: string;
  /** The first offset of the changelog that is not in the store. */
  readonly position: number;
  /** Keys in hexadecimal digits. */
  readonly content: ReadonlyMap<string, Buffer>;
}

/** Two bytes of a key say whose it is: 0 is the task itself. */
const PREFIX_BYTES = 2;

interface Marks {
  readonly positions: readonly (readonly [prefix: number, topicId: string, position: number])[];
  readonly inputOffsets: readonly (readonly [name: string, offset: number])[];
}

/** The tasks under `<state.dir>/<application.id>` of each directory; a copy is opened, never it. */
export async function readTasks(
  stateDirs: readonly string[],
  applicationId: string,
): Promise<StoredTask[]> {
  const tasks: StoredTask[] = [];
  for (const stateDir of stateDirs) {
    const folder = join(stateDir, applicationId);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) {
      const [, partition] = /^\d+_(\d+)$/.exec(name) ?? [];
      if (partition === undefined) continue;
      const task = await readTask(join(folder, name), Number(partition));
      if (task !== null) tasks.push(task);
    }
  }
  return tasks;
}

async function readTask(path: string, partition: number): Promise<StoredTask | null> {
  const copy = mkdtempSync(join(tmpdir(), "outrigger-checked-"));
  try {
    cpSync(path, copy, { recursive: true });
    const entries = await entriesOf(copy);
    return taskOf(path, partition, entries);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

type Entry = readonly [key: Buffer, value: Buffer];

async function entriesOf(path: string): Promise<Entry[]> {
  const db = new RocksDB(path);
  await db.ready();
  const entries: Entry[] = [];
  const rows = db.iterator({ gte: Buffer.alloc(0) });
  await new Promise<void>((resolve, reject) => {
    rows.on("data", ({ key, value }) => entries.push([Buffer.from(key), Buffer.from(value)]));
    rows.on("error", reject);
    rows.on("close", resolve);
  });
  await db.close();
  return entries;
}

/** null for a directory that no cut has reached yet. */
function taskOf(path: string, partition: number, entries: readonly Entry[]): StoredTask | null {
  const own = new Map<string, string>();
  const byPrefix = new Map<number, Map<string, Buffer>>();
  for (const [key, value] of entries) {
    const prefix = key.readUInt16BE(0);
    const rest = key.subarray(PREFIX_BYTES);
    if (prefix === 0) own.set(rest.toString("latin1"), String(value));
    const content = byPrefix.get(prefix) ?? new Map<string, Buffer>();
    byPrefix.set(prefix, content.set(rest.toString("hex"), value));
  }
  const [marks, names] = [own.get("marks"), own.get("stores")];
  if (marks === undefined || names === undefined) return null;
  const { positions, inputOffsets } = JSON.parse(marks) as Marks;
  const prefixes = JSON.parse(names) as [name: string, prefix: number][];
  const stores = new Map<string, StoredStore>();
  for (const [prefix, topicId, position] of positions) {
    const name = prefixes.find(([, each]) => each === prefix)?.[0];
    if (name === undefined)
      throw new Error(`${path} has a position of ${prefix}, which no store has`);
    stores.set(name, { topicId, position, content: byPrefix.get(prefix) ?? new Map() });
  }
  return { path, partition, stores, inputOffsets: new Map(inputOffsets) };
}
