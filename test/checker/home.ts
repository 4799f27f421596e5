import { murmur2 } from "../../src/kafka/produce/murmur2.ts";

/** The partition that a key belongs to, for every client of Kafka's. */
export function homeOf(key: Buffer | null, partitions: number): number {
  if (key === null) return 0;
  return (murmur2(key, 0, key.length) & 0x7fff_ffff) % partitions;
}
