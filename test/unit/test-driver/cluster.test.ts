import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WantedEntries } from "../../../src/ports/test-driver.ts";
import { DriverClock } from "../../../src/test-driver/clock.ts";
import { DriverCluster } from "../../../src/test-driver/cluster.ts";
import { decodeHeaders, encodeHeaders } from "../../../src/test-driver/headers.ts";
import { columnsOf, type Transaction } from "../../../src/test-driver/log.ts";
import { OutputReader } from "../../../src/test-driver/output-reader.ts";
import { entriesOf, rangeOf } from "../../../src/test-driver/store-entries.ts";

const at = { topic: "t", partition: 0 };
const record = (value: string) => {
  return { key: null, value: Buffer.from(value), headers: Buffer.from([0]), timestamp: 1 };
};
const open = (): Transaction => ({ outcome: "open", logs: new Set() });

function cluster(partitions = 1): DriverCluster {
  const made = new DriverCluster((bytes) => (bytes[0] ?? 0) % partitions);
  made.createTopic("t", partitions, {});
  return made;
}

function valuesOf(given: DriverCluster): string[] {
  return new OutputReader(given).read("t").records.map(({ value }) => String(value));
}

describe("the Kafka in memory", () => {
  it("shows nothing from the first open transaction on, also of what came behind it", () => {
    const kafka = cluster();
    kafka.append(at, record("before"), null);
    const transaction = open();
    kafka.append(at, record("in"), transaction);
    kafka.append(at, record("behind"), null);
    assert.deepEqual(valuesOf(kafka), ["before"]);
    kafka.end(transaction, "committed", []);
    assert.deepEqual(valuesOf(kafka), ["before", "in", "behind"]);
  });
  it("never shows what was aborted, and steps over markers", () => {
    const kafka = cluster();
    const transaction = open();
    kafka.append(at, record("aborted"), transaction);
    kafka.end(transaction, "aborted", [{ ...at, offset: 1, leaderEpoch: 0, metadata: "" }]);
    const offset = kafka.append(at, record("later"), null);
    assert.equal(offset, 2);
    assert.deepEqual(valuesOf(kafka), ["later"]);
    assert.equal(kafka.committed.size, 0);
    const read = kafka.log(at).read(0, 10, 1_000);
    assert.equal(read.nextOffset, 3);
    assert.equal(columnsOf(read).value(0)?.toString(), "later");
  });
  it("reads a topic in the order it was written, over its partitions, and in pages", () => {
    const kafka = cluster(2);
    const written = Array.from({ length: 2_500 }, (_, i) => String(i));
    for (const [i, value] of written.entries()) {
      kafka.append({ topic: "t", partition: i % 2 }, record(value), null);
    }
    const reader = new OutputReader(kafka);
    const pages = [reader.read("t"), reader.read("t"), reader.read("t")];
    assert.deepEqual(
      pages.map(({ records, more }) => [records.length, more]),
      [
        [1_000, true],
        [1_000, true],
        [500, false],
      ],
    );
    const values = pages.flatMap(({ records }) => records.map(({ value }) => String(value)));
    assert.deepEqual(values, written);
  });
  it("meets a fault once", () => {
    const kafka = cluster();
    kafka.fault = "redeliver";
    assert.equal(kafka.meets("commitFailed"), false);
    assert.equal(kafka.meets("redeliver"), true);
    assert.equal(kafka.meets("redeliver"), false);
    assert.equal(kafka.faultsMet, 1);
  });
});

it("the clock fires what is due in order, and stands where it is told to", () => {
  const clock = new DriverClock(1_000);
  const fired: string[] = [];
  clock.after(20, () => fired.push("b"));
  clock.after(10, () => fired.push("a"));
  clock.after(20, () => fired.push("c"));
  clock.after(15, () => fired.push("never"))();
  while (clock.step(20));
  assert.deepEqual(fired, ["a", "b", "c"]);
  assert.equal(clock.step(), false);
  assert.equal(clock.wallMs(), 1_020);
});

it("headers keep their order, duplicates, null and empty values", () => {
  const headers = [
    { key: "a", value: Buffer.from("1") },
    { key: "a", value: null },
    { key: "ü", value: Buffer.alloc(0) },
    { key: "long", value: Buffer.alloc(300, 7) },
  ];
  assert.deepEqual(decodeHeaders(encodeHeaders(headers)), headers);
  assert.deepEqual(decodeHeaders(encodeHeaders([])), []);
});

it("a windowed key is told from one that begins like it, and from its other windows", () => {
  const windowOf = (key: string, start: bigint): Buffer => {
    const suffix = Buffer.alloc(12);
    suffix.writeBigInt64BE(start);
    return Buffer.concat([Buffer.from(key), suffix]);
  };
  const all = [windowOf("a", 0n), windowOf("a", 60_000n), windowOf("ab", 0n)];
  const asked = { key: Buffer.from("a"), windowStart: null, from: null, to: null };
  const found = (wanted: WantedEntries): (number | null)[] => {
    const { from, to } = rangeOf(wanted, "window");
    assert.ok(from !== null && to !== null);
    const within = all.filter((key) => key.compare(from) >= 0 && key.compare(to) < 0);
    const stored = within.map((key) => ({ partition: 0, key, value: Buffer.alloc(0) }));
    return entriesOf(stored, wanted, "window").map(({ windowStart }) => windowStart);
  };
  assert.deepEqual(found(asked), [0, 60_000]);
  assert.deepEqual(found({ ...asked, windowStart: 60_000 }), [60_000]);
});

it("a session is found by its key and its start, which stands behind its end", () => {
  const sessionOf = (key: string, start: bigint, end: bigint): Buffer => {
    const suffix = Buffer.alloc(16);
    suffix.writeBigInt64BE(end);
    suffix.writeBigInt64BE(start, 8);
    return Buffer.concat([Buffer.from(key), suffix]);
  };
  const all = [sessionOf("a", 5n, 9n), sessionOf("a", 20n, 20n), sessionOf("ab", 5n, 9n)];
  const asked = { key: Buffer.from("a"), windowStart: null, from: null, to: null };
  const found = (wanted: WantedEntries): string[] => {
    const { from, to } = rangeOf(wanted, "session");
    assert.ok(from !== null && to !== null);
    const within = all.filter((key) => key.compare(from) >= 0 && key.compare(to) < 0);
    const stored = within.map((key) => ({ partition: 0, key, value: Buffer.alloc(0) }));
    return entriesOf(stored, wanted, "session").map(({ key, windowStart }) => {
      return `${key}@${windowStart}`;
    });
  };
  assert.deepEqual(found(asked), ["a@5", "a@20"]);
  assert.deepEqual(found({ ...asked, windowStart: 5 }), ["a@5"]);
});
