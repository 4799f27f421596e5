import kafkajs, { type Kafka, type Message, type Transaction } from "kafkajs";
import { HEADERS_POSITION, STRIDE } from "../../src/model/columns.ts";
import type { FetchedChunk } from "../../src/ports/consumer.ts";

/** A record as every reader can tell it; bytes in hex. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  /** In order, duplicates kept. */
  readonly headers: readonly (readonly [key: string, value: string | null])[];
}

const T = Date.UTC(2001, 0, 1);
const INT32_ZERO = Buffer.alloc(4);

/**
 * Writes partition 0 with an independent client (kafkajs): transactions of two producers that
 * overlap, two of them aborted by the same producer, every key an int32 0; one batch whose
 * timestamps lie more than 2^31 ms apart; null and empty keys and values, headers, gzip. Answers
 * the values that a reader of committed data sees, in order.
 */
export async function writeTransactionalInput(kafka: Kafka, topic: string): Promise<string[]> {
  const suffix = `${topic}-${process.pid}`;
  const producers = ["a", "b"].map((name) =>
    kafka.producer({
      transactionalId: `${suffix}-${name}`,
      idempotent: true,
      maxInFlightRequests: 1,
    }),
  );
  const plain = kafka.producer();
  await Promise.all([plain, ...producers].map((producer) => producer.connect()));
  const [a, b] = producers;
  if (a === undefined || b === undefined) throw new Error("two producers are connected");
  const put = (to: Transaction, ...values: string[]) =>
    to.send({
      topic,
      messages: values.map((value) => ({
        partition: 0,
        key: INT32_ZERO,
        value,
        timestamp: `${T}`,
      })),
    });
  const a1 = await a.transaction();
  const b1 = await b.transaction();
  await put(a1, "aborted-a1", "aborted-a2");
  await put(b1, "b1");
  await put(a1, "aborted-a3");
  await a1.abort();
  const a2 = await a.transaction();
  await put(a2, "aborted-a4");
  await put(b1, "b2", "b3");
  await b1.commit();
  const b2 = await b.transaction();
  await put(b2, "aborted-b4");
  await a2.abort();
  const a3 = await a.transaction();
  await put(a3, "a5");
  await b2.abort();
  await put(a3, "a6");
  await a3.commit();
  await plain.send({ topic, messages: OTHER_MESSAGES });
  await plain.send({
    topic,
    compression: kafkajs.CompressionTypes.GZIP,
    messages: ["zipped-1", "zipped-2"].map((value) => ({
      partition: 0,
      value,
      timestamp: `${T}`,
    })),
  });
  const last = await a.transaction();
  await put(last, "aborted-at-the-end");
  await last.abort();
  await Promise.all([plain, ...producers].map((producer) => producer.disconnect()));
  return ["b1", "b2", "b3", "a5", "a6", "early", "late", "latest", "", "zipped-1", "zipped-2"];
}

const OTHER_MESSAGES: Message[] = [
  { partition: 0, key: "k", value: "early", timestamp: `${T}` },
  { partition: 0, key: "k", value: "late", timestamp: `${T + 2 ** 31 + 1}` },
  {
    partition: 0,
    key: "k",
    value: "latest",
    timestamp: `${T + 2 ** 34}`,
    headers: { trace: ["1", "2"], other: "x" },
  },
  { partition: 0, key: "", value: null, timestamp: `${T - 1}` },
];

/** The records of a chunk of ours, as other readers tell them. */
export function recordsOf({ columns }: FetchedChunk): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let row = 0; row < columns.count; row++) {
    records.push({
      offset: columns.offsets[row] ?? -1,
      timestamp: columns.timestamps[row] ?? -1,
      key: columns.key(row)?.toString("hex") ?? null,
      value: columns.value(row)?.toString("hex") ?? null,
      headers: headersAt(columns.bytes, columns.positions[row * STRIDE + HEADERS_POSITION] ?? 0),
    });
  }
  return records;
}

function headersAt(bytes: Buffer, start: number): (readonly [string, string | null])[] {
  let position = start;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(position++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  const field = () => {
    const length = varint();
    if (length < 0) return null;
    position += length;
    return bytes.subarray(position - length, position);
  };
  return Array.from({ length: varint() }, () => [
    field()?.toString() ?? "",
    field()?.toString("hex") ?? null,
  ]);
}
