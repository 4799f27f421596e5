import type { BrokerFacts } from "../model/cluster-facts.ts";
import type { StoreSpec } from "../model/topology.ts";
import { METADATA_BYTES_MAX, metadataBytesMax } from "../tasks/offset-metadata.ts";
import { numberOf, replicasOf, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/** What the brokers are, apart from any topology. */
export function brokerFindings(scene: Scene): Finding[] {
  const { facts } = scene;
  return [
    ...facts.brokers.flatMap((broker) => [
      ...unreachable(broker),
      ...tooOld(broker),
      ...assignor(broker),
      ...transactionTimeout(broker, scene),
      ...offsetMetadata(broker, scene),
      ...offsetsRetention(broker),
      ...autoCreate(broker),
    ]),
    ...features(scene),
    ...small(scene),
    ...systemTopics(scene),
  ];
}

function unreachable({ id, address, unreachable: reason }: BrokerFacts): Finding[] {
  if (reason === null) return [];
  return [
    finding("broker.unreachable", {
      subject: `broker ${id}`,
      problem: `broker ${id} at ${address} cannot be reached (${reason})`,
      consequence: "the partitions that it leads can be neither read nor written from here",
      remedy:
        "start it, or make the address that it advertises (advertised.listeners) reachable from " +
        "this host",
    }),
  ];
}

function tooOld({ id, lacks }: BrokerFacts): Finding[] {
  if (lacks.length === 0) return [];
  return [
    finding("broker.version", {
      subject: `broker ${id}`,
      problem: `broker ${id} is too old: ${lacks.join("; ")}`,
      consequence: "the sidecar cannot commit through it",
      remedy: "upgrade the broker to Kafka 4.0 or later",
    }),
  ];
}

const ASSIGNOR = "range";

function assignor({ id, configs }: BrokerFacts): Finding[] {
  const offered = configs?.get("group.consumer.assignors");
  if (offered === undefined || offered.toLowerCase().includes(ASSIGNOR)) return [];
  return [
    finding("broker.assignor", {
      subject: `broker ${id}`,
      problem: `broker ${id} has group.consumer.assignors=${offered}, without ${ASSIGNOR}`,
      consequence:
        "a member would not get the partitions with the same number of all topics, as a task needs",
      remedy: `add ${ASSIGNOR} to group.consumer.assignors of every broker`,
    }),
  ];
}

function transactionTimeout({ id, configs }: BrokerFacts, { expected }: Scene): Finding[] {
  const max = numberOf(configs, "transaction.max.timeout.ms");
  const ours = expected.transactionTimeoutMs;
  if (max === null || ours <= max) return [];
  return [
    finding("broker.transaction.timeout", {
      subject: `broker ${id}`,
      problem: `transaction.timeout.ms is ${ours}, above transaction.max.timeout.ms=${max} of broker ${id}`,
      consequence: "no transaction could begin",
      remedy: `set transaction.timeout.ms to at most ${max}`,
    }),
  ];
}

function offsetMetadata({ id, configs }: BrokerFacts, { expected }: Scene): Finding[] {
  if (expected.programs === null) return [];
  // Each task commits the names of its own.
  const [stores = []] = expected.programs
    .map((program) => program.stores)
    .sort((a, b) => metadataOf(b) - metadataOf(a));
  const max = numberOf(configs, "offset.metadata.max.bytes") ?? METADATA_BYTES_MAX;
  const needed = metadataOf(stores);
  if (needed <= max) return [];
  return [
    finding("broker.offset.metadata", {
      subject: `broker ${id}`,
      problem:
        `the names of ${stores.length} store(s) need ${needed} bytes of offset metadata, broker ` +
        `${id} takes ${max} (offset.metadata.max.bytes)`,
      consequence: "no offset could be committed",
      remedy: "use fewer stores or shorter names, or raise offset.metadata.max.bytes",
    }),
  ];
}

function metadataOf(stores: readonly StoreSpec[]): number {
  const timed = stores.filter(({ ownTime }) => ownTime === true);
  return metadataBytesMax(namesOf(stores), namesOf(timed));
}

function namesOf(stores: readonly StoreSpec[]): string[] {
  return stores.map(({ name }) => name);
}

const OFFSETS_RETENTION_MINUTES = 7 * 24 * 60;

function offsetsRetention({ id, configs }: BrokerFacts): Finding[] {
  const minutes = numberOf(configs, "offsets.retention.minutes");
  if (minutes === null || minutes >= OFFSETS_RETENTION_MINUTES) return [];
  return [
    finding("broker.offsets.retention", {
      subject: `broker ${id}`,
      problem: `broker ${id} has offsets.retention.minutes=${minutes}`,
      consequence:
        `an application that is stopped for ${minutes} minutes loses its offsets, and then ` +
        "refuses to start",
      remedy: `raise it to ${OFFSETS_RETENTION_MINUTES} (a week, Kafka's default) or more`,
    }),
  ];
}

function autoCreate({ id, configs }: BrokerFacts): Finding[] {
  if (configs?.get("auto.create.topics.enable") !== "true") return [];
  return [
    finding("broker.auto.create", {
      subject: `broker ${id}`,
      problem: `broker ${id} has auto.create.topics.enable=true`,
      consequence:
        "a topic whose name is misspelt by another client is made, with the defaults of the broker",
      remedy: "set it to false and create topics on purpose",
    }),
  ];
}

/** Feature, level and what it is for. */
const FEATURES: readonly (readonly [string, number, string])[] = [
  [
    "transaction.version",
    2,
    "without it a delayed request can end the wrong transaction (KIP-890)",
  ],
  ["group.version", 1, "without it there are no groups of the consumer protocol (KIP-848)"],
];

function features({ facts, expected }: Scene): Finding[] {
  return FEATURES.flatMap(([feature, needed, consequence]) => {
    const level = facts.features.get(feature) ?? 0;
    if (level >= needed) return [];
    return [
      finding("broker.feature", {
        subject: `feature ${feature}`,
        problem: `the cluster has finalized ${feature} ${level}, exactly-once needs ${needed}`,
        consequence,
        remedy:
          "upgrade the brokers to Kafka 4.0 or later, then run `kafka-features.sh " +
          `--bootstrap-server ${expected.bootstrapServers} upgrade --feature ${feature}=${needed}\``,
      }),
    ];
  });
}

const REPLICAS = 3;

function small({ facts, expected }: Scene): Finding[] {
  const brokers = facts.brokers.length;
  if (brokers >= expected.replicationFactor) return [];
  return [
    finding("cluster.small", {
      subject: "the cluster",
      problem:
        `replication.factor is ${expected.replicationFactor}, but the cluster has ${brokers} ` +
        "broker(s)",
      consequence: "internal topics get fewer replicas, and state is lost with the disks of those",
      remedy: `add brokers, or say that it is meant with replication.factor: ${brokers}`,
    }),
  ];
}

/** Without them nothing is known of what was committed. */
function systemTopics({ facts, expected }: Scene): Finding[] {
  if (facts.brokers.length < REPLICAS && expected.replicationFactor <= facts.brokers.length) {
    return [];
  }
  const of = ["__transaction_state", "__consumer_offsets"].flatMap((name) => {
    const topic = facts.topics.get(name);
    if (topic === undefined) return [];
    const replicas = replicasOf(topic);
    const minInSync = numberOf(topic.configs, "min.insync.replicas") ?? 2;
    const said = [
      ...(replicas < REPLICAS ? [`${replicas} replica(s)`] : []),
      ...(replicas >= REPLICAS && minInSync < 2 ? [`min.insync.replicas=${minInSync}`] : []),
    ];
    return said.map((what) => ({ name, what }));
  });
  return of.map(({ name, what }) =>
    finding("cluster.system.topics", {
      subject: `topic ${name}`,
      problem: `the brokers' own topic ${name} has ${what}`,
      consequence: "with one disk the outcome of transactions or all offsets can be lost",
      remedy:
        `give it ${REPLICAS} replicas (kafka-reassign-partitions.sh) and min.insync.replicas=2, on ` +
        "at least as many brokers",
    }),
  );
}
