import { after, before, describe } from "node:test";
import type { Cluster } from "../../../src/kafka/network/cluster.ts";
import { kafkaContract } from "../../contract/kafka.contract.ts";
import type { ModelKafka } from "../../sim/kafka/model.ts";
import { connectToModel } from "../../support/model-cluster.ts";

for (const kip1251 of [true, false]) {
  const versions = kip1251 ? "from 4.3 on" : "before 4.3";
  describe(`the simulator's model of Kafka, as Kafka is ${versions}`, () => suite(kip1251));
}

function suite(kip1251: boolean): void {
  let cluster: Cluster;
  let kafka: ModelKafka;
  before(async () => {
    ({ cluster, kafka } = await connectToModel(kip1251));
  });
  after(() => cluster.close());
  kafkaContract({
    cluster: () => cluster,
    kip1251,
    makeTopic: async (name, partitions) => {
      kafka.createTopic(name, partitions, new Map());
    },
  });
}
