import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicToCreate } from "../../ports/admin.ts";
import type { Cluster } from "../network/cluster.ts";
import { firstSignal } from "../network/first-signal.ts";
import { retrying } from "../network/retry.ts";
import { CREATE_TOPICS, type Creation, createTopicsRequest } from "../protocol/create-topics.ts";
import { DESCRIBE_CONFIGS, describeConfigsRequest } from "../protocol/describe-configs.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";

/** How long brokers may take to create topics, or not to know who of them does. */
const ANSWER_MAX_MS = 30_000;

/** What a broker says that cannot do it now; another, or the same in a moment, can. */
const PASSING: ReadonlySet<number> = new Set([
  ERROR.NOT_CONTROLLER,
  ERROR.REQUEST_TIMED_OUT,
  ERROR.THROTTLING_QUOTA_EXCEEDED,
]);

/**
 * Creates topics, or asks whether they could be. One that exists is as good as created. Rejects with
 * AUTHORIZATION_FAILED or BROKER_REFUSED, which say what was not let.
 */
export async function requestTopics(
  cluster: Cluster,
  topics: readonly TopicToCreate[],
  validateOnly: boolean,
): Promise<void> {
  let rest = topics;
  const { requestTimeoutMs: timeoutMs } = cluster.limits;
  await asking(cluster, async (brokerId) => {
    const answer = await cluster.send(brokerId, "general", CREATE_TOPICS, (version) =>
      createTopicsRequest(version, rest, { timeoutMs, validateOnly }),
    );
    const refused = answer.filter(({ error }) => !isDone(error) && !PASSING.has(error));
    const [first] = refused;
    if (first !== undefined) {
      const names = rest.map(({ name }) => name).join(", ");
      throw refusal(`create ${names}`, first.error, refused.map(wordsOf).join("; "));
    }
    const done = new Set(answer.filter(({ error }) => isDone(error)).map(({ name }) => name));
    rest = rest.filter(({ name }) => !done.has(name));
    if (rest.length === 0) return;
    const text = `${rest.map(({ name }) => name).join(", ")} cannot be created yet`;
    const said = answer.filter(({ name }) => !done.has(name)).map(wordsOf);
    throw new OutriggerError("BROKER_UNAVAILABLE", `${text}: ${said.join("; ")}`);
  });
}

/** The configurations of topics that exist. Rejects as `requestTopics` does. */
export async function topicConfigs(
  cluster: Cluster,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const resources = names.map((name) => ({ type: "topic", name }) as const);
  const answers = await asking(cluster, (brokerId) =>
    cluster.send(brokerId, "general", DESCRIBE_CONFIGS, (version) =>
      describeConfigsRequest(version, resources),
    ),
  );
  const refused = answers.find(({ error }) => error !== ERROR.NONE);
  if (refused !== undefined) {
    const { name, error } = refused;
    throw refusal(`describe the topic ${name}`, error, errorName(error));
  }
  return new Map(answers.map(({ name, configs }) => [name, configs]));
}

/** Asks one broker after the other until one answers. */
async function asking<T>(cluster: Cluster, ask: (brokerId: number) => Promise<T>): Promise<T> {
  const { signal, release } = firstSignal([cluster.closing, AbortSignal.timeout(ANSWER_MAX_MS)]);
  let turn = 0;
  try {
    return await retrying(cluster.limits, signal, async () => {
      const nodes = cluster.nodes();
      const node = nodes[turn++ % Math.max(nodes.length, 1)];
      if (node !== undefined) return await ask(node.id);
      await cluster.refresh([]);
      throw new OutriggerError("BROKER_UNAVAILABLE", "no broker is known");
    });
  } finally {
    release();
  }
}

function isDone(error: number): boolean {
  return error === ERROR.NONE || error === ERROR.TOPIC_ALREADY_EXISTS;
}

function wordsOf({ name, error, message }: Creation): string {
  return `${name}: ${errorName(error)}${message === null ? "" : ` (${message})`}`;
}

function refusal(what: string, error: number, words: string): OutriggerError {
  const text = `the cluster did not let us ${what}: ${words}`;
  if (/AUTHORIZATION/.test(errorName(error))) {
    const remedy = "grant the right with kafka-acls.sh, then start again";
    return new OutriggerError("AUTHORIZATION_FAILED", `${text}; ${remedy}`);
  }
  return new OutriggerError("BROKER_REFUSED", `${text}; mend that, then start again`);
}
