import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { StateDirectory, TaskState } from "../ports/store.ts";
import { Database, type DatabaseOptions, type Entry } from "./database.ts";
import * as layout from "./layout.ts";
import { RocksTaskState } from "./task-state.ts";

export interface DirectoryOptions {
  /** A process id given by the configuration (a StatefulSet's pod); null makes and keeps one. */
  readonly processId: string | null;
  /** `rocksdb.memory.max.bytes`: bound of all databases together. */
  readonly memoryBytesMax: number;
  /** Told of a store that could not be opened and was wiped: it is restored from its changelog. */
  readonly onCorrupted: (taskName: string, error: OutriggerError) => void;
}

const PROCESS_ID_KEY = layout.metaKey("process.id");
const MEMBER_ID_KEY = layout.metaKey("member.id");
const PROCESS_WRITE_BUFFER_BYTES = 64 * 1024;

/** rocksdb-native's block cache has this size and no other. */
const BLOCK_CACHE_BYTES = 32 * 1024 * 1024;
const WRITE_BUFFER_BYTES_MAX = 8 * 1024 * 1024;
const WRITE_BUFFER_BYTES_MIN = 256 * 1024;
const BUFFERS_PER_DATABASE = 2;
const TASKS_WITH_CACHE_MAX = 16;

/**
 * Opens `<state.dir>/<application.id>`. The database `process` in it holds the format version, the
 * process id and the member id, and is the lock: RocksDB refuses a second opener, in this process or
 * another, and the operating system takes the lock from a process that died.
 */
export async function openStateDirectory(
  path: string,
  options: DirectoryOptions,
): Promise<StateDirectory> {
  const process = await Database.open(join(path, "process"), {
    writeBufferBytes: PROCESS_WRITE_BUFFER_BYTES,
    blockCache: false,
  });
  const format = await process.get(layout.FORMAT_KEY);
  if (format !== null && !format.equals(layout.FORMAT)) {
    await process.close();
    throw new OutriggerError(
      "STORE_FAILED",
      `${path} has format ${format}, this version reads ${layout.FORMAT}: use the version that ` +
        "wrote it, or delete the directory (state is restored from the changelogs)",
    );
  }
  const stored = (await process.get(PROCESS_ID_KEY))?.toString() ?? null;
  const processId = options.processId ?? stored ?? randomUUID();
  const member = await process.get(MEMBER_ID_KEY);
  await process.write([
    [layout.FORMAT_KEY, layout.FORMAT],
    [PROCESS_ID_KEY, Buffer.from(processId)],
  ]);
  return new RocksDirectory(path, process, options, processId, member?.toString() ?? null);
}

class RocksDirectory implements StateDirectory {
  processId: string;
  readonly predecessorMemberId: string | null;
  readonly #path: string;
  readonly #process: Database;
  readonly #options: DirectoryOptions;
  #openTasks = 0;

  constructor(
    path: string,
    process: Database,
    options: DirectoryOptions,
    processId: string,
    predecessorMemberId: string | null,
  ) {
    this.#path = path;
    this.#process = process;
    this.#options = options;
    this.processId = processId;
    this.predecessorMemberId = predecessorMemberId;
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
    try {
      const state = await this.#open(taskName, stores);
      const close = state.close.bind(state);
      state.close = async () => {
        this.#openTasks -= 1;
        await close();
      };
      return state;
    } catch (error: unknown) {
      this.#openTasks -= 1;
      throw error;
    }
  }

  /** A store that cannot be opened is worth nothing, and the changelog has it all: start empty. */
  async #open(taskName: string, stores: readonly StoreSpec[]): Promise<RocksTaskState> {
    const path = join(this.#path, taskName);
    const options = this.#databaseOptions();
    try {
      return await RocksTaskState.open(path, stores, options);
    } catch (error: unknown) {
      const isCorrupted = error instanceof OutriggerError && error.code === "STORE_CORRUPTED";
      if (!isCorrupted) throw error;
      this.#options.onCorrupted(taskName, error);
      Database.destroy(path);
      return await RocksTaskState.open(path, stores, options);
    }
  }

  async close(): Promise<void> {
    await this.#process.close();
  }

  async #put(entry: Entry): Promise<void> {
    await this.#process.write([entry]);
  }

  /** The bound is shared: write buffers shrink, and above 16 tasks the block cache goes. */
  #databaseOptions(): DatabaseOptions {
    const share = this.#options.memoryBytesMax / this.#openTasks;
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
