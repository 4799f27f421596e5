import { after, before, describe } from "node:test";
import kafkajs from "kafkajs";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { kafkaContract } from "../contract/kafka.contract.ts";
import { availableBrokers, type Broker, type BrokerKind } from "../support/brokers.ts";

// The embedded broker has neither v2's epochs nor a leader's memory of sequences: it is not held to
// what the model is held to.
for (const kind of availableBrokers().filter(({ name }) => name === "kafka")) {
  describe(`the contract on ${kind.name}`, () => suite(kind));
}

function suite(kind: BrokerKind): void {
  let broker: Broker;
  let cluster: Cluster;
  let admin: kafkajs.Admin;
  before(async () => {
    broker = await kind.start();
    const [host = "", port = ""] = broker.bootstrapServers.split(":");
    const bootstrapServers = [{ host, port: Number(port) }];
    const signal = AbortSignal.timeout(60_000);
    cluster = await Cluster.connect({ bootstrapServers, clientId: "contract" }, signal);
    const { Kafka, logLevel } = kafkajs;
    const kafka = new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
    });
    admin = kafka.admin();
    await admin.connect();
  });
  after(async () => {
    await admin.disconnect();
    await cluster.close();
    await broker.stop();
  });
  kafkaContract({
    cluster: () => cluster,
    kip1251: true,
    makeTopic: async (topic, numPartitions) => {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic, numPartitions, replicationFactor: 1 }],
      });
    },
  });
}
