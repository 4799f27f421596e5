import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";

/** The whole sidecar as one script, which `npm run build` makes of its modules. */
export interface Bundle<Exports> {
  readonly exports: Exports;
  /** Whether V8 took its compiled form from the code cache. */
  readonly isCached: boolean;
  /**
   * Writes the code cache for the next start: what has run until now is compiled there. Where the folder is
   * read only, every start compiles, and nothing else is different.
   */
  keepCache(): void;
}

const HASH = "sha256";
const HASH_BYTES = 32;

/** Null where there is none, as in a checkout that is not built: the modules do the same. */
export function loadBundle<Exports>(file: string): Bundle<Exports> | null {
  const source = contentOf(file);
  if (source === null) return null;
  // V8 refuses what another version of it, or other flags, have made; so each has a file of its own.
  const cacheFile = `${file}.${cachedDataVersionTag()}.cache`;
  const cache = readCache(cacheFile, source);
  const script = new Script(source.toString("latin1"), {
    filename: file,
    ...(cache === null ? {} : { cachedData: cache }),
  });
  const module = { exports: {} };
  const run: unknown = script.runInThisContext();
  if (typeof run !== "function") throw new TypeError(`${file} is not what a build makes`);
  const url = pathToFileURL(file).href;
  const load = (specifier: string): Promise<unknown> => import(specifier);
  run(module.exports, createRequire(url), module, file, dirname(file), url, load);
  return {
    exports: module.exports as Exports,
    isCached: cache !== null && script.cachedDataRejected === false,
    keepCache: () => writeCache(cacheFile, source, script.createCachedData()),
  };
}

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

/**
 * V8 compares no more of the source than its length, and believes what is in the cache: after a build that
 * changed a digit it would run the code of the last one. So a hash of both stands behind it.
 */
function readCache(file: string, source: Buffer): Buffer | null {
  const content = contentOf(file);
  if (content === null || content.length <= HASH_BYTES) return null;
  const end = content.length - HASH_BYTES;
  const data = content.subarray(0, end);
  return hashOf(source, data).equals(content.subarray(end)) ? data : null;
}

function hashOf(source: Buffer, data: Buffer): Buffer {
  return createHash(HASH).update(source).update(data).digest();
}

/** Whole or not at all, also where two sidecars start at once and where the power goes. */
function writeCache(file: string, source: Buffer, data: Buffer): void {
  const beside = `${file}.${process.pid}`;
  try {
    const opened = openSync(beside, "w");
    try {
      writeSync(opened, Buffer.concat([data, hashOf(source, data)]));
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(beside, file);
  } catch {
    rmSync(beside, { force: true });
  }
}
