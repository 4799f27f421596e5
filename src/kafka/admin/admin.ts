import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Admin, LogOffset, TopicDescription, TopicToCreate } from "../../ports/admin.ts";
import type { Cluster } from "../network/cluster.ts";
import { delay } from "../network/retry.ts";
import { ERROR } from "../protocol/error-codes.ts";
import { deleteBefore } from "./delete-records.ts";
import { requestTopics, topicConfigs } from "./topics.ts";

const LEADERS_WAIT_MAX_MS = 30_000;
/** The first look comes soon: a topic mostly has its leaders within a few ms. Then half as often each. */
const LEADERS_LOOK_FIRST_MS = 5;
const LEADERS_LOOK_MAX_MS = 80;

/** The control plane, over the connections of the data path. */
export function createAdmin(cluster: Cluster): Admin {
  return new ClusterAdmin(cluster);
}

class ClusterAdmin implements Admin {
  readonly #cluster: Cluster;
  /** Made here, and not described since. */
  readonly #made = new Set<string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
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
    const configs = await topicConfigs(this.#cluster, found);
    const described = new Map<string, TopicDescription>();
    for (const [name, { id, leaders }] of topics) {
      described.set(name, {
        name,
        id,
        partitions: leaders.length,
        configs: configs.get(name) ?? new Map(),
      });
    }
    return described;
  }

  async createTopics(topics: readonly TopicToCreate[]): Promise<void> {
    if (topics.length === 0) return;
    await requestTopics(this.#cluster, topics, false);
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
        await requestTopics(this.#cluster, [topic], true);
      } catch (error: unknown) {
        refused.set(topic.name, asError(error).message);
      }
    }
    return refused;
  }

  async deleteRecords(before: readonly LogOffset[], signal: AbortSignal): Promise<void> {
    for (const at of before) await deleteBefore(this.#cluster, at, signal);
  }

  async #waitForLeaders(names: readonly string[]): Promise<void> {
    const deadlineMs = performance.now() + LEADERS_WAIT_MAX_MS;
    for (let waitMs = LEADERS_LOOK_FIRST_MS; ; waitMs = Math.min(2 * waitMs, LEADERS_LOOK_MAX_MS)) {
      const ready = names.every((name) => {
        const topic = this.#cluster.knownTopic(name);
        return topic?.leaders.every((leader) => leader !== null) ?? false;
      });
      if (ready) return;
      if (performance.now() >= deadlineMs) {
        const text = `${names.join(", ")} have no leader after ${LEADERS_WAIT_MAX_MS} ms`;
        throw new OutriggerError("BROKER_UNAVAILABLE", text);
      }
      await delay(waitMs, this.#cluster.closing);
      await this.#cluster.refresh(names);
    }
  }
}
