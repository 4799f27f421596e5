import type { TopicFacts } from "../../model/cluster-facts.ts";
import type { Cluster } from "../network/cluster.ts";
import { operationsOf } from "../protocol/acl-operations.ts";
import {
  type ConfigsAnswer,
  DESCRIBE_CONFIGS,
  describeConfigsRequest,
} from "../protocol/describe-configs.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import type { TopicAnswer } from "../protocol/metadata.ts";
import type { Notes } from "./notes.ts";

/** Where the brokers keep transactions and offsets: what they hold decides what we can lose. */
export const SYSTEM_TOPICS = ["__transaction_state", "__consumer_offsets"] as const;

/** Topics with their configurations; those that do not exist are left out. */
export async function lookAtTopics(
  cluster: Cluster,
  names: readonly string[],
  notes: Notes,
): Promise<Map<string, TopicFacts>> {
  if (names.length === 0) return new Map();
  const { topics } = await cluster.describe(names);
  const found = topics.filter((topic) => isThere(topic, notes));
  const configs = await notes.attempt("the configuration of topics", () =>
    topicConfigs(
      cluster,
      found.map(({ name }) => name),
    ),
  );
  const facts = found.map((topic) => factsOf(topic, configs?.get(topic.name), notes));
  return new Map(facts.map((topic) => [topic.name, topic]));
}

function isThere({ error, name, partitions }: TopicAnswer, notes: Notes): boolean {
  if (partitions.length > 0) return true;
  if (error === ERROR.TOPIC_AUTHORIZATION_FAILED) notes.deny("topic", name, "Describe");
  else if (error !== ERROR.UNKNOWN_TOPIC_OR_PARTITION && error !== ERROR.NONE) {
    notes.unread.push(`the topic ${name}: ${errorName(error)}`);
  }
  return false;
}

async function topicConfigs(
  cluster: Cluster,
  names: readonly string[],
): Promise<Map<string, ConfigsAnswer>> {
  const node = cluster.nodes()[0];
  if (node === undefined || names.length === 0) return new Map();
  const resources = names.map((name) => ({ type: "topic", name }) as const);
  const answers = await cluster.send(node.id, "general", DESCRIBE_CONFIGS, (version) =>
    describeConfigsRequest(version, resources),
  );
  return new Map(answers.map((answer) => [answer.name, answer]));
}

function factsOf(topic: TopicAnswer, answer: ConfigsAnswer | undefined, notes: Notes): TopicFacts {
  const error = answer?.error ?? ERROR.NONE;
  if (error === ERROR.TOPIC_AUTHORIZATION_FAILED)
    notes.deny("topic", topic.name, "DescribeConfigs");
  return {
    name: topic.name,
    id: topic.id,
    partitions: topic.partitions
      .map(({ partition, leader, replicas, inSync }) => {
        return { partition, replicas, inSync, hasLeader: leader >= 0 };
      })
      .sort((a, b) => a.partition - b.partition),
    configs: answer === undefined || error !== ERROR.NONE ? null : answer.configs,
    operations: operationsOf(topic.operations),
  };
}
