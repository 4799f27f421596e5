import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KafkaCluster } from "../support/kafka-cluster.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { Steady } from "../support/steady.ts";

const missing = whyNoKafka();
if (missing === null) describe("a cluster of three brokers that come and go", suite);
else process.stdout.write(`NOT PROVED: brokers of a cluster that die, because ${missing}\n`);

const PARTITIONS = 6;
const RECORDS_MIN = 200_000;
const PER_SECOND = 2_500;
/** A dead broker is missed after 4 s, its successor elected and found soon after. */
const KILLED_MS_MAX = 15_000;
/** A broker that is frozen keeps its connections: it is told by its silence, after 10 s and its wait. */
const SILENT_MS_MAX = 20_000;
/** A broker that is stopped hands over first; the restart of a JVM is not waited for. */
const STOPPED_MS_MAX = 10_000;

function suite(): void {
  let cluster: KafkaCluster;
  let steady: Steady;

  before(async () => {
    cluster = await KafkaCluster.start();
    steady = await Steady.make(cluster, "cluster", PARTITIONS);
    steady.start("a");
    await steady.send(RECORDS_MIN, PER_SECOND);
    await steady.progress();
  });

  after(async () => {
    await steady.end();
    await cluster.stop();
  });

  /** A broker that leads an input partition, and coordinates nothing where another one does that. */
  async function onlyLeads(): Promise<{ node: number; partition: number }> {
    const busy = [await steady.coordinator("group"), await steady.coordinator("transaction")];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const node = await steady.leader(steady.topic("in"), partition);
      if (!busy.includes(node)) return { node, partition };
    }
    return { node: await steady.leader(steady.topic("in")), partition: 0 };
  }

  test("brokers restarted one after the other: the outputs go on", async (t) => {
    for (const { id } of cluster.nodes) {
      await cluster.inSync();
      await cluster.node(id).end("SIGTERM");
      const stalledMs = await steady.progress();
      t.diagnostic(`broker ${id} stopped: the next output after ${stalledMs} ms`);
      assert.ok(stalledMs < STOPPED_MS_MAX, `${stalledMs} ms without output`);
      await cluster.node(id).start();
    }
  });

  const victims = {
    "the leader of an input partition": () => steady.leader(steady.topic("in")),
    "the leader of an output partition": () => steady.leader(steady.topic("copy")),
    "the leader of a changelog partition": () => steady.leader(steady.topic("windows-changelog")),
    "the coordinator of the group": () => steady.coordinator("group"),
    "the coordinator of the transactions": () => steady.coordinator("transaction"),
  };
  for (const [name, find] of Object.entries(victims)) {
    test(`${name} is killed: the outputs go on in seconds`, async (t) => {
      await cluster.inSync();
      const node = cluster.node(await find());
      await node.end("SIGKILL");
      const stalledMs = await steady.progress();
      t.diagnostic(`broker ${node.id} killed: the next output after ${stalledMs} ms`);
      await node.start();
      assert.ok(stalledMs < KILLED_MS_MAX, `${stalledMs} ms without output`);
    });
  }

  test("a leader falls silent without going away: it is not waited for", async (t) => {
    await cluster.inSync();
    const { node: id, partition } = await onlyLeads();
    const { pid } = cluster.node(id);
    process.kill(pid, "SIGSTOP");
    const stalledMs = await steady.progress(partition);
    process.kill(pid, "SIGCONT");
    t.diagnostic(`broker ${id} frozen: the next output after ${stalledMs} ms`);
    assert.ok(stalledMs < SILENT_MS_MAX, `${stalledMs} ms without output`);
  });

  test("in the end nothing is lost, doubled or out of order, and nothing is open", async (t) => {
    await cluster.inSync();
    await steady.sent();
    await steady.drained();
    await steady.stop();
    const count = await steady.judge();
    t.diagnostic(`${count} records`);
    assert.ok(count >= RECORDS_MIN, `${count} records were in the input`);
  });
}
