import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Admin, LogOffset, TopicDescription, TopicToCreate } from "../../ports/admin.ts";
import type { Cluster } from "../network/cluster.ts";
import { delay } from "../network/retry.ts";
import { ERROR } from "../protocol/error-codes.ts";
import { ControlPlane, type ControlPlaneOptions } from "./control-plane.ts";
import { deleteBefore } from "./delete-records.ts";

const LEADERS_WAIT_MAX_MS = 30_000;
const LEADERS_WAIT_STEP_MS = 50;
/** The kind of resource that DescribeConfigs calls a topic. */
const TOPIC_RESOURCE = 2;

/** The control plane: kafkajs for topics and configurations, our own requests for ids and features. */
export function createAdmin(cluster: Cluster, options: ControlPlaneOptions): Admin {
  return new KafkajsAdmin(cluster, options);
}

class KafkajsAdmin implements Admin {
  readonly #cluster: Cluster;
  /** Made here, and not described since. */
  readonly #made = new Set<string>();
  readonly #controlPlane: ControlPlane;

  constructor(cluster: Cluster, options: ControlPlaneOptions) {
    this.#cluster = cluster;
    this.#controlPlane = new ControlPlane(options);
  }

  async topicNames(): Promise<readonly string[]> {
    const { topics } = await this.#cluster.describe(null);
    return topics.filter(({ error }) => error === ERROR.NONE).map(({ name }) => name);
  }

  async describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    if (names.length === 0) return new Map();
    await this.#cluster.refresh(names);
    // A broker that has not heard of them may have answered.
    const made = names.filter((name) => this.#made.delete(name));
    if (made.length > 0) await this.#waitForLeaders(made);
    const topics = await this.#cluster.topics(names);
    const found = [...topics.keys()];
    if (found.length === 0) return new Map();
    const { resources } = await this.#controlPlane.call("describe topics", (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: found.map((name) => ({ type: TOPIC_RESOURCE, name })),
      }),
    );
    const described = new Map<string, TopicDescription>();
    for (const [name, { id, leaders }] of topics) {
      const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries;
      described.set(name, {
        name,
        id,
        partitions: leaders.length,
        configs: new Map((entries ?? []).map((entry) => [entry.configName, entry.configValue])),
      });
    }
    return described;
  }

  async createTopics(topics: readonly TopicToCreate[]): Promise<void> {
    if (topics.length === 0) return;
    await this.#create(topics, false);
    const names = topics.map(({ name }) => name);
    await this.#cluster.refresh(names);
    await this.#waitForLeaders(names);
    for (const name of names) this.#made.add(name);
  }

  async refusals(topics: readonly TopicToCreate[]): Promise<ReadonlyMap<string, string>> {
    const refused = new Map<string, string>();
    // One by one, because an answer about several does not say which it is about.
    for (const topic of topics) {
      try {
        await this.#create([topic], true);
      } catch (error: unknown) {
        refused.set(topic.name, asError(error).message);
      }
    }
    return refused;
  }

  async deleteRecords(before: readonly LogOffset[], signal: AbortSignal): Promise<void> {
    for (const at of before) await deleteBefore(this.#cluster, at, signal);
  }

  async close(): Promise<void> {
    await this.#controlPlane.close();
  }

  async #create(topics: readonly TopicToCreate[], validateOnly: boolean): Promise<void> {
    const names = topics.map(({ name }) => name).join(", ");
    await this.#controlPlane.call(`create ${names}`, (admin) =>
      admin.createTopics({
        validateOnly,
        // Waiting for leaders is done by our own metadata: kafkajs' wait fails on brokers that create
        // lazily.
        waitForLeaders: false,
        topics: topics.map(({ name, partitions, replicationFactor, configs }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        })),
      }),
    );
  }

  async #waitForLeaders(names: readonly string[]): Promise<void> {
    const deadlineMs = performance.now() + LEADERS_WAIT_MAX_MS;
    for (;;) {
      const ready = names.every((name) => {
        const topic = this.#cluster.knownTopic(name);
        return topic?.leaders.every((leader) => leader !== null) ?? false;
      });
      if (ready) return;
      if (performance.now() >= deadlineMs) {
        const text = `${names.join(", ")} have no leader after ${LEADERS_WAIT_MAX_MS} ms`;
        throw new OutriggerError("BROKER_UNAVAILABLE", text);
      }
      await delay(LEADERS_WAIT_STEP_MS, this.#cluster.closing);
      await this.#cluster.refresh(names);
    }
  }
}
