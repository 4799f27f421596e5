import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CODEC_NAMES, type CodecName } from "../../src/kafka/codecs/codec.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import {
  CLIENTS,
  type Client,
  codecsIn,
  produceWithOurs,
  readWithOurs,
} from "../support/interop.ts";
import type { JudgedRecord, ProduceStep } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { kafkaAt, makeTopics } from "../support/topics.ts";

const missing = whyNoKafka();
if (missing === null) describe("records of other clients, and ours with them", suite);
else process.stdout.write(`NOT PROVED: records of other clients, because ${missing}\n`);

type Send = Extract<ProduceStep, { do: "send" }>;

const T = Date.UTC(2001, 0, 1);
const EMPTY = Buffer.alloc(0);
const INT32_ZERO = Buffer.alloc(4);
/** Exact in a double, and the last that is; 285,000 years from now. */
const LAST_MS = Number.MAX_SAFE_INTEGER;

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

/** Every kind of record, several batches of it, and transactions that overlap, some aborted. */
function scriptOf(topic: string, codec: CodecName, client: Client | null): ProduceStep[] {
  const cannot = client?.cannotWrite ?? [];
  const headers: [string, Buffer | null][] = [
    ["a", bytes("1")],
    ["b", bytes("")],
    ["a", bytes("2")],
    ["ünï", bytes("ø")],
  ];
  if (!cannot.includes("null header")) headers.push(["null", null]);
  const send = (id: string, rest: Partial<Send>): Send => ({
    do: "send",
    id: `${id}@${codec}`,
    topic,
    partition: 0,
    timestamp: T,
    key: bytes("k"),
    value: bytes("v"),
    ...rest,
  });
  const say = (what: "begin" | "flush" | "commit" | "abort", id: string): ProduceStep => ({
    do: what,
    id: `${id}@${codec}`,
  });
  const plain = [
    send("-", { key: null }),
    send("-", { value: null }),
    send("-", { key: EMPTY, value: EMPTY }),
    send("-", { key: INT32_ZERO, value: bytes("a trap") }),
    send("-", { headers }),
    send("-", { timestamp: cannot.includes("timestamp 0") ? 1 : 0 }),
    send("-", { timestamp: T + 2 ** 31 + 1 }),
    say("flush", "-"),
    send("-", { timestamp: client?.lastTimestampMs ?? LAST_MS }),
    say("flush", "-"),
    // More than a block of any codec, regular and not.
    send("-", { value: Buffer.alloc(200_000, "regular ") }),
    send("-", { value: irregular(150_000) }),
    say("flush", "-"),
  ];
  const [a, b] = [`${topic}-a`, `${topic}-b`];
  const key = INT32_ZERO;
  return [
    ...plain,
    say("begin", a),
    say("begin", b),
    send(a, { key, value: bytes("aborted 1") }),
    say("flush", a),
    send(b, { key, value: bytes("b 1") }),
    say("flush", b),
    send(a, { key, value: bytes("aborted 2") }),
    say("abort", a),
    say("begin", a),
    send(a, { key, value: bytes("aborted 3") }),
    say("flush", a),
    send(b, { key, value: bytes("b 2") }),
    say("commit", b),
    say("begin", b),
    send(b, { key, value: bytes("aborted 4") }),
    say("flush", b),
    say("abort", a),
    say("begin", a),
    send(a, { key, value: bytes("a 1"), headers }),
    say("commit", a),
    say("abort", b),
  ];
}

/** The same on every machine, and nothing for a codec to hold on to. */
function irregular(length: number): Buffer {
  const made = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    made[i] = state >>> 24;
  }
  return made;
}

function expected(steps: readonly ProduceStep[]): Send[] {
  const sends = steps.filter((step) => step.do === "send");
  return sends.filter(({ value }) => !String(value).startsWith("aborted"));
}

function comparable(
  record: Pick<JudgedRecord, "timestamp" | "key" | "value"> & { headers?: JudgedRecord["headers"] },
  ordered: boolean,
  timestamp: number | null,
): unknown {
  const { key, value, headers = [] } = record;
  const text = headers.map(([name, each]) => [name, each?.toString("hex") ?? null] as const);
  // By name alone: the order within a name is kept.
  const byName = text.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const fields = [key?.toString("hex") ?? null, value?.toString("hex") ?? null];
  return [timestamp, ...fields, ordered ? text : byName];
}

/** What one client wrote and another read; a timestamp that one of them cannot hold is left out. */
function assertSame(
  found: readonly JudgedRecord[],
  steps: readonly ProduceStep[],
  topic: string,
  { headersUnordered = false, lastTimestampMs = LAST_MS }: Client,
): void {
  const wanted = expected(steps);
  const canHold = wanted.map(({ timestamp }) => timestamp <= lastTimestampMs);
  const list = (records: readonly (JudgedRecord | Send)[]) =>
    records.map((record, i) =>
      comparable(record, !headersUnordered, canHold[i] === false ? null : record.timestamp),
    );
  assert.deepEqual(list(found.filter((record) => record.topic === topic)), list(wanted), topic);
}

/** `client direction codec`, for the page. */
const proved = new Set<string>();

function suite(): void {
  let broker: KafkaBroker;
  let cluster: Cluster;

  before(async () => {
    broker = await startKafka();
    const [host = "", port] = broker.bootstrapServers.split(":");
    const bootstrapServers = [{ host, port: Number(port) }];
    const signal = AbortSignal.timeout(60_000);
    cluster = await Cluster.connect({ bootstrapServers, clientId: "test" }, signal);
  });

  after(async () => {
    await cluster.close();
    await broker.stop();
  });

  async function topicsOf(name: string, codecs: readonly CodecName[]): Promise<string[]> {
    const topics = codecs.map((codec) => `${name}-${codec}`);
    await makeTopics(kafkaAt(broker.bootstrapServers), topics, {
      "retention.ms": "-1",
      "message.timestamp.after.max.ms": "9223372036854775807",
    });
    return topics;
  }

  for (const client of CLIENTS) {
    test(`records of ${client.name} ${client.version} are read by us as they were written`, async (t) => {
      const { codecs } = client;
      const topics = await topicsOf(client.name.replaceAll(" ", "-"), codecs);
      const scripts = topics.map((topic, i) => scriptOf(topic, codecs[i] ?? "none", client));
      if (!(await client.produce(broker.bootstrapServers, scripts.flat()))) {
        return t.skip(`${client.name} is not to be had`);
      }
      const found = await readWithOurs(cluster, topics);
      for (const [i, topic] of topics.entries()) {
        assertSame(found, scripts[i] ?? [], topic, client);
        assert.ok((await codecsIn(cluster, topic)).includes(codecs[i] ?? "none"), topic);
        proved.add(`${client.name} by us ${codecs[i]}`);
      }
      // At the same offsets as the Java client sees them.
      const java = await CLIENTS[0]?.read(broker.bootstrapServers, topics);
      assert.deepEqual(
        found.map(({ topic, offset }) => `${topic}@${offset}`).toSorted(),
        java?.map(({ topic, offset }) => `${topic}@${offset}`).toSorted(),
      );
    });
  }

  test("ours are read by every client as they were written", async (t) => {
    const topics = await topicsOf("ours", CODEC_NAMES);
    const scripts = topics.map((topic, i) => scriptOf(topic, CODEC_NAMES[i] ?? "none", null));
    await produceWithOurs(cluster, scripts.flat());
    for (const [i, topic] of topics.entries()) {
      assert.deepEqual(await codecsIn(cluster, topic), [CODEC_NAMES[i]]);
    }
    for (const client of CLIENTS) {
      await t.test(`by ${client.name} ${client.version}`, async (inner) => {
        const readable = CODEC_NAMES.filter((codec) => client.codecs.includes(codec));
        const names = readable.map((codec) => `ours-${codec}`);
        const all = await client.read(broker.bootstrapServers, names);
        const found = client.seesAborted
          ? all?.filter(({ value }) => !String(value).startsWith("aborted"))
          : all;
        if (found === null || found === undefined)
          return inner.skip(`${client.name} is not to be had`);
        for (const [i, topic] of topics.entries()) {
          if (!names.includes(topic)) continue;
          assertSame(found, scripts[i] ?? [], topic, client);
          proved.add(`${client.name} by them ${CODEC_NAMES[i]}`);
        }
      });
    }
  });

  test("docs/interop.md says what was proved", (t) => {
    const isComplete = CLIENTS.every(({ name }) =>
      [...proved].some((each) => each.startsWith(name)),
    );
    if (!isComplete) return t.skip("not every client is to be had");
    const path = join(REPOSITORY_ROOT, "docs/interop.md");
    if (process.env["REWRITE"] === "1") writeFileSync(path, page());
    assert.equal(readFileSync(path, "utf8"), page(), "REWRITE=1 accepts it");
  });
}

function page(): string {
  const rows = CLIENTS.flatMap((client) =>
    (["by us", "by them"] as const).map((direction) => {
      const cells = CODEC_NAMES.map((codec) => {
        if (proved.has(`${client.name} ${direction} ${codec}`)) return "yes";
        return client.codecs.includes(codec) ? "no" : "—";
      });
      const what = direction === "by us" ? "its records, read by us" : "our records, read by it";
      return `| ${client.name} ${client.version} | ${what} | ${cells.join(" | ")} |`;
    }),
  );
  return `${INTRODUCTION}
| client | what | ${CODEC_NAMES.join(" | ")} |
|---|---|${CODEC_NAMES.map(() => "---|").join("")}
${rows.join("\n")}

${REMARKS}`;
}

const INTRODUCTION = `# Interoperability

<!-- Written by test/kafka-suite/interop.smoke.test.ts with REWRITE=1. Do not edit. -->

What clients that are not ours write is read as they wrote it, and what we write is read by them. Each
\`yes\` stands for one topic on Apache Kafka 4.3.1 with all of this in it, compared byte for byte:

- null, empty and int32-0 keys, null and empty values, headers with the same name twice, with empty and
  with null values, and with names beyond ASCII;
- timestamps of 0 and 2^53 − 1 ms, and within one batch 31 years apart;
- values of 200,000 bytes, which take several blocks of a codec, regular and random;
- two transactional producers whose transactions overlap, with two aborted transactions of one producer
  and one of the other: none of their records is seen, by us or by the other client.
`;

const REMARKS = `\
A dash stands for a codec that the client does not have. librdkafka takes a timestamp of 0 for none, so
that its smallest is 1; kafkajs writes no null headers, gives headers by name, and itself shows aborted
records whose key is an int32 0, which is why the control plane alone uses it. librdkafka is used by
its wheel for Python, confluent-kafka. franz-go counts time in nanoseconds: for it the last timestamp is
of the year 2262. Timestamps beyond 2^53 ms are refused as RECORD_CORRUPT: brokers
take them only where \`message.timestamp.after.max.ms\` was raised.
`;
