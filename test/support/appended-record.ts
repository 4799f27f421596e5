import type { AppendedRecord } from "../../src/ports/producer.ts";

/** A record without a key and without headers, of now. */
export function appendedRecord(topic: string, partition: number, value: Buffer): AppendedRecord {
  return {
    topic,
    partition,
    timestamp: Date.now(),
    keyBytes: value,
    keyPosition: 0,
    keyLength: -1,
    valueBytes: value,
    valuePosition: 0,
    valueLength: value.length,
    headersBytes: null,
    headersPosition: 0,
    headersEnd: 0,
  };
}
