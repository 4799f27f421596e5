/** Kafka's own limit for topic names. */
export const TOPIC_NAME_LENGTH_MAX = 249;

const NAME = /^[A-Za-z0-9._-]+$/;

/** Null when a node or store may have the name, else what is wrong with it. */
export function nameFault(name: string): string | null {
  if (name === "") return "the name is empty: give it one that stays the same over restarts";
  if (NAME.test(name)) return null;
  return "the name may hold letters, digits, `.`, `_` and `-` only: rename it";
}

/** Null when Kafka takes the topic's name, else what is wrong with it. */
export function topicFault(topic: string): string | null {
  if (topic === "" || topic === "." || topic === ".." || !NAME.test(topic)) {
    return `"${topic}" is no topic name: letters, digits, \`.\`, \`_\` and \`-\` only`;
  }
  if (topic.length <= TOPIC_NAME_LENGTH_MAX) return null;
  return `the topic name has ${topic.length} characters, Kafka takes ${TOPIC_NAME_LENGTH_MAX}`;
}

/** The store of parked records, which every task has where parking is on. */
export const PARKED_STORE = "parked";

/** Commands to the tasks of an application: `outrigger dlq release` writes, the sidecars read. */
export function controlTopic(applicationId: string): string {
  return `${applicationId}-control`;
}

/** The requests of a hook: written by the tasks that asked, read by those that run it. */
export function hookTopic(applicationId: string, node: string): string {
  return `${applicationId}-${node}-hook`;
}

/** Between two sub-topologies: `name` is that of the repartition node, or what the aggregate says. */
export function repartitionTopic(applicationId: string, name: string): string {
  return `${applicationId}-${name}-repartition`;
}

export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`;
}

/** What has fired at a node, until it is handled: written and read by the same task. */
export function timersTopic(applicationId: string, node: string): string {
  return `${applicationId}-${node}-timers`;
}

/** The store of what waits at a node. */
export function timersStore(node: string): string {
  return `${node}-timers`;
}

/** The source that reads what has fired. */
export function timersSource(node: string): string {
  return `${node}-timers-source`;
}
