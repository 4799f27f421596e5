import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connectKafka, type Kafka } from "../../src/kafka/client.ts";
import { EVERY_LETTER } from "../../src/letters/selection.ts";
import type { TransactionalProducer } from "../../src/ports/producer.ts";
import { type Replayed, replay } from "../../src/replay/replay.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { outrigger, type Ran } from "../support/command.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { type JudgedRecord, type ProduceStep, produceWithJava } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const KILLER = "test/support/apps/killer.js";
const KEYS = 5;
const BAD = 30;
const BATCH = 7;
/** Each state of a transaction, in the first and in a later one of a run. */
const KILLS = {
  embedded: ["applying:1", "ending:2"],
  kafka: ["producing:1", "ending:1", "applying:1", "ending:2", "producing:2", "applying:1"],
};

const good: readonly Input[] = Array.from({ length: 100 }, (_, i) => ({
  key: `key-${i % KEYS}`,
  value: `v${i}`,
}));
const bad: readonly Input[] = Array.from({ length: BAD }, (_, i) => ({
  key: `key-${i % KEYS}`,
  value: i % 3 === 0 ? "fail" : "reject",
  timestamp: 1_700_000_000_000 + i,
}));

for (const kind of availableBrokers()) {
  describe(`dead letters on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    const dlq = async (topic: string, args: readonly string[], crashAt = ""): Promise<Ran> =>
      await outrigger(
        [
          ...["dlq", ...args, "--topic", topic, "--application.id", "dlq"],
          ...["--bootstrap.servers", broker.bootstrapServers, "--replication.factor", "1"],
        ],
        { OUTRIGGER_FAILPOINT: crashAt },
      );
    const done = async (topic: string, args: readonly string[], status = 0): Promise<string> => {
      const ran = await dlq(topic, args);
      assert.equal(ran.status, status, ran.stdout + ran.stderr);
      return ran.stdout;
    };

    test("they are listed, shown, and replayed once, although each replay but the last is killed: G-12", async () => {
      const name = `letters-${kind.name}`;
      const letters = `${name}-dlq`;
      const scene = await Scene.make(kind.name, broker, name, {
        "errors.dead.letter.queue.topic.name": letters,
        "retry.max": 0,
      });
      try {
        await makeTopics(scene.kafka, [letters]);
        await produce(scene.kafka, scene.input, [...good, ...bad]);
        scene.startSidecar();
        scene.startApplication(KILLER);
        await scene.records(letters, BAD);
        await scene.application?.stop();
        await scene.sidecar?.stop();
        await assertListed(letters, done);

        const nothing = await done(letters, ["list", "--since", "1h"]);
        assert.equal(nothing, `no such dead letters in ${letters}\n`);
        for (const moment of KILLS[kind.name]) {
          const ran = await dlq(letters, ["replay", "--all", "--batch", String(BATCH)], moment);
          assert.equal(ran.status, "SIGKILL", `${moment}: ${ran.stdout}${ran.stderr}`);
        }
        await done(letters, ["replay", "--all"]);
        const again = await done(letters, ["replay", "--all"]);
        assert.match(again, /^0 of \S+ replayed; 30 replayed already \(--again/);
        for (const judged of await scene.judge([scene.input])) assertReplayed(judged);

        scene.startSidecar();
        scene.startApplication(KILLER, { OUTRIGGER_TEST_MENDED: "1" });
        await scene.outputs(good.length + BAD);
        for (const output of await scene.judge()) assertCountedOnce(output, [...good, ...bad]);
      } finally {
        await scene.end();
      }
    });

    if (kind.name !== "kafka") return;

    test("a replay gives back what a client of others wrote, to the byte, and leaves out the rest", async () => {
      const [letters, home, other] = ["strange-dlq", "strange-home", "strange-other"];
      const scene = await Scene.make(kind.name, broker, "strange");
      try {
        await makeTopics(scene.kafka, [letters, home, other]);
        await produceWithJava(broker.bootstrapServers, STRANGE(letters, home));
        const shown = await done(letters, ["show", "0@0"]);
        assert.match(shown, /^key {10}hex:00ff$/m);
        assert.match(shown, /^error {8}java.lang.RuntimeException: \\u001b\[31mred$/m);
        await done(letters, ["replay", "--key", "hex:00ff"]);
        await done(letters, ["replay", "0@1", "0@2"]);
        const missing = await dlq(letters, ["replay", "0@1", "1@5"]);
        assert.equal(missing.status, 1);
        assert.match(missing.stderr, /strange-dlq has no letter at 1@5/);
        const homeless = await dlq(letters, ["replay", "--all"]);
        assert.equal(homeless.status, 2, homeless.stderr);
        assert.match(homeless.stderr, /0@3 of strange-dlq does not say which topic it came from/);
        await done(letters, ["replay", "0@3", "--to", other]);
        for (const judged of await scene.judge([home])) {
          const found = judged.map(({ offset: _, topic: __, ...record }) => record);
          assert.deepEqual(found.sort(byTime), EXPECTED);
        }
        for (const judged of await scene.judge([other])) {
          assert.deepEqual(
            judged.map(({ key, value }) => [key, String(value)]),
            [[null, "no dead letter"]],
          );
        }
      } finally {
        await scene.end();
      }
    });

    test("of replays that overtake each other one is fenced, and each letter is sent once", async () => {
      const [letters, home] = ["race-dlq", "race-home"];
      const scene = await Scene.make(kind.name, broker, "race");
      const racers = await Racers.open(broker.bootstrapServers, letters);
      try {
        await makeTopics(scene.kafka, [letters, home]);
        await produceWithJava(broker.bootstrapServers, MANY(letters, home));
        // Overtaken just before it fences the others: what they did counts.
        let other: Replayed | null = null;
        const late = await racers.replay({
          initialize: async () => {
            other = await racers.replay({});
          },
        });
        assert.deepEqual(
          [other, late],
          [replayed(MANY_COUNT, 0, home), replayed(0, MANY_COUNT, home)],
        );
        await assertTimes(scene, home, 1);

        // Overtaken when the second of its transactions is to end: that one cannot commit any more.
        let ends = 0;
        const again = Date.now();
        const early = racers.replay(
          {
            end: async () => {
              ends += 1;
              if (ends === 2) other = await racers.replay({}, again);
            },
          },
          again,
        );
        await assert.rejects(early, /another replay of race-dlq took over/);
        assert.deepEqual(other, replayed(MANY_COUNT - RACE_BATCH, RACE_BATCH, home));
        await assertTimes(scene, home, 2);
      } finally {
        await racers.close();
        await scene.end();
      }
    });

    test("a replay again that was killed is resumed, not repeated", async () => {
      const [letters, home] = ["again-dlq", "again-home"];
      const scene = await Scene.make(kind.name, broker, "again");
      try {
        await makeTopics(scene.kafka, [letters, home]);
        await produceWithJava(broker.bootstrapServers, MANY(letters, home));
        const all = ["replay", "--all", "--batch", "9"];
        await done(letters, all);
        const killed = await dlq(letters, [...all, "--again"], "ending:3");
        assert.equal(killed.status, "SIGKILL");
        const [, before = ""] = /use --again (\S+)\n/.exec(killed.stderr) ?? [];
        const rest = await done(letters, [...all, "--again", before]);
        assert.match(rest, /^22 of again-dlq replayed, 22 to again-home; 18 replayed already/);
        await assertTimes(scene, home, 2);
        const [place] = MARKED;
        assert.match(
          await done(letters, ["show", place]),
          /^replayed {5}\S+ to again-home, 2 times/m,
        );

        await deleteRecords(scene, letters, 0);
        await done(letters, all);
        for (const judged of await scene.judge([`${letters}-replays`])) assertForgotten(judged, 0);
      } finally {
        await scene.end();
      }
    });

    test("a topic of marks that would forget them is refused", async () => {
      const [letters, marks] = ["forgetful-dlq", "forgetful-dlq-replays"];
      const scene = await Scene.make(kind.name, broker, "forgetful");
      try {
        await makeTopics(scene.kafka, [letters]);
        await makeTopics(scene.kafka, [marks], { "cleanup.policy": "delete" }, 1);
        const ran = await dlq(letters, ["replay", "--all"]);
        assert.equal(ran.status, 1);
        assert.match(
          ran.stderr,
          /TOPIC_MISCONFIGURED: the topic forgetful-dlq-replays has cleanup/,
        );
        const absent = await dlq("no-such-dlq", ["list"]);
        assert.equal(absent.status, 1);
        assert.match(
          absent.stderr,
          /TOPIC_MISSING: the dead-letter topic no-such-dlq does not exist/,
        );
      } finally {
        await scene.end();
      }
    });
  });
}

type Done = (topic: string, args: readonly string[]) => Promise<string>;

interface Listed {
  readonly more: boolean;
  readonly letters: readonly Record<string, unknown>[];
}

async function assertListed(topic: string, done: Done): Promise<void> {
  const list = async (...args: string[]): Promise<Listed> =>
    JSON.parse(await done(topic, ["list", "--json", ...args]));
  const { letters, more } = await list();
  assert.deepEqual([letters.length, more], [BAD, false]);
  const seen = letters.map(({ key, reason, message, replayed }) => [
    key,
    reason,
    message,
    replayed,
  ]);
  const wanted = bad.map(({ key, value }) =>
    value === "fail"
      ? [key, "retries_exhausted", "half-way", null]
      : [key, "rejected", "no use", null],
  );
  assert.deepEqual(seen.map(String).sort(), wanted.map(String).sort());
  assert.equal((await list("--reason", "rejected")).letters.length, 20);
  assert.equal((await list("--key", "key-1")).letters.length, BAD / KEYS);
  assert.equal((await list("--key", "hex:6b65792d31", "--reason", "rejected")).letters.length, 4);
  assert.equal((await list("--source", "elsewhere")).letters.length, 0);
  assert.equal((await list("--since", "2023-11-14T22:13:20.010Z")).letters.length, BAD - 10);
  const short = await list("--limit", "3");
  assert.deepEqual([short.letters.length, short.more], [3, true]);
  const [{ partition, offset, timestamp, key } = {}] = letters;
  const text = await done(topic, ["show", `${partition}@${offset}`]);
  assert.match(text, new RegExp(`^time {9}${new Date(Number(timestamp)).toISOString()}$`, "m"));
  assert.match(text, new RegExp(`^key {10}${key}$`, "m"));
  assert.match(text, /^value\n {2}(fail|reject)$/m);
  assert.match(text, /^application {2}letters-\S+, task 0_\d, node count$/m);
}

/** Each bad record stands twice in the input, the second time where and as it stood the first time. */
function assertReplayed(judged: readonly JudgedRecord[]): void {
  assert.equal(judged.length, good.length + 2 * BAD);
  for (const { key, value, timestamp } of bad) {
    const twice = judged.filter((each) => each.timestamp === timestamp);
    const places = twice.map(({ partition, headers }) => [partition, headers]);
    assert.equal(twice.length, 2, `${value} of ${key} at ${timestamp}`);
    assert.deepEqual(places[0], places[1]);
    for (const record of twice)
      assert.deepEqual([String(record.key), String(record.value)], [key, value]);
  }
}

async function deleteRecords(scene: Scene, topic: string, partition: number): Promise<void> {
  const admin = scene.kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  const end = offsets.find((each) => each.partition === partition)?.high ?? "";
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: end }] });
  await admin.disconnect();
}

/** The last word on each letter of that partition is a deletion, on each other one a mark. */
function assertForgotten(marks: readonly JudgedRecord[], partition: number): void {
  const last = new Map(marks.map(({ key, value }) => [String(key), value]));
  assert.equal(last.size, MANY_COUNT);
  for (const [key, value] of last) {
    assert.equal(value === null, key.includes(`/${partition}@`), `${key}: ${String(value)}`);
  }
}

async function assertTimes(scene: Scene, topic: string, times: number): Promise<void> {
  for (const judged of await scene.judge([topic])) {
    const counts = new Map<string, number>();
    for (const { value } of judged) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    assert.deepEqual([...counts.values()], Array(MANY_COUNT).fill(times));
  }
}

const text = (value: string): Buffer => Buffer.from(value);

function streams(topic: string, partition: number, offset: number): [string, Buffer][] {
  return [
    ["__streams.errors.exception", text("java.lang.RuntimeException")],
    ["__streams.errors.message", text("\u001b[31mred")],
    ["__streams.errors.stacktrace", text("at A.b\n\tat C.d")],
    ["__streams.errors.topic", text(topic)],
    ["__streams.errors.partition", text(String(partition))],
    ["__streams.errors.offset", text(String(offset))],
  ];
}

const OWN: JudgedRecord["headers"] = [
  ["trace", text("a")],
  ["trace", null],
  ["empty", text("")],
  // A record that was a dead letter itself keeps what it had.
  ["__streams.errors.topic", text("older")],
];

const EXPECTED = [
  {
    partition: 3,
    timestamp: 1,
    key: Buffer.from([0, 255]),
    value: Buffer.from([1, 0]),
    headers: OWN,
  },
  { partition: 0, timestamp: 2, key: text("key"), value: null, headers: [] },
  { partition: 2, timestamp: 3, key: null, value: text(""), headers: [] },
];

/** As Kafka Streams writes them: no word of ours. */
function STRANGE(topic: string, home: string): ProduceStep[] {
  const letters = EXPECTED.map(({ partition, headers, ...record }, i) => ({
    ...record,
    headers: [...headers, ...streams(home, partition, i)],
  }));
  const other = { timestamp: 4, key: null, value: text("no dead letter"), headers: [] };
  return [
    ...[...letters, other].map((record) => {
      return { do: "send", id: "-", topic, partition: 0, ...record } as const;
    }),
    { do: "flush", id: "-" },
  ];
}

const MANY_COUNT = 40;
const MARKED = ["1@0"] as const;
const RACE_BATCH = 9;

function replayed(count: number, already: number, to: string): Replayed {
  return {
    replayed: count,
    already,
    topics: new Map(count === 0 ? [] : [[to, count]]),
    missing: [],
  };
}

/** Replays of one topic in this process, each with what is to happen before its producer does something. */
class Racers {
  readonly #kafka: Kafka;
  readonly #topic: string;

  private constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
  }

  static async open(bootstrapServers: string, topic: string): Promise<Racers> {
    const kafka = await connectKafka({
      bootstrapServers: [bootstrapServers],
      clientId: "racer",
      groupId: "racer",
      transactionTimeoutMs: 10_000,
      limits: {},
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    return new Racers(kafka, topic);
  }

  async replay(
    before: { readonly initialize?: () => Promise<void>; readonly end?: () => Promise<void> },
    againBeforeMs: number | null = null,
  ): Promise<Replayed> {
    const { admin, offsets } = this.#kafka;
    const real = this.#kafka.producer(`${this.#topic}-replays`);
    const producer: TransactionalProducer = {
      initialize: async (signal) => {
        await before.initialize?.();
        return await real.initialize(signal);
      },
      end: async (outcome, attempt) => {
        await before.end?.();
        return await real.end(outcome, attempt);
      },
      prepare: (topics, signal) => real.prepare(topics, signal),
      begin: () => real.begin(),
      produce: (records) => real.produce(records),
      sendOffsets: (committed, membership) => real.sendOffsets(committed, membership),
      close: () => real.close(),
    };
    return await replay(
      { admin, offsets, producer, topic: this.#topic, entered: () => {} },
      {
        selection: EVERY_LETTER,
        to: null,
        againBeforeMs,
        startedAtMs: Date.now(),
        batchMax: RACE_BATCH,
        replicationFactor: 1,
        progress: () => {},
      },
    );
  }

  async close(): Promise<void> {
    await this.#kafka.close();
  }
}

function MANY(topic: string, home: string): ProduceStep[] {
  const letters = Array.from({ length: MANY_COUNT }, (_, i) => ({
    do: "send" as const,
    id: "-",
    topic,
    partition: i % 4,
    timestamp: i + 1,
    key: text(`k${i}`),
    value: text(`v${i}`),
    headers: streams(home, i % 4, i),
  }));
  return [...letters, { do: "flush", id: "-" }];
}

function byTime(a: { readonly timestamp: number }, b: { readonly timestamp: number }): number {
  return a.timestamp - b.timestamp;
}
