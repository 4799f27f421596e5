import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { homeOf } from "../checker/home.ts";
import { writtenCases } from "../differential/cases.ts";
import { StreamsInstances } from "../differential/instances.ts";
import { randomData } from "../differential/random-data.ts";
import {
  prepare,
  type RealBroker,
  realBroker,
  runSidecar,
  runStreams,
} from "../differential/real.ts";
import { readWindowed, type WindowedRecord, type WindowedTopic } from "../differential/windowed.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";

/** Of today, without nulls: see kafka-streams.test.ts. */
const SINCE_MS = Math.floor(Date.now() / 1_000_000 - 1) * 1_000_000;
const DATA = randomData(21, 400)
  .filter(({ key, value }) => key !== null && value !== null)
  .map((record) => ({ ...record, at: SINCE_MS + record.at }));
/** More than what any of these windows is kept for behind stream time. */
const KEPT_MS = 60_000;
const PARTITIONS = 4;

interface Kind {
  readonly name: string;
  /** Of the differential suite. */
  readonly of: string;
  readonly sizeMs: number;
  readonly isSession?: true;
}

const KINDS: readonly Kind[] = [
  { name: "tumbling windows", of: "windowed counts as Java reads them", sizeMs: 1_000 },
  { name: "hopping windows", of: "hopping windows, late", sizeMs: 1_000 },
  { name: "sliding windows", of: "sliding windows, late", sizeMs: 700 },
  { name: "sessions", of: "sessions, late", sizeMs: 400, isSession: true },
];

const windowOf = ({ key, start, end }: WindowedRecord): string => `${key}@${start}-${end}`;
const textOf = (record: WindowedRecord): string => `${windowOf(record)} = ${record.value}`;

/** As its bytes stand in a topic: `key|start`, and of a session `key|end|start`. */
function bytesOf({ key, start, end }: WindowedRecord, isSession: boolean): Buffer {
  const times = isSession ? [end, start] : [start];
  const written = times.map((time) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(time));
    return bytes;
  });
  return Buffer.concat([Buffer.from(key), ...written]);
}

/**
 * What a task has written into each partition, in order. A task's keys are one partition of Kafka Streams'
 * output, which partitions by the key without its window; here all of its bytes count (D-12).
 */
function byTask(records: readonly WindowedRecord[], isSession: boolean): Map<string, string[]> {
  const sequences = new Map<string, string[]>();
  for (const record of records) {
    const home = homeOf(bytesOf(record, isSession), PARTITIONS);
    const where = `task ${homeOf(Buffer.from(record.key), PARTITIONS)}, partition ${home}`;
    sequences.set(where, [...(sequences.get(where) ?? []), textOf(record)]);
  }
  return new Map([...sequences].sort());
}

function lastOf(records: readonly WindowedRecord[]): Map<string, WindowedRecord> {
  return new Map(records.map((record) => [windowOf(record), record]));
}

/**
 * Every window has the same last value in both changelogs; but one that has expired may be a tombstone in
 * ours, where Kafka Streams leaves it to the broker.
 */
function assertSameChangelog(
  ours: readonly WindowedRecord[],
  theirs: readonly WindowedRecord[],
): void {
  const latest = Math.max(...DATA.map(({ at }) => at));
  const [our, their] = [lastOf(ours), lastOf(theirs)];
  let alive = 0;
  for (const [window, record] of their) {
    const found = our.get(window);
    our.delete(window);
    // A session that is merged within the commit that made it is none of a changelog's.
    if (found === undefined && Number.isNaN(record.value)) continue;
    assert.ok(found !== undefined, `${window} is not in our changelog`);
    const isExpired = Number.isNaN(found.value) && record.end + KEPT_MS < latest;
    if (!isExpired) assert.equal(textOf(found), textOf(record));
    if (!Number.isNaN(found.value)) alive += 1;
  }
  assert.deepEqual([...our.keys()], [], "windows that Kafka Streams has never had");
  assert.ok(alive > 5, `${alive} windows are alive`);
}

describe("Kafka Streams' windowed deserialisers", { skip: whyNoKafka() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-windowed-"));
  let node: KafkaBroker;
  let broker: RealBroker;
  let streams: StreamsInstances;

  before(async () => {
    node = await startKafka();
    broker = await realBroker(node.bootstrapServers);
    streams = await StreamsInstances.start(node.bootstrapServers, folder);
  });
  after(async () => {
    await streams.close();
    await broker.admin.disconnect();
    await node.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, kind] of KINDS.entries()) {
    test(`read our outputs and our changelog of ${kind.name} as those of Kafka Streams`, async () => {
      const found = writtenCases().find(({ name }) => name === kind.of);
      assert.ok(found !== undefined, kind.of);
      const prefix = `windowed-${index}`;
      const isSession = kind.isSession === true;
      const { inputs, ours, theirs } = await prepare(broker, prefix, { ...found, input: DATA });
      await runSidecar(broker, `${prefix}-a`, ours, inputs);
      await runStreams(broker, streams, `${prefix}-b`, theirs, inputs);
      const topic = (name: string, time: "time" | "changelog"): WindowedTopic => {
        const read = isSession ? "session" : time;
        return { kind: read, sizeMs: kind.sizeMs, topic: `${prefix}-${name}` };
      };
      const [our = [], their = [], ourLog = [], theirLog = []] = await readWindowed(
        broker.bootstrapServers,
        [
          ...[topic("ours-out", "time"), topic("theirs-out", "time")],
          ...[topic("a-store-changelog", "changelog"), topic("b-store-changelog", "changelog")],
        ],
      );
      assert.ok(lastOf(our).size > 100, `${lastOf(our).size} windows`);
      const lengths = our.map(({ start, end }) => end - start);
      if (isSession) assert.ok(Math.max(...lengths) > 0, "no session has grown");
      else assert.ok(lengths.every((length) => length === kind.sizeMs));
      const strays = our.filter((record) => {
        return record.partition !== homeOf(bytesOf(record, isSession), PARTITIONS);
      });
      assert.deepEqual(strays, [], "not where their bytes belong");
      const theirStrays = their.filter(({ key, partition }) => {
        return partition !== homeOf(Buffer.from(key), PARTITIONS);
      });
      assert.deepEqual(theirStrays, [], "D-12 is not what it was");
      assert.deepEqual(byTask(our, isSession), byTask(their, isSession));
      assertSameChangelog(ourLog, theirLog);
    });
  }
});
