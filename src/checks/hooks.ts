import { isHookOf, type TopicFacts } from "../model/cluster-facts.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import { alterTopic, numberOf, present, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/** The topics that keep the requests of hooks until they have run. */
export function hookFindings(scene: Scene): Finding[] {
  return [
    ...present(scene, scene.hooks).flatMap((topic) => [
      ...policy(scene, topic),
      ...retention(scene, topic),
      ...purge(scene, topic),
    ]),
    ...leftOver(scene),
  ];
}

function policy(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const found = configs?.get("cleanup.policy") ?? "delete";
  if (!found.split(",").includes("compact")) return [];
  return [
    finding("hook.policy", {
      subject: `topic ${name}`,
      problem: `the topic ${name} of a hook has cleanup.policy=${found}`,
      consequence: "of several requests under one key only the last is kept: hooks would not run",
      remedy: alterTopic(scene, name, "cleanup.policy=delete"),
    }),
  ];
}

function retention(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const bounds = ["retention.ms", "retention.bytes"].filter((key) => {
    const value = numberOf(configs, key);
    return value !== null && value >= 0;
  });
  return bounds.map((key) =>
    finding("hook.retention", {
      subject: `topic ${name}`,
      problem: `the topic ${name} of a hook has ${key}=${configs?.get(key)}`,
      consequence:
        "requests are deleted before their hook has run, when it waits for long or their records are old",
      remedy: alterTopic(scene, name, `${key}=-1`),
    }),
  );
}

function purge({ expected }: Scene, { name, operations }: TopicFacts): Finding[] {
  if (operations === null || operations.has("Delete")) return [];
  return [
    finding("hook.purge", {
      subject: `topic ${name}`,
      problem: `${expected.principal} lacks the right Delete on the topic ${name} of a hook`,
      consequence: "requests that are done are never deleted, and the topic grows",
      remedy:
        `grant it: \`kafka-acls.sh --bootstrap-server ${expected.bootstrapServers} --add ` +
        `--allow-principal ${expected.principal} --operation Delete --topic ${name}\``,
    }),
  ];
}

/** A hook that was taken out of the topology, or renamed: who asked for it was promised a run. */
function leftOver({ facts, expected, hooks }: Scene): Finding[] {
  if (expected.programs === null) return [];
  const gone = facts.committed.filter(
    ({ topic }) => isHookOf(expected.applicationId, topic) && !hooks.includes(topic),
  );
  const names = [...new Set(gone.map(({ topic }) => topic))].filter((name) => {
    return facts.topics.has(name);
  });
  return names.map((name) => {
    const waiting = gone.filter(({ topic }) => topic === name).map(topicPartitionName);
    return finding("hook.left.over", {
      subject: `topic ${name}`,
      problem: `the topic ${name} is of no hook in this topology (${waiting.join(", ")} was read)`,
      consequence: "requests that it still has are not run",
      remedy:
        "declare the hook until nothing waits for it; then delete the topic: `kafka-topics.sh " +
        `--bootstrap-server ${expected.bootstrapServers} --delete --topic ${name}\``,
    });
  });
}
