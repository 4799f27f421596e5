/**
 * Every metric, defined once: the exporters, `/metrics`, docs/metrics.md and the tests of dashboard and
 * alerts all read this table. Names and units follow OpenTelemetry's messaging conventions.
 */

export interface MetricDefinition {
  readonly name: string;
  /** A counter only grows; a gauge is what holds now; a histogram's buckets are `BUCKETS`. */
  readonly kind: "counter" | "gauge" | "histogram";
  /** UCUM: `s`, `By`, `{record}`; empty where the name says it. */
  readonly unit: "s" | "By" | "" | `{${string}}`;
  readonly description: string;
  readonly attributes: readonly string[];
  /** A name of Kafka Streams or its clients: always there, or by `metrics.kafka.streams.names`. */
  readonly kafkaStreams?: "always" | "optional";
  /** Values of attributes that are there from the start, at 0: so that a rate of nothing is 0. */
  readonly initial?: readonly (readonly string[])[];
}

/** Upper bounds of histogram buckets, in seconds. */
export const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const OPERATION = ["messaging.system", "messaging.operation.name", "messaging.destination.name"];

const own = {
  commitDuration: {
    name: "outrigger.commit.duration",
    kind: "histogram",
    unit: "s",
    description: "From taking a cut to its stores being written.",
    attributes: [],
  },
  commits: {
    name: "outrigger.commits",
    kind: "counter",
    unit: "{commit}",
    description: "Transactions by outcome: committed, aborted, unknown.",
    attributes: ["outcome"],
    initial: [["committed"], ["aborted"], ["unknown"]],
  },
  phaseDuration: {
    name: "outrigger.transaction.phase.duration",
    kind: "histogram",
    unit: "s",
    description:
      "Parts of a transaction: init, produce, refresh, send_offsets, end, abort, resolve, apply.",
    attributes: ["phase"],
  },
  aborted: {
    name: "outrigger.transactions.aborted",
    kind: "counter",
    unit: "{transaction}",
    description: "Aborts by reason; the cut is committed again, nothing is lost.",
    attributes: ["reason"],
    initial: [["refused"], ["memberLost"], ["cutLost"], ["fenced"], ["deadline"]],
  },
  fenced: {
    name: "outrigger.transactions.fenced",
    kind: "counter",
    unit: "{transaction}",
    description: "Fencings of our transactional id; several in a row mean that another uses it.",
    attributes: [],
  },
  eosEnabled: {
    name: "outrigger.eos.enabled",
    kind: "gauge",
    unit: "",
    description: "1: the guarantee is exactly-once.",
    attributes: [],
  },
  taskFailed: {
    name: "outrigger.task.failed",
    kind: "counter",
    unit: "{task}",
    description: "Tasks that stopped for good, by the code of the error.",
    attributes: ["reason"],
    initial: [["HANDLER_FAILED"]],
  },
  storesEmptied: {
    name: "outrigger.store.emptied",
    kind: "counter",
    unit: "{store}",
    description: "Local stores that were damaged: emptied, and restored from their changelogs.",
    attributes: [],
  },
  producerErrors: {
    name: "outrigger.producer.errors",
    kind: "counter",
    unit: "{error}",
    description: "Requests of the producer that were refused or not answered, by Kafka's error.",
    attributes: ["error.type", "class"],
  },
  staleAnswers: {
    name: "outrigger.app.responses.stale",
    kind: "counter",
    unit: "{response}",
    description: "Answers of an application to a batch of an older task epoch; dropped.",
    attributes: [],
  },
  duplicateAnswers: {
    name: "outrigger.app.responses.duplicate",
    kind: "counter",
    unit: "{response}",
    description: "Answers to a batch that the application does not hold; dropped.",
    attributes: [],
  },
  failures: {
    name: "outrigger.record.failures",
    kind: "counter",
    unit: "{failure}",
    description: "Failures of a record in the application, each try for itself.",
    attributes: [],
  },
  processed: {
    name: "outrigger.records.processed",
    kind: "counter",
    unit: "{record}",
    description: "Input records whose outcome was committed.",
    attributes: [],
  },
  dropped: {
    name: "outrigger.records.dropped",
    kind: "counter",
    unit: "{record}",
    description: "Records that built-in nodes dropped: late, or without a key.",
    attributes: [],
  },
  skipped: {
    name: "outrigger.records.skipped",
    kind: "counter",
    unit: "{record}",
    description: "Records that were given up without a trace, as their policy says.",
    attributes: [],
  },
  deadLettered: {
    name: "outrigger.dlq.records",
    kind: "counter",
    unit: "{record}",
    description: "Records that were given up and have a dead letter.",
    attributes: [],
  },
  parked: {
    name: "outrigger.parked",
    kind: "counter",
    unit: "{record}",
    description:
      "Input records that were parked, those that followed others of their key among them.",
    attributes: [],
  },
  released: {
    name: "outrigger.released",
    kind: "counter",
    unit: "{record}",
    description: "Parked records that were processed or dropped after a command.",
    attributes: [],
  },
  age: {
    name: "outrigger.record.e2e.duration",
    kind: "histogram",
    unit: "s",
    description: "From the timestamp of a batch's first record to the commit of its outcome.",
    attributes: ["messaging.destination.name"],
  },
} as const satisfies Record<string, MetricDefinition>;

const messaging = {
  operationDuration: {
    name: "messaging.client.operation.duration",
    kind: "histogram",
    unit: "s",
    description: "Requests to the brokers: poll (a long poll waits for records), send, commit.",
    attributes: OPERATION,
  },
  sent: {
    name: "messaging.client.sent.messages",
    kind: "counter",
    unit: "{message}",
    description: "Records in committed transactions, by topic; changelogs among them.",
    attributes: OPERATION,
  },
  consumed: {
    name: "messaging.client.consumed.messages",
    kind: "counter",
    unit: "{message}",
    description: "Records fetched, by topic.",
    attributes: OPERATION,
  },
  processDuration: {
    name: "messaging.process.duration",
    kind: "histogram",
    unit: "s",
    description: "From sending a batch to an application to its answer.",
    attributes: OPERATION,
  },
} as const satisfies Record<string, MetricDefinition>;

const gauges = {
  ready: {
    name: "outrigger.ready",
    kind: "gauge",
    unit: "",
    description: "1 when /readyz says ready, else 0.",
    attributes: [],
  },
  workers: {
    name: "outrigger.workers",
    kind: "gauge",
    unit: "{worker}",
    description: "Connected application processes.",
    attributes: [],
  },
  tasks: {
    name: "outrigger.tasks",
    kind: "gauge",
    unit: "{task}",
    description: "Tasks by state: restoring, claiming, running, ending, stopped.",
    attributes: ["state"],
  },
  lag: {
    name: "outrigger.consumer.lag",
    kind: "gauge",
    unit: "{record}",
    description: "Committed records not yet processed: from our offset to the last stable offset.",
    attributes: ["messaging.destination.name", "messaging.destination.partition.id"],
  },
  endLag: {
    name: "outrigger.consumer.end.lag",
    kind: "gauge",
    unit: "{record}",
    description: "As lag, to the end of the log: larger while transactions of others are open.",
    attributes: ["messaging.destination.name", "messaging.destination.partition.id"],
  },
  restoreRemaining: {
    name: "outrigger.restore.remaining",
    kind: "gauge",
    unit: "{record}",
    description: "Changelog offsets that a restoring task still has to read.",
    attributes: ["task"],
  },
  uncommittedBytes: {
    name: "outrigger.state.uncommitted",
    kind: "gauge",
    unit: "By",
    description: "Outputs and state staged for the next commit.",
    attributes: ["task"],
  },
  parkedRecords: {
    name: "outrigger.parked.records",
    kind: "gauge",
    unit: "{record}",
    description: "Records that wait for `outrigger dlq release`, by task.",
    attributes: ["task"],
  },
  heldRecords: {
    name: "outrigger.suppression.buffer.count",
    kind: "gauge",
    unit: "{record}",
    description: "Updates that a suppress holds back, by task and node.",
    attributes: ["task", "node"],
  },
  heldBytes: {
    name: "outrigger.suppression.buffer.size",
    kind: "gauge",
    unit: "By",
    description: "Their keys, values and headers, as the limit of the buffer counts them.",
    attributes: ["task", "node"],
  },
  inputBytes: {
    name: "outrigger.input.buffer",
    kind: "gauge",
    unit: "By",
    description: "Fetched records that wait to be planned.",
    attributes: ["task"],
  },
  inFlight: {
    name: "outrigger.batches.in_flight",
    kind: "gauge",
    unit: "{batch}",
    description: "Batches that an application holds.",
    attributes: ["task"],
  },
  memory: {
    name: "process.memory.usage",
    kind: "gauge",
    unit: "By",
    description: "Resident memory of the sidecar.",
    attributes: [],
  },
} as const satisfies Record<string, MetricDefinition>;

const TOPIC_PARTITION = ["topic", "partition"];
const SUPPRESSION = ["task_id", "in_memory_suppression_id"];

/** Latencies are in ms and over the last minute, times in ns, as Kafka's own are. */
const kafkaStreams = {
  ksCommitAvg: {
    name: "kafka.stream.thread.commit.latency.avg",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' commit-latency-avg: ms, over the last minute.",
    attributes: [],
    kafkaStreams: "always",
  },
  ksCommitMax: {
    name: "kafka.stream.thread.commit.latency.max",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' commit-latency-max: ms, over the last minute.",
    attributes: [],
    kafkaStreams: "always",
  },
  ksEos: {
    name: "kafka.stream.eos.enabled",
    kind: "gauge",
    unit: "",
    description: "eos-enabled: 1, exactly-once is on.",
    attributes: [],
    kafkaStreams: "always",
  },
  ksFailed: {
    name: "kafka.stream.failed.stream.threads",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' failed-stream-threads: here tasks that stopped for good.",
    attributes: [],
    kafkaStreams: "always",
  },
  ksProducerErrors: {
    name: "kafka.producer.record.error",
    kind: "counter",
    unit: "",
    description: "The producer's record-error-total: here every producer error that was counted.",
    attributes: [],
    kafkaStreams: "always",
  },
  ksCommits: {
    name: "kafka.stream.thread.commit",
    kind: "counter",
    unit: "",
    description: "Kafka Streams' commit-total.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksProcessed: {
    name: "kafka.stream.thread.process",
    kind: "counter",
    unit: "",
    description: "Kafka Streams' process-total.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksProcessAvg: {
    name: "kafka.stream.thread.process.latency.avg",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' process-latency-avg: ms of a batch, over the last minute.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksProcessMax: {
    name: "kafka.stream.thread.process.latency.max",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' process-latency-max: ms of a batch, over the last minute.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksDropped: {
    name: "kafka.stream.task.dropped.records",
    kind: "counter",
    unit: "",
    description: "Kafka Streams' dropped-records-total.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksE2eAvg: {
    name: "kafka.stream.record.e2e.latency.avg",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' record-e2e-latency-avg: ms, over the last minute.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksE2eMax: {
    name: "kafka.stream.record.e2e.latency.max",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' record-e2e-latency-max: ms, over the last minute.",
    attributes: [],
    kafkaStreams: "optional",
  },
  ksRestoreRemaining: {
    name: "kafka.stream.task.restore.remaining.records.total",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' restore-remaining-records-total.",
    attributes: ["task_id"],
    kafkaStreams: "optional",
  },
  ksInputBuffer: {
    name: "kafka.stream.task.input.buffer.bytes.total",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' input-buffer-bytes-total.",
    attributes: ["task_id"],
    kafkaStreams: "optional",
  },
  ksHeldRecords: {
    name: "kafka.stream.state.suppression.buffer.count",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' suppression-buffer-count, as it is now.",
    attributes: SUPPRESSION,
    kafkaStreams: "optional",
  },
  ksHeldBytes: {
    name: "kafka.stream.state.suppression.buffer.size",
    kind: "gauge",
    unit: "",
    description: "Kafka Streams' suppression-buffer-size, as it is now: bytes.",
    attributes: SUPPRESSION,
    kafkaStreams: "optional",
  },
  ksConsumed: {
    name: "kafka.consumer.fetch.manager.records.consumed",
    kind: "counter",
    unit: "",
    description: "The consumer's records-consumed-total.",
    attributes: ["topic"],
    kafkaStreams: "optional",
  },
  ksLag: {
    name: "kafka.consumer.fetch.manager.records.lag",
    kind: "gauge",
    unit: "",
    description: "The consumer's records-lag.",
    attributes: TOPIC_PARTITION,
    kafkaStreams: "optional",
  },
  ksTxnTime: {
    name: "kafka.producer.txn.time.ns",
    kind: "counter",
    unit: "",
    description: "The producer's txn-*-time-ns-total, by operation.",
    attributes: ["operation"],
    kafkaStreams: "optional",
  },
} as const satisfies Record<string, MetricDefinition>;

export const METRICS = { ...own, ...messaging, ...gauges, ...kafkaStreams } as const;

export type MetricKey = keyof typeof METRICS;
type OfKind<K extends string> = {
  [Key in MetricKey]: (typeof METRICS)[Key]["kind"] extends K ? Key : never;
}[MetricKey];
export type CounterKey = OfKind<"counter">;
export type HistogramKey = OfKind<"histogram">;

export function definitionOf(key: MetricKey): MetricDefinition {
  return METRICS[key];
}

const UNIT_SUFFIX: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

/** The name on `/metrics`, by the rules by which collectors translate what they get over OTLP. */
export function prometheusName({ name, unit, kind }: MetricDefinition): string {
  const base = name.replaceAll(".", "_") + (UNIT_SUFFIX[unit] ?? "");
  return kind === "counter" ? `${base}_total` : base;
}

export function labelName(attribute: string): string {
  return attribute.replaceAll(".", "_");
}
