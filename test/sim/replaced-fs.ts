import { disks, type StoredDirectory } from "./memory-rocksdb.ts";

/** In the place of `node:fs` in simulated code: the files beside a simulated RocksDB. */

/** What stands for all files of RocksDB. */
const DATA = "DATA";

export function mkdirSync(): void {}

export function existsSync(path: string): boolean {
  const at = placeOf(path);
  return disks.directories.has(path) || at?.directory.files.has(at.name) === true;
}

export function readdirSync(path: string): string[] {
  const directory = disks.directories.get(path);
  if (directory === undefined) return [];
  return [...(directory.data.size > 0 ? [DATA] : []), ...directory.files.keys()];
}

export function lstatSync(path: string): { isDirectory(): boolean; isFile(): boolean } {
  const isDirectory = disks.directories.has(path);
  return { isDirectory: () => isDirectory, isFile: () => !isDirectory };
}

export function readFileSync(path: string): string {
  const at = placeOf(path);
  const text = at?.directory.files.get(at.name);
  if (text === undefined) throw new Error(`${path} is no file of the simulation`);
  return text;
}

export function writeFileSync(path: string, text: string): void {
  const at = placeOf(path);
  if (at === null) throw new Error(`${path} is in no directory of the simulation`);
  at.directory.files.set(at.name, text);
}

export function rmSync(path: string): void {
  const at = placeOf(path);
  if (at === null) throw new Error(`${path} is in no directory of the simulation`);
  if (at.name === DATA) at.directory.data = new Map();
  else at.directory.files.delete(at.name);
}

function placeOf(path: string): { directory: StoredDirectory; name: string } | null {
  const slash = path.lastIndexOf("/");
  const directory = disks.directories.get(path.slice(0, slash));
  return directory === undefined ? null : { directory, name: path.slice(slash + 1) };
}
