import { asError } from "../../errors/outrigger-error.ts";
import type { BrokerFacts } from "../../model/cluster-facts.ts";
import type { Cluster } from "../network/cluster.ts";
import { orAborted } from "../network/retry.ts";
import type { Api } from "../protocol/api-versions.ts";
import { CONSUMER_GROUP_HEARTBEAT } from "../protocol/consumer-group-heartbeat.ts";
import { DESCRIBE_CONFIGS, describeConfigsRequest } from "../protocol/describe-configs.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import { FETCH } from "../protocol/fetch.ts";
import { FIND_COORDINATOR } from "../protocol/find-coordinator.ts";
import { LIST_OFFSETS } from "../protocol/list-offsets.ts";
import { type BrokerNode, METADATA } from "../protocol/metadata.ts";
import { OFFSET_FETCH } from "../protocol/offset-fetch.ts";
import { PRODUCE } from "../protocol/produce.ts";
import { END_TXN, INIT_PRODUCER_ID, TXN_OFFSET_COMMIT } from "../protocol/transactions.ts";
import type { Notes } from "./notes.ts";

/** What no sidecar can do without. */
const NEEDED: readonly Api[] = [
  METADATA,
  FETCH,
  LIST_OFFSETS,
  PRODUCE,
  FIND_COORDINATOR,
  OFFSET_FETCH,
  CONSUMER_GROUP_HEARTBEAT,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
  END_TXN,
];

/** Every broker is asked by itself: in the middle of an upgrade they differ. */
export async function lookAtBroker(
  cluster: Cluster,
  node: BrokerNode,
  notes: Notes,
  signal: AbortSignal,
): Promise<BrokerFacts> {
  const at = { id: node.id, address: `${node.host}:${node.port}` };
  try {
    const { connection, versions } = await orAborted(
      cluster.connection(node.id, "general"),
      signal,
    );
    const lacks = NEEDED.flatMap((api) => versions.lacking(api) ?? []);
    const configs = await notes.attempt(`the configuration of broker ${node.id}`, async () => {
      const resource = { type: "broker", name: String(node.id) } as const;
      const version = versions.pick(DESCRIBE_CONFIGS);
      const [answer] = await connection.send(describeConfigsRequest(version, [resource]));
      const error = answer?.error ?? ERROR.NONE;
      if (error === ERROR.NONE) return answer?.configs ?? null;
      if (error === ERROR.CLUSTER_AUTHORIZATION_FAILED) {
        notes.deny("cluster", "kafka-cluster", "DescribeConfigs");
      } else {
        notes.unread.push(`the configuration of broker ${node.id}: ${errorName(error)}`);
      }
      return null;
    });
    return { ...at, lacks, configs, unreachable: null };
  } catch (thrown) {
    return { ...at, lacks: [], configs: null, unreachable: asError(thrown).message };
  }
}
