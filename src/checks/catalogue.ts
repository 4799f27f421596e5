import type { ErrorCode } from "../errors/catalog.ts";

/**
 *   forbidden  exactly-once cannot stand on it: nothing starts
 *   warning    it runs, and something will be lost, stuck or wrong when a certain thing happens
 *   note       worth knowing
 */
export type Severity = "forbidden" | "warning" | "note";

interface Entry {
  readonly severity: Severity;
  /** Whose page says more. */
  readonly code: ErrorCode;
  /** May be named in `check.accept`, which makes a warning of it. */
  readonly acceptable?: true;
}

/** Every finding of a check, with its usual severity; docs/checks.md describes each. */
export const catalogue = {
  configuration: { severity: "forbidden", code: "CONFIG_INVALID" },
  topology: { severity: "forbidden", code: "TOPOLOGY_INVALID" },
  "state.directory": { severity: "forbidden", code: "STATE_DIRECTORY_LOCKED" },
  "broker.version": { severity: "forbidden", code: "BROKER_INCOMPATIBLE" },
  "broker.feature": { severity: "forbidden", code: "BROKER_INCOMPATIBLE" },
  "broker.assignor": { severity: "forbidden", code: "BROKER_INCOMPATIBLE" },
  "broker.transaction.timeout": { severity: "forbidden", code: "CONFIG_INVALID" },
  "broker.offset.metadata": { severity: "forbidden", code: "TOPOLOGY_INVALID" },
  "access.denied": { severity: "forbidden", code: "AUTHORIZATION_FAILED" },
  "topic.missing": { severity: "forbidden", code: "TOPIC_MISSING" },
  "topic.partitions": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "topic.compression": { severity: "forbidden", code: "COMPRESSION_UNSUPPORTED" },
  "topic.message.size": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "changelog.policy": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "changelog.timestamps": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "changelog.replication": {
    severity: "forbidden",
    code: "TOPIC_MISCONFIGURED",
    acceptable: true,
  },
  "changelog.min.insync": { severity: "forbidden", code: "TOPIC_MISCONFIGURED", acceptable: true },
  "changelog.foreign.writer": {
    severity: "forbidden",
    code: "CHANGELOG_TOUCHED",
    acceptable: true,
  },
  "hook.policy": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "hook.gone": { severity: "forbidden", code: "OFFSET_OUT_OF_RANGE" },
  "repartition.policy": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "repartition.gone": { severity: "forbidden", code: "OFFSET_OUT_OF_RANGE" },
  "timers.policy": { severity: "forbidden", code: "TOPIC_MISCONFIGURED" },
  "timers.gone": { severity: "forbidden", code: "OFFSET_OUT_OF_RANGE" },
  "store.kind": { severity: "forbidden", code: "TOPOLOGY_INVALID" },
  "store.moved": { severity: "forbidden", code: "TOPOLOGY_INVALID" },
  "store.lost": { severity: "forbidden", code: "TOPOLOGY_INVALID", acceptable: true },
  "changelog.state.lost": { severity: "forbidden", code: "COMMITTED_STATE_LOST" },
  "group.foreign.member": { severity: "forbidden", code: "GROUP_TOUCHED" },
  "offsets.foreign": { severity: "forbidden", code: "OFFSETS_LOST" },
  "offsets.kafka.streams": { severity: "forbidden", code: "OFFSETS_LOST", acceptable: true },
  "offsets.missing": { severity: "forbidden", code: "OFFSETS_LOST" },
  "offsets.out.of.range": { severity: "forbidden", code: "OFFSET_OUT_OF_RANGE" },
  "broker.unreachable": { severity: "warning", code: "BROKER_UNAVAILABLE" },
  "broker.offsets.retention": { severity: "warning", code: "OFFSETS_LOST" },
  "cluster.small": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "cluster.system.topics": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "topic.unavailable": { severity: "warning", code: "BROKER_UNAVAILABLE" },
  "topic.unclean.election": { severity: "warning", code: "COMMITTED_STATE_LOST" },
  "changelog.retention": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "hook.purge": { severity: "warning", code: "AUTHORIZATION_FAILED" },
  "hook.retention": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "repartition.purge": { severity: "warning", code: "AUTHORIZATION_FAILED" },
  "repartition.retention": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "timers.purge": { severity: "warning", code: "AUTHORIZATION_FAILED" },
  "timers.retention": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "store.new": { severity: "warning", code: "TOPOLOGY_INVALID" },
  "changelog.tombstones": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "sink.replication": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "source.retention": { severity: "warning", code: "OFFSET_OUT_OF_RANGE" },
  "source.timestamps": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "group.subscription": { severity: "warning", code: "TOPOLOGY_MISMATCH" },
  "check.accept": { severity: "warning", code: "CONFIG_INVALID" },
  "broker.auto.create": { severity: "note", code: "TOPIC_MISSING" },
  "hook.left.over": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "repartition.left.over": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "timers.left.over": { severity: "warning", code: "TOPIC_MISCONFIGURED" },
  "changelog.left.over": { severity: "note", code: "TOPIC_MISCONFIGURED" },
  "check.incomplete": { severity: "note", code: "AUTHORIZATION_FAILED" },
} as const satisfies Record<string, Entry>;

export type FindingName = keyof typeof catalogue;

export const findingNames: readonly string[] = Object.keys(catalogue);

export function entryOf(name: FindingName): Entry {
  return catalogue[name];
}
