import type { ClusterFacts } from "../model/cluster-facts.ts";
import { accessFindings } from "./access.ts";
import { brokerFindings } from "./brokers.ts";
import { changelogFindings } from "./changelogs.ts";
import { type Expected, sceneOf } from "./expected.ts";
import { type Finding, sorted, withAccepted } from "./finding.ts";
import { formerTopologyFindings } from "./former-topology.ts";
import { groupFindings } from "./group.ts";
import { queueFindings } from "./queues.ts";
import { topicFindings } from "./topics.ts";

/** Everything that is wrong with a cluster for an application, the worst first. */
export function checkCluster(facts: ClusterFacts, expected: Expected): Finding[] {
  const scene = sceneOf(facts, expected);
  const findings = [
    ...brokerFindings(scene),
    ...accessFindings(scene),
    ...topicFindings(scene),
    ...changelogFindings(scene),
    ...queueFindings(scene),
    ...groupFindings(scene),
    ...formerTopologyFindings(scene),
  ];
  return sorted(withAccepted(findings, expected.accepted));
}
