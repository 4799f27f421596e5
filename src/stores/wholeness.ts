import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLog, readVersionEdit, sequencesOf } from "./rocksdb-log.ts";

/**
 * What RocksDB would not notice as it opens a directory; null where nothing is wrong.
 *
 * Every table and every record of a log has a checksum, and damage to one of them is an error, or
 * takes the store back to an older state, together with its position: harmless. Not so a hole. A
 * manifest that ends early is opened in silence as the older one that it looks like. That one does
 * not know the tables flushed since, whose logs are deleted by now; the logs after them are applied
 * all the same, and the position with them: the store claims what it does not have.
 *
 * So a manifest must be read to its last byte, and the logs must go on where its tables end, write by
 * write: sequence numbers have no gaps. A manifest that was cut between two records has lost either a
 * flush, whose log is gone: a gap, or is there still: nothing is lost; or a compaction, whose old
 * tables are gone: RocksDB says so, or are there still: they hold the same.
 */
export function whyNotWhole(path: string): string | null {
  if (!existsSync(path)) return null;
  const files = readdirSync(path);
  if (!files.includes("CURRENT")) {
    const left = files.find((name) => /^MANIFEST-|\.sst$|\.log$/.test(name));
    return left === undefined ? null : `it has ${left} and no CURRENT`;
  }
  const manifest = readFileSync(join(path, "CURRENT"), "latin1").trimEnd();
  if (!/^MANIFEST-\d+$/.test(manifest)) return "CURRENT names no manifest";
  if (!files.includes(manifest)) return `${manifest} is missing`;
  const { records, isWhole } = readLog(readFileSync(join(path, manifest)));
  if (!isWhole) return `${manifest} ends within a record`;
  let logNumber = 0;
  let last = 0;
  for (const edit of records.map(readVersionEdit)) {
    logNumber = Math.max(logNumber, edit.logNumber ?? 0);
    last = Math.max(last, edit.lastSequence ?? 0);
  }
  for (const number of logsOf(files, logNumber)) {
    const name = `${String(number).padStart(LOG_DIGITS, "0")}.log`;
    const log = readLog(readFileSync(join(path, name)));
    for (const { first, count } of log.records.map(sequencesOf)) {
      if (first > last + 1)
        return `${name} goes on at write ${first}, the last before it is ${last}`;
      last = Math.max(last, first + count - 1);
    }
  }
  return null;
}

const LOG_DIGITS = 6;

/** The numbers of the write-ahead logs that are not in the tables, in order. */
function logsOf(files: readonly string[], from: number): number[] {
  return files
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter((number) => number >= from)
    .sort((left, right) => left - right);
}
