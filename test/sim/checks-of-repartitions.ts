import { murmur2 } from "../../src/kafka/produce/murmur2.ts";
import type { ModelKafka } from "./kafka/model.ts";
import { GROUPS_TOPIC, groupOf, INPUT, OUTPUT } from "./topologies.ts";

/** A record of the topic between the sub-topologies. */
interface Regrouped {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
}

/**
 * At the end: each input once in the topic between the sub-topologies, under its new key, where that
 * belongs, in the order of its partition; and each count of each key in the output, once, in order.
 */
export function regroupFault(kafka: ModelKafka): string | null {
  const regrouped = (kafka.topics.get(GROUPS_TOPIC)?.partitions ?? []).flatMap((log) =>
    [...log.committed()].map(({ key, value }) => {
      return { partition: log.partition, key: textOf(key), value: textOf(value) };
    }),
  );
  return upperFault(kafka, regrouped) ?? lowerFault(kafka, regrouped);
}

function upperFault(kafka: ModelKafka, regrouped: readonly Regrouped[]): string | null {
  const partitions = kafka.topics.get(GROUPS_TOPIC)?.partitions.length ?? 1;
  const found = new Map<string, number>();
  for (const [index, { partition, key, value }] of regrouped.entries()) {
    const id = value.slice(0, value.indexOf("~"));
    if (found.has(id)) return `${id} was regrouped twice`;
    if (groupOf(id) !== key) return `${id} was regrouped under ${key}`;
    const home = (murmur2(Buffer.from(key, "latin1"), 0, key.length) & 0x7fffffff) % partitions;
    if (home !== partition) return `key ${key} is in partition ${partition} of ${GROUPS_TOPIC}`;
    found.set(id, index);
  }
  for (const log of kafka.topics.get(INPUT)?.partitions ?? []) {
    const last = new Map<number, number>();
    for (const { value } of log.committed()) {
      const id = textOf(value);
      const index = found.get(id);
      if (index === undefined) return `${id} was never regrouped`;
      found.delete(id);
      const partition = regrouped[index]?.partition ?? 0;
      if (index < (last.get(partition) ?? -1)) return `${id} was regrouped out of order`;
      last.set(partition, index);
    }
  }
  const [strange] = found.keys();
  return strange === undefined ? null : `${strange} was regrouped, and is in no input`;
}

function lowerFault(kafka: ModelKafka, regrouped: readonly Regrouped[]): string | null {
  const wanted = new Map<string, number>();
  for (const { key } of regrouped) wanted.set(key, (wanted.get(key) ?? 0) + 1);
  const counted = new Map<string, number>();
  for (const log of kafka.topics.get(OUTPUT)?.partitions ?? []) {
    for (const { key, value } of log.committed()) {
      const name = textOf(key);
      const count = (counted.get(name) ?? 0) + 1;
      if (value?.readBigInt64BE(0) !== BigInt(count)) {
        return `output ${count} of key ${name} is ${value?.readBigInt64BE(0)}`;
      }
      counted.set(name, count);
    }
  }
  for (const [key, count] of wanted) {
    if (counted.get(key) !== count)
      return `key ${key} was counted to ${counted.get(key)} of ${count}`;
  }
  const strange = [...counted.keys()].find((key) => !wanted.has(key));
  return strange === undefined ? null : `key ${strange} was counted, and never regrouped`;
}

function textOf(bytes: Buffer | null): string {
  return bytes?.toString("latin1") ?? "";
}
