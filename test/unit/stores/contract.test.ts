import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { RocksTaskState } from "../../../src/stores/task-state.ts";
import { STORES, storeContract } from "../../contract/store.contract.ts";
import { Disk, MemoryState } from "../../support/world/memory-directory.ts";

const root = mkdtempSync(join(tmpdir(), "outrigger-store-"));
after(() => rmSync(root, { recursive: true, force: true }));
const options = { writeBufferBytes: 1024 * 1024, blockCache: false };
let made = 0;

storeContract("RocksDB", async () => {
  const path = join(root, String(made++));
  return {
    open: () => RocksTaskState.open(path, STORES, options),
    reopen: async (state) => {
      await state.close();
      return await RocksTaskState.open(path, STORES, options);
    },
  };
});

storeContract("memory", async () => {
  const disk = new Disk();
  return {
    open: async () => new MemoryState(STORES, disk),
    reopen: async () => new MemoryState(STORES, disk),
  };
});
