import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { writtenCases } from "../differential/cases.ts";
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
import { readWindowed } from "../differential/windowed.ts";
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

/** A window that has expired is a tombstone in our changelog, where Kafka Streams leaves it to the broker. */
function assertExpired(start: number): void {
  const latest = Math.max(...DATA.map(({ at }) => at));
  assert.ok(
    start + 60_000 < latest,
    `the window of ${start} is gone, and the latest time ${latest}`,
  );
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

  test("Java's TimeWindowedDeserializer reads our outputs and our changelog", async () => {
    const { inputs, ours } = await prepare(
      broker,
      "windowed",
      caseOf("windowed counts as Java reads them"),
    );
    await runSidecar(broker, "windowed-app", ours, inputs);
    const output = await readWindowed(broker.bootstrapServers, "time", 1_000, "windowed-ours-out");
    const changelog = "windowed-app-store-changelog";
    const logged = await readWindowed(broker.bootstrapServers, "changelog", 1_000, changelog);
    const counts = new Map<string, number>();
    for (const { key, start, end, value } of output) {
      assert.equal(end, start + 1_000);
      const window = `${key}@${start}`;
      const count = (counts.get(window) ?? 0) + 1;
      assert.equal(value, count, window);
      counts.set(window, count);
    }
    assert.ok(counts.size > 100, `${counts.size} windows`);
    const last = new Map(logged.map(({ key, start, value }) => [`${key}@${start}`, value]));
    const alive = [...last].filter(([window, value]) => {
      if (!Number.isNaN(value)) return true;
      assertExpired(Number(window.split("@")[1]));
      return counts.delete(window) && false;
    });
    assert.ok(alive.length > 10, `${alive.length} windows are alive`);
    assert.deepEqual(alive.sort(), [...counts].sort());
  });

  const moves: readonly (readonly [id: string, name: string, guarantee: Guarantee])[] = [
    ["moved-counts", "count over all time, late", "exactly_once_v2"],
    ["moved-windows", "count in windows of 1000 ms, grace 5000 ms, late", "exactly_once_v2"],
    ["moved-lists", "aggregate concat over all time", "at_least_once"],
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

      // The same input by Kafka Streams alone.
      const alone = await prepare(broker, `${id}-alone`, whole);
      await runStreams(broker, streams, `${id}-alone`, alone.theirs, alone.inputs);
      const moved = await tablesOf(broker, `${id}-theirs`, ["out"]);
      const expected = await tablesOf(broker, `${id}-alone-theirs`, ["out"]);
      assert.deepEqual(moved, expected);
      const lastOf = async (topic: string): Promise<[string, string][]> => {
        const records = await readWithJava(broker.bootstrapServers, [topic]);
        // What the store keeps beside a value is the time of its record.
        const stamp = (timestamp: number): string => (id === "moved-stamps" ? `@${timestamp}` : "");
        const last = new Map(
          records.map(({ key, value, timestamp }) => {
            return [`${key?.toString("hex")}`, `${value?.toString("hex")}${stamp(timestamp)}`];
          }),
        );
        return [...last].sort();
      };
      const kept = new Map(await lastOf(`${id}-alone-store-changelog`));
      const ours = await lastOf(`${id}-store-changelog`);
      const alive = ours.filter(([key, value]) => {
        if (value !== "undefined") return true;
        assertExpired(Number(Buffer.from(key, "hex").readBigInt64BE(key.length / 2 - 12)));
        return kept.delete(key) && false;
      });
      assert.ok(alive.length > 2, `${alive.length} entries are alive`);
      assert.deepEqual(alive, [...kept]);
    });
  }
});
