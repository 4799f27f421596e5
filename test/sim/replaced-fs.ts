import { removeDirectory } from "./memory-rocksdb.ts";

/** In the place of `node:fs` in simulated code. */
export function mkdirSync(): void {}

export function rmSync(path: string): void {
  removeDirectory(path);
}
