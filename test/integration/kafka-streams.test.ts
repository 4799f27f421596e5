import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { writtenCases } from "../differential/cases.ts";
import { textOf } from "../differential/compare.ts";
import { encodedInput } from "../differential/encode.ts";
import { type Guarantee, StreamsInstances } from "../differential/instances.ts";
import { randomData } from "../differential/random-data.ts";
import {
  prepare,
  type RealBroker,
  realBroker,
  runSidecar,
  runStreams,
  send,
  tablesOf,
} from "../differential/real.ts";
import type { Case } from "../differential/topology.ts";
import { readWithJava } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";

const missing = whyNoKafka();
const RECORDS = 400;

/**
 * Records without nulls: what has one moves stream time here and not there (D-2). They are of today: brokers
 * delete older ones from the changelogs that Kafka Streams makes for windows.
 */
const SINCE_MS = Math.floor(Date.now() / 1_000_000 - 1) * 1_000_000;
const DATA = randomData(21, RECORDS)
  .filter(({ key, value }) => key !== null && value !== null)
  .map((record) => ({ ...record, at: SINCE_MS + record.at }));
const HALF = DATA.length / 2;

const TOMBSTONE = "undefined";
/** How far from its end a key of a changelog has its window's start, or its session's end. */
const TIME_AT = { window: 12, session: 16 } as const;

/**
 * The same values are alive in both changelogs; but a window that has expired may be a tombstone in the moved
 * one, where Kafka Streams leaves it to the broker.
 */
function assertSameState(moved: Last, alone: Last, kind: keyof typeof TIME_AT): void {
  const latest = Math.max(...DATA.map(({ at }) => at));
  const kept = new Map([...alone].filter(([, value]) => value !== TOMBSTONE));
  const alive = [...moved].filter(([key, value]) => {
    if (value !== TOMBSTONE) return true;
    if (!kept.delete(key)) return false;
    const at = Number(Buffer.from(key, "hex").readBigInt64BE(key.length / 2 - TIME_AT[kind]));
    assert.ok(at + 60_000 < latest, `the window of ${at} is gone, and the latest time ${latest}`);
    return false;
  });
  assert.ok(alive.length > 2, `${alive.length} entries are alive`);
  assert.deepEqual(alive, [...kept]);
}

/** By key, the last value of a topic, with its time where that is part of it; in hexadecimal digits. */
type Last = ReadonlyMap<string, string>;

async function lastOf(
  { bootstrapServers }: RealBroker,
  topic: string,
  isStamped: boolean,
): Promise<Last> {
  const records = await readWithJava(bootstrapServers, [topic]);
  const last = new Map(
    records.map(({ key, value, timestamp }) => {
      const stamp = isStamped && value !== null ? `@${timestamp}` : "";
      return [`${key?.toString("hex")}`, `${value?.toString("hex")}${stamp}`];
    }),
  );
  return new Map([...last].sort());
}

/** Every result, as often as it comes, in no order. */
async function resultsOf({ bootstrapServers }: RealBroker, prefix: string): Promise<string[]> {
  const records = await readWithJava(bootstrapServers, [`${prefix}-out`]);
  return records.map(({ key, value }) => `${textOf(key)} = ${textOf(value)}`).sort();
}

function caseOf(name: string, input = DATA): Case {
  const found = writtenCases().find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return { ...found, input };
}

describe("beside Kafka Streams, on a real broker", { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-streams-"));
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

  const alone = new Map<string, Promise<string>>();

  /** The same input by Kafka Streams alone, once for each move. */
  async function assertAsAlone(id: string, move: string, whole: Case): Promise<void> {
    const run = async (): Promise<string> => {
      const other = `${move}-alone`;
      const { inputs, theirs } = await prepare(broker, other, whole);
      await runStreams(broker, streams, other, theirs, inputs);
      return other;
    };
    const known = alone.get(move) ?? run();
    alone.set(move, known);
    const other = await known;
    const [moved, expected] = [`${id}-theirs`, `${other}-theirs`];
    assert.deepEqual(await resultsOf(broker, moved), await resultsOf(broker, expected));
    // What is last of a windowed key is not told: the two have it in different partitions (D-12).
    if (!whole.nodes.some(({ op }) => op === "windowedBy")) {
      const tables = await tablesOf(broker, moved, ["out"]);
      assert.deepEqual(tables, await tablesOf(broker, expected, ["out"]));
    }
    const kind = move.includes("sessions") ? "session" : "window";
    const [ours, theirs] = [`${id}-store-changelog`, `${other}-store-changelog`];
    // What such a store keeps beside a value is the time of its record.
    const isStamped = move.includes("stamps");
    const [our, their] = [
      await lastOf(broker, ours, isStamped),
      await lastOf(broker, theirs, isStamped),
    ];
    assertSameState(our, their, kind);
  }

  const moves: readonly (readonly [id: string, name: string, guarantee: Guarantee])[] = [
    ["moved-counts", "count over all time, late", "exactly_once_v2"],
    ["moved-windows", "count in windows of 1000 ms, grace 5000 ms, late", "exactly_once_v2"],
    ["moved-lists", "aggregate concat over all time", "at_least_once"],
    ["moved-sessions", "sessions, late", "exactly_once_v2"],
    ["moved-stamps", "a timestamped store and its prefixes, random", "exactly_once_v2"],
  ];
  for (const [id, name, guarantee] of moves) {
    test(`state goes from Kafka Streams to a sidecar and back: ${name}, ${guarantee}`, async () => {
      const whole = caseOf(name);
      const { inputs, theirs } = await prepare(broker, id, caseOf(name, DATA.slice(0, HALF)));
      await runStreams(broker, streams, id, theirs, inputs, guarantee);

      await send(broker, id, encodedInput(whole.nodes, DATA.slice(HALF, HALF + HALF / 2)));
      // What it has committed is not taken for ours, and not taken over unasked.
      const unasked = runSidecar(broker, id, theirs, inputs);
      await assert.rejects(unasked, /OFFSETS_LOST.*offsets\.kafka\.streams/s);
      // Without transactions it is a writer like any other.
      const writers = guarantee === "at_least_once" ? ",changelog.foreign.writer" : "";
      const flags = { "check.accept": `offsets.kafka.streams${writers}` };
      await runSidecar(broker, id, theirs, inputs, flags);
      // Once it has committed, nothing has to be accepted any more.
      const third = DATA.slice(HALF + HALF / 2, DATA.length - 20);
      await send(broker, id, encodedInput(whole.nodes, third));
      const later = writers === "" ? {} : { "check.accept": writers.slice(1) };
      await runSidecar(broker, id, theirs, inputs, later);
      await send(broker, id, encodedInput(whole.nodes, DATA.slice(DATA.length - 20)));
      await runStreams(broker, streams, id, theirs, inputs);

      await assertAsAlone(id, id, whole);
    });

    test(`state that a sidecar has begun goes to Kafka Streams: ${name}`, async () => {
      const whole = caseOf(name);
      const begun = `${id}-begun`;
      const { inputs, theirs } = await prepare(broker, begun, caseOf(name, DATA.slice(0, HALF)));
      await runSidecar(broker, begun, theirs, inputs);
      await send(broker, begun, encodedInput(whole.nodes, DATA.slice(HALF)));
      await runStreams(broker, streams, begun, theirs, inputs);
      await assertAsAlone(begun, id, whole);
    });
  }
});
