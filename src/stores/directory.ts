import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { StateDirectory, TaskState } from "../ports/store.ts";
import { Database, type DatabaseOptions, type Entry } from "./database.ts";
import * as layout from "./layout.ts";
import { distrusted } from "./store-errors.ts";
import { RocksTaskState } from "./task-state.ts";
import { empty, markOf, whyDistrusted } from "./trust.ts";
import { phaseOf } from "./write-due.ts";

export interface DirectoryOptions {
  /** A process id given by the configuration (a StatefulSet's pod); null makes and keeps one. */
  readonly processId: string | null;
  /** `rocksdb.memory.max.bytes`: bound of all databases together, with what of them is kept at hand. */
  readonly memoryBytesMax: number;
  /** Told of a store that cannot be trusted and is emptied: it is restored from its changelog. */
  readonly onCorrupted: (taskName: string, error: OutriggerError) => void;
}

const PROCESS = "process";
const PROCESS_ID_KEY = layout.metaKey("process.id");
const MEMBER_ID_KEY = layout.metaKey("member.id");
const PROCESS_WRITE_BUFFER_BYTES = 64 * 1024;

/** rocksdb-native's block cache has this size and no other. */
const BLOCK_CACHE_BYTES = 32 * 1024 * 1024;
const WRITE_BUFFER_BYTES_MAX = 8 * 1024 * 1024;
const WRITE_BUFFER_BYTES_MIN = 256 * 1024;
const BUFFERS_PER_DATABASE = 2;
const TASKS_WITH_CACHE_MAX = 16;
/** Of the memory, what keeps values that were used of late, and as much for which keys there are. */
const CACHE_SHARE = 1 / 8;
const ROCKSDB_SHARE = 1 - 2 * CACHE_SHARE;

/**
 * Opens `<state.dir>/<application.id>`. The database `process` in it holds the format version, the
 * process id and the member id, and is the lock: RocksDB refuses a second opener, in this process or
 * another, and the operating system takes the lock from a process that died.
 */
export async function openStateDirectory(
  path: string,
  options: DirectoryOptions,
): Promise<StateDirectory> {
  const own = await openTrusted(join(path, PROCESS), options, async (at) => {
    return await openProcess(at, options.processId);
  });
  return new RocksDirectory(path, own, options);
}

/** What a process keeps for the next one. */
interface ProcessFacts {
  readonly database: Database;
  readonly processId: string;
  readonly memberId: string | null;
}

async function openProcess(path: string, configuredId: string | null): Promise<ProcessFacts> {
  const database = await Database.open(path, {
    writeBufferBytes: PROCESS_WRITE_BUFFER_BYTES,
    blockCache: false,
  });
  try {
    // Only now: before it was open it may have been another's, who has marked it.
    const mark = markOf(path);
    if (mark !== null) throw distrusted(path, mark);
    const format = await database.get(layout.FORMAT_KEY);
    if (format !== null && !format.equals(layout.FORMAT)) {
      throw new OutriggerError(
        "STORE_FAILED",
        `${dirname(path)} has format ${format}, this version reads ${layout.FORMAT}: use the version ` +
          "that wrote it, or delete the directory (state is restored from the changelogs)",
      );
    }
    const stored = (await database.get(PROCESS_ID_KEY))?.toString() ?? null;
    const processId = configuredId ?? stored ?? randomUUID();
    const member = await database.get(MEMBER_ID_KEY);
    await database.write([
      [layout.FORMAT_KEY, layout.FORMAT],
      [PROCESS_ID_KEY, Buffer.from(processId)],
    ]);
    return { database, processId, memberId: member?.toString() ?? null };
  } catch (error: unknown) {
    await database.close().catch(() => {});
    throw error;
  }
}

/**
 * Opens what can be trusted, and what cannot once it is emptied: a changelog has it all. The process
 * directory is not looked into before, for another process may be writing it; without its process id
 * a new one is taken, and without its member id a dead member keeps its partitions for its session.
 */
async function openTrusted<T>(
  path: string,
  { onCorrupted }: Pick<DirectoryOptions, "onCorrupted">,
  open: (path: string) => Promise<T>,
): Promise<T> {
  const name = basename(path);
  const reason = name === PROCESS ? null : whyDistrusted(path);
  if (reason === null) {
    try {
      return await open(path);
    } catch (error: unknown) {
      const isCorrupted = error instanceof OutriggerError && error.code === "STORE_CORRUPTED";
      if (!isCorrupted) throw error;
      onCorrupted(name, error);
    }
  } else {
    onCorrupted(name, distrusted(path, reason));
  }
  empty(path);
  return await open(path);
}

class RocksDirectory implements StateDirectory {
  processId: string;
  readonly predecessorMemberId: string | null;
  readonly #path: string;
  readonly #process: Database;
  readonly #options: DirectoryOptions;
  #openTasks = 0;
  #openStores = 0;

  constructor(path: string, own: ProcessFacts, options: DirectoryOptions) {
    this.#path = path;
    this.#process = own.database;
    this.#options = options;
    this.processId = own.processId;
    this.predecessorMemberId = own.memberId;
  }

  async rememberMember(memberId: string): Promise<void> {
    await this.#put([MEMBER_ID_KEY, Buffer.from(memberId)]);
  }

  async forgetMember(): Promise<void> {
    await this.#put([MEMBER_ID_KEY, null]);
  }

  async renewProcessId(): Promise<string> {
    this.processId = randomUUID();
    await this.#put([PROCESS_ID_KEY, Buffer.from(this.processId)]);
    return this.processId;
  }

  async openTask(taskName: string, stores: readonly StoreSpec[]): Promise<TaskState> {
    this.#openTasks += 1;
    this.#openStores += stores.length;
    try {
      const state = await openTrusted(join(this.#path, taskName), this.#options, async (path) => {
        const cacheBytes = (): number => this.#cacheBytes;
        const options = this.#databaseOptions();
        return await RocksTaskState.open(path, stores, options, cacheBytes, phaseOf(taskName));
      });
      const close = state.close.bind(state);
      state.close = async () => {
        this.#openTasks -= 1;
        this.#openStores -= stores.length;
        await close();
      };
      return state;
    } catch (error: unknown) {
      this.#openTasks -= 1;
      this.#openStores -= stores.length;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#process.close();
  }

  async #put(entry: Entry): Promise<void> {
    await this.#process.write([entry]);
  }

  /** Of each store that is open: a task that opens makes the others' smaller. */
  get #cacheBytes(): number {
    return (this.#options.memoryBytesMax * CACHE_SHARE) / Math.max(1, this.#openStores);
  }

  /** The bound is shared: write buffers shrink, and above 16 tasks the block cache goes. */
  #databaseOptions(): DatabaseOptions {
    const share = (this.#options.memoryBytesMax * ROCKSDB_SHARE) / this.#openTasks;
    const blockCache = this.#openTasks <= TASKS_WITH_CACHE_MAX && share > BLOCK_CACHE_BYTES;
    const left = share - (blockCache ? BLOCK_CACHE_BYTES : 0);
    const buffer = Math.floor(left / BUFFERS_PER_DATABASE);
    const writeBufferBytes = Math.min(
      WRITE_BUFFER_BYTES_MAX,
      Math.max(WRITE_BUFFER_BYTES_MIN, buffer),
    );
    return { writeBufferBytes, blockCache };
  }
}
