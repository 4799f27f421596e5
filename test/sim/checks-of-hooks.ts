import type { ModelKafka } from "./kafka/model.ts";
import { HOOK_TOPIC, INPUT, OUTPUT } from "./topologies.ts";

/** A hook has run for a request: an effect on the world, which nothing takes back. */
export interface Ran {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/**
 * At the end: a request for each output, and no other; each has run, in order, and nothing else has. Runs
 * of what was aborted would be effects of what never was.
 */
export function hookFault(kafka: ModelKafka, ran: readonly Ran[]): string | null {
  const topic = kafka.topics.get(HOOK_TOPIC);
  if (topic === undefined) return "the topic of the hook is not there";
  const requests = topic.partitions.flatMap((log) =>
    [...log.committed()].map(({ offset, value }) => {
      const { partition } = log;
      return { place: placeOf(partition, offset), partition, value: textOf(value) };
    }),
  );
  return (
    requestFault(kafka, requests) ??
    partitionFault(kafka, requests) ??
    runFault(requests, ran) ??
    orderFault(ran)
  );
}

interface Request {
  readonly place: string;
  readonly partition: number;
  readonly value: string;
}

function requestFault(kafka: ModelKafka, requests: readonly Request[]): string | null {
  const outputs = (kafka.topics.get(OUTPUT)?.partitions ?? []).flatMap((log) =>
    [...log.committed()].map(({ value }) => lastOf(textOf(value))),
  );
  const asked = new Set(requests.map(({ value }) => value));
  if (asked.size !== requests.length) return "something has been asked for twice";
  const missing = outputs.find((output) => !asked.has(output));
  if (missing !== undefined) return `${missing} is in the output, and its hook was not asked`;
  if (asked.size === outputs.length) return null;
  return `there are ${outputs.length} outputs, and ${asked.size} requests`;
}

/** A request is where its record is, whatever its key. */
function partitionFault(kafka: ModelKafka, requests: readonly Request[]): string | null {
  const home = new Map<string, number>();
  for (const { partition, ...log } of kafka.topics.get(INPUT)?.partitions ?? []) {
    for (const batch of log.history) {
      for (const { value } of batch.records) home.set(textOf(value), partition);
    }
  }
  for (const { value, partition, place } of requests) {
    const own = home.get(value.slice(0, value.indexOf("~")));
    if (own !== partition) return `${value} of partition ${own} was asked for at ${place}`;
  }
  return null;
}

function textOf(value: Buffer | null): string {
  return value?.toString("latin1") ?? "";
}

/** An output is a list: what the record added to it. */
function lastOf(list: string): string {
  return list.slice(list.lastIndexOf(",") + 1);
}

function runFault(requests: readonly Request[], ran: readonly Ran[]): string | null {
  const known = new Map(requests.map(({ place, value }) => [place, value]));
  const done = new Set<string>();
  for (const { partition, offset, value } of ran) {
    const place = placeOf(partition, offset);
    if (known.get(place) !== value) return `the hook ran for ${value} at ${place}, never committed`;
    done.add(place);
  }
  const left = requests.find(({ place }) => !done.has(place));
  return left === undefined ? null : `the hook never ran for ${left.value} at ${left.place}`;
}

/** The first run of each request follows the first runs of those before it. */
function orderFault(ran: readonly Ran[]): string | null {
  const seen = new Set<string>();
  const last = new Map<number, number>();
  for (const { partition, offset, value } of ran) {
    const place = placeOf(partition, offset);
    if (seen.has(place)) continue;
    seen.add(place);
    if (offset < (last.get(partition) ?? -1)) return `the hook ran for ${value} at ${place} late`;
    last.set(partition, offset);
  }
  return null;
}

function placeOf(partition: number, offset: number): string {
  return `${partition}@${offset}`;
}
