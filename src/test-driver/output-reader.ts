import type { DriverCluster } from "./cluster.ts";
import { sizeOf, type VisibleRecord } from "./log.ts";

const RECORDS_MAX = 1_000;
const BYTES_MAX = 1024 * 1024;

interface Placed extends VisibleRecord {
  readonly partition: number;
}

/** Reads topics from where it stopped, all partitions together, in the order they were written. */
export class OutputReader {
  readonly #cluster: DriverCluster;
  /** The next offset of each partition, by topic. */
  readonly #positions = new Map<string, number[]>();

  constructor(cluster: DriverCluster) {
    this.#cluster = cluster;
  }

  read(topic: string): { readonly records: readonly Placed[]; readonly more: boolean } {
    const { logs } = this.#cluster.topic(topic);
    const positions = this.#positions.get(topic) ?? logs.map(() => 0);
    this.#positions.set(topic, positions);
    const found = logs.flatMap((log, partition) => {
      const { records } = log.read(positions[partition] ?? 0, RECORDS_MAX, BYTES_MAX);
      return records.map((record) => ({ ...record, partition }));
    });
    found.sort((left, right) => left.order - right.order);
    const records: Placed[] = [];
    let bytes = 0;
    for (const record of found) {
      if (records.length === RECORDS_MAX || bytes >= BYTES_MAX) break;
      records.push(record);
      bytes += sizeOf(record);
      positions[record.partition] = record.offset + 1;
    }
    const more = logs.some((log, partition) => log.hasMore(positions[partition] ?? 0));
    return { records, more };
  }
}
