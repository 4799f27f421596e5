import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOffsets } from "../../src/kafka/fetch/offsets.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { topicPartitionName } from "../../src/model/topic-partition.ts";
import type { Offsets } from "../../src/ports/consumer.ts";
import {
  type JudgedRecord,
  readFactsWithJava,
  readWithJava,
  readWithLibrdkafka,
  sendWithJava,
} from "./judges.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import {
  type Child,
  eventually,
  startApplication,
  startSidecarProcess,
} from "./sidecar-process.ts";
import { kafkaAt, makeTopics } from "./topics.ts";

const WINDOW_MS = 10_000;
const REPLICAS = 3;
const DRAIN_MS = 120_000;

/**
 * A steady copy and windowed count (`apps/steady.ts`) on a cluster: Kafka's Java producer sends, real
 * sidecars with applications work, and clients that are not ours judge what came of the input that
 * the Java consumer reads.
 */
export class Steady {
  readonly prefix: string;
  readonly children: Child[] = [];
  readonly #cluster: KafkaCluster;
  readonly #folder = mkdtempSync(join(tmpdir(), "outrigger-steady-"));
  readonly #observer: Cluster;
  readonly #offsets: Offsets;
  #sender: Awaited<ReturnType<typeof sendWithJava>> | null = null;

  private constructor(cluster: KafkaCluster, prefix: string, observer: Cluster) {
    this.#cluster = cluster;
    this.prefix = prefix;
    this.#observer = observer;
    this.#offsets = createOffsets(observer, prefix);
  }

  static async make(cluster: KafkaCluster, prefix: string, partitions = 6): Promise<Steady> {
    const topics = ["in", "copy", "windows"].map((name) => `${prefix}-${name}`);
    const kafka = kafkaAt(cluster.bootstrapServers);
    await makeTopics(kafka, topics, { "retention.ms": "-1" }, partitions, REPLICAS);
    return new Steady(cluster, prefix, await observe(cluster));
  }

  topic(name: "in" | "copy" | "windows" | "windows-changelog"): string {
    return `${this.prefix}-${name}`;
  }

  /** A sidecar of this name with an application of its own. */
  start(
    name: string,
    flags: Readonly<Record<string, string | number>> = {},
    script: "steady" | "copy" = "steady",
  ): Child {
    const address = `unix:${join(this.#folder, `${name}.sock`)}`;
    const sidecar = startSidecarProcess({
      bootstrapServers: this.#cluster.bootstrapServers,
      applicationId: this.prefix,
      stateDir: join(this.#folder, name),
      address,
      flags: { "process.id": name, "replication.factor": REPLICAS, ...flags },
    });
    const environment = {
      OUTRIGGER_TEST_PREFIX: this.prefix,
      OUTRIGGER_TEST_IN: this.topic("in"),
      OUTRIGGER_TEST_OUT: this.topic("copy"),
    };
    const application = startApplication(`test/support/apps/${script}.js`, address, environment);
    this.children.push(application, sidecar);
    return sidecar;
  }

  /** Ends one sidecar and its application: in order, or as a machine that dies. */
  async leave(sidecar: Child, how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const application = this.children[this.children.indexOf(sidecar) - 1];
    sidecar.signal(how);
    application?.signal(how);
    const ended = await sidecar.ended();
    const wanted = how === "SIGTERM" ? "0" : how;
    assert.equal(ended, wanted, `the sidecar ended with:\n${sidecar.output.slice(-4_000)}`);
    await application?.ended();
  }

  async send(atLeast: number, perSecond: number): Promise<void> {
    const { bootstrapServers } = this.#cluster;
    this.#sender = await sendWithJava(bootstrapServers, this.topic("in"), atLeast, perSecond);
  }

  /** Waits until the sender has sent what it must; how much arrived is for the input to say. */
  async sent(): Promise<void> {
    const sent = await this.#sender?.stop();
    assert.equal(sent?.failed, 0, "records that the Java producer gave up");
  }

  /** The broker that leads a partition now. */
  async leader(topic: string, partition = 0): Promise<number> {
    await this.#observer.refresh([topic]);
    const { brokerId } = await this.#observer.leader(topic, partition, AbortSignal.timeout(30_000));
    return brokerId;
  }

  /** `sidecar` says whose transactions are meant. */
  async coordinator(kind: "group" | "transaction", sidecar = "a"): Promise<number> {
    const key = kind === "group" ? this.prefix : `${this.prefix}-${sidecar}-0`;
    this.#observer.invalidateCoordinator(kind, key);
    return await this.#observer.coordinator(kind, key, AbortSignal.timeout(30_000));
  }

  /** Waits until a partition of the copy has grown; returns how long that took, in ms. */
  async progress(partition = 0, timeoutMs = 60_000): Promise<number> {
    const startedAt = performance.now();
    const at = { topic: this.topic("copy"), partition };
    const end = async () => (await this.#offsets.range(at, AbortSignal.timeout(timeoutMs))).end;
    const before = await end();
    const what = `${topicPartitionName(at)} to grow beyond ${before}`;
    await eventually(what, async () => (await end()) > before, this.children, timeoutMs);
    return Math.round(performance.now() - startedAt);
  }

  /** Waits until a partition of the input has been read, and what came of it committed. */
  async read(partition: number): Promise<void> {
    const isRead = async (): Promise<boolean> => {
      const admin = await this.#cluster.admin();
      const found = await admin.fetchOffsets({ groupId: this.prefix, topics: [this.topic("in")] });
      const at = found[0]?.partitions.find((each) => each.partition === partition);
      return Number(at?.offset ?? -1) > 0;
    };
    await eventually(`${this.topic("in")}-${partition} to be read`, isRead, this.children, 120_000);
  }

  /** Waits until the copy holds as many records as the input, which the Java consumer counts. */
  async drained(): Promise<void> {
    const [input] = await this.#counts([this.topic("in")]);
    const isDone = async () => (await this.#committed()) >= (input ?? 0);
    await eventually(`${this.prefix} to be read`, isDone, this.children, DRAIN_MS);
  }

  async #counts(topics: readonly string[]): Promise<number[]> {
    await this.#observer.refresh(topics);
    const counts = topics.map(async (topic) => {
      const known = (await this.#observer.topics([topic])).get(topic);
      let sum = 0;
      for (const partition of known?.leaders.keys() ?? []) {
        const signal = AbortSignal.timeout(30_000);
        sum += (await this.#offsets.range({ topic, partition }, signal)).end;
      }
      return sum;
    });
    return await Promise.all(counts);
  }

  async #committed(): Promise<number> {
    const topic = this.topic("in");
    const admin = await this.#cluster.admin();
    const found = await admin.fetchOffsets({ groupId: this.prefix, topics: [topic] });
    const partitions = found[0]?.partitions ?? [];
    return partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  }

  /** Ends every sidecar in order, then its application. */
  async stop(): Promise<void> {
    for (const child of this.children.toReversed()) {
      if (!child.isRunning) continue;
      const how = await child.stop();
      assert.equal(how, "0", `${child.name} ended with:\n${child.output.slice(-4_000)}`);
    }
  }

  /** Judges all of it; returns how many input records there were. */
  async judge(): Promise<number> {
    const { bootstrapServers } = this.#cluster;
    const topics = (["in", "copy", "windows"] as const).map((name) => this.topic(name));
    const facts = await readFactsWithJava(bootstrapServers, this.prefix, topics, 30_000);
    for (const [kind, topic, partition, , stable, end] of facts) {
      if (kind === "end") assert.equal(stable, end, `${topic}-${partition}: an open transaction`);
      assert.notEqual(kind, "transaction", `${topic} is ${partition}`);
    }
    const java = byTopicPartition(await readWithJava(bootstrapServers, topics));
    const expected = expectedOf(java, this.prefix);
    assertSame(java, expected, "Java");
    const librdkafka = await readWithLibrdkafka(bootstrapServers, topics);
    if (librdkafka !== null) assertSame(byTopicPartition(librdkafka), expected, "librdkafka");
    let count = 0;
    for (const [name, records] of java)
      if (name.startsWith(topics[0] ?? "")) count += records.length;
    return count;
  }

  /**
   * For a copy whose topics change: each input record once, and those of one key and one partition of the
   * input in their order. Where the topic was made anew, only the last of them, without a gap. Returns how
   * many were in the input.
   */
  async judgeCopy(isWhole = true): Promise<number> {
    const { bootstrapServers } = this.#cluster;
    const topics = [this.topic("in"), this.topic("copy")];
    const judges = [await readWithJava(bootstrapServers, topics)];
    const librdkafka = await readWithLibrdkafka(bootstrapServers, topics);
    if (librdkafka !== null) judges.push(librdkafka);
    let count = 0;
    for (const records of judges) {
      const input = records.filter(({ topic }) => topic === topics[0]);
      const copy = records.filter(({ topic }) => topic === topics[1]);
      const from = new Map(input.map(({ value, partition }) => [String(value), partition]));
      assert.equal(from.size, input.length, "the sender's numbers are unique");
      const [wanted, found] = [sequences(input, from), sequences(copy, from)];
      for (const [name, list] of Object.entries(wanted)) {
        const end = isWhole ? list : list.slice(-(found[name]?.length ?? 0) || list.length);
        assert.deepEqual(found[name], end, name);
      }
      assertInOrder(copy, from);
      count = input.length;
    }
    return count;
  }

  async end(): Promise<void> {
    for (const child of this.children) if (child.isRunning) await child.kill();
    await this.#observer.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The sender's numbers only grow: so must those of one key and input partition in each output. */
function assertInOrder(copy: readonly JudgedRecord[], from: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>();
  for (const { partition, key, value } of copy) {
    const name = `${key} of ${from.get(String(value))} in ${partition}`;
    const number = Number(value);
    assert.ok(number > (last.get(name) ?? -1), `${name}: ${number} after ${last.get(name)}`);
    last.set(name, number);
  }
}

/** The values of each key and input partition, each once. */
function sequences(
  records: readonly JudgedRecord[],
  from: ReadonlyMap<string, number>,
): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { key, value } of records) {
    const name = `${key} of ${from.get(String(value))}`;
    const list = found[name] ?? [];
    found[name] = list;
    list.push(String(value));
  }
  // A key's outputs may lie in two partitions of a sink that has grown: by number, which is unique.
  for (const list of Object.values(found)) list.sort((a, b) => Number(a) - Number(b));
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Only looks on: who leads, who coordinates, where logs end. */
async function observe(cluster: KafkaCluster): Promise<Cluster> {
  const bootstrapServers = cluster.bootstrapServers.split(",").map((address) => {
    const [host = "", port] = address.split(":");
    return { host, port: Number(port) };
  });
  const limits = { requestTimeoutMs: 2_000, retryBackoffMaxMs: 200 };
  const options = { bootstrapServers, clientId: "observer", limits };
  return await Cluster.connect(options, AbortSignal.timeout(60_000));
}

/** `key value timestamp`, by partition, in order. */
function byTopicPartition(records: readonly JudgedRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const record of records) {
    const name = topicPartitionName(record);
    const list = found.get(name);
    const text = `${record.key} ${record.value} ${record.timestamp}`;
    if (list === undefined) found.set(name, [text]);
    else list.push(text);
  }
  return found;
}

/** Outputs have their input's key, and so its partition; the sender's event time only grows. */
function expectedOf(found: ReadonlyMap<string, string[]>, prefix: string): Map<string, string[]> {
  const expected = new Map<string, string[]>();
  for (const [name, records] of found) {
    if (!name.startsWith(`${prefix}-in-`)) continue;
    const partition = name.slice(name.lastIndexOf("-") + 1);
    const counts = new Map<string, number>();
    expected.set(`${prefix}-copy-${partition}`, records);
    const windows = records.map((text) => {
      const [key, value, timestamp] = text.split(" ");
      const start = Math.floor(Number(timestamp) / WINDOW_MS) * WINDOW_MS;
      const count = (counts.get(`${key}@${start}`) ?? 0) + 1;
      counts.set(`${key}@${start}`, count);
      return `${key} ${start} ${value} ${count} ${timestamp}`;
    });
    expected.set(`${prefix}-windows-${partition}`, windows);
  }
  return expected;
}

function assertSame(
  found: ReadonlyMap<string, string[]>,
  expected: ReadonlyMap<string, string[]>,
  judge: string,
): void {
  for (const [name, wanted] of expected) {
    const records = found.get(name) ?? [];
    const at = wanted.findIndex((text, i) => records[i] !== text);
    const where = `${name} by ${judge}, record ${at}: "${records[at]}", not "${wanted[at]}"`;
    assert.equal(at, -1, `${where}; ${records.length} records of ${wanted.length}`);
    assert.equal(records.length, wanted.length, `${name} by ${judge}`);
  }
}
