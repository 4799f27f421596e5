import type { ConfigKey } from "./schema.ts";

/**
 * Settings of Kafka's clients that exactly-once owns, and of Kafka Streams that have no meaning
 * here.
 */
const reasons: Readonly<Record<string, string>> = {
  "enable.auto.commit": "offsets are committed in the transaction of their outputs, never apart",
  "auto.commit.interval.ms":
    "offsets are committed in the transaction of their outputs: set commit.interval.ms",
  "isolation.level": "only committed records are read, or outputs of aborted work would be counted",
  "transactional.id": "the sidecar derives it from application.id and process.id, to fence zombies",
  "transaction.two.phase.commit.enable": "the sidecar commits with the brokers alone",
  acks: "every write waits for all in-sync replicas, or a committed result could be lost",
  "enable.idempotence": "it is always on: transactions stand on it",
  retries: "writes are retried until the transaction's deadline",
  "max.in.flight.requests.per.connection": "the brokers remember five batches, so it is never more",
  "delivery.timeout.ms": "the deadline of a write is that of its transaction",
  "group.id": "the group is named by application.id",
  "group.protocol": "the sidecar uses the consumer protocol of KIP-848",
  "group.instance.id": "a restarted process takes its partitions back by process.id",
  "partition.assignment.strategy": "the brokers assign partitions (KIP-848)",
  "session.timeout.ms": "the brokers set it: group.consumer.session.timeout.ms",
  "heartbeat.interval.ms": "the brokers set it: group.consumer.heartbeat.interval.ms",
  "max.poll.interval.ms": "there is no poll loop to time out: see processing.timeout.ms",
  "max.poll.records": "see batch.max.records",
  "client.rack": "partitions are read from their leaders",
  "group.remote.assignor": "a task needs the partitions with its number: the assignor is range",
  "exclude.internal.topics": "only the topology's topics are read",
  "allow.auto.create.topics": "topics that a misspelt name would make are not made",
  "check.crcs": "checksums are always verified",
  "partitioner.class":
    "a record goes where Kafka's own clients put its key, or joins would miss it",
  "interceptor.classes": "the sidecar runs no code of others: see the application's handlers",
  "linger.ms": "what is written leaves with its commit: set commit.interval.ms",
  "batch.size": "what is written leaves with its commit: set commit.interval.ms",
  "max.block.ms": "writes are retried until the transaction's deadline",
  "key.serializer": "the sidecar moves bytes; serializers belong to the application",
  "value.serializer": "the sidecar moves bytes; serializers belong to the application",
  "key.deserializer": "the sidecar moves bytes; serializers belong to the application",
  "value.deserializer": "the sidecar moves bytes; serializers belong to the application",
  "default.key.serde": "the sidecar moves bytes; serdes belong to the application",
  "default.value.serde": "the sidecar moves bytes; serdes belong to the application",
  "num.stream.threads": "one process runs its tasks on one loop: start more sidecars instead",
  "statestore.cache.max.bytes": "there is no cache to size: see statestore.uncommitted.max.bytes",
  "ssl.truststore.password": "certificates in PEM have no password",
  "ssl.keystore.password": "a key in PEM has its own password: set ssl.key.password",
  "ssl.protocol": "TLS 1.3 and 1.2 are offered, the newest that the broker speaks is used",
  "ssl.enabled.protocols": "TLS 1.3 and 1.2 are offered, the newest that the broker speaks is used",
  "ssl.cipher.suites": "the ciphers are Node's defaults",
  "sasl.login.callback.handler.class": "there are no Java classes here: see sasl.mechanism",
  "sasl.client.callback.handler.class": "there are no Java classes here: see sasl.mechanism",
  "sasl.kerberos.service.name": "GSSAPI is not spoken: see sasl.mechanism",
  "buffered.records.per.partition": "the buffer is bounded in bytes: see input.buffer.max.bytes",
};

/** Kafka Streams' prefixes of client settings. */
const PREFIX = /^(main\.consumer|restore\.consumer|global\.consumer|consumer|producer|admin)\./;

/** Why a setting is refused; null when it is merely unknown. */
export function refusalOf(key: string): string | null {
  const bare = key.replace(PREFIX, "");
  return Object.hasOwn(reasons, bare) ? (reasons[bare] ?? null) : null;
}

/** Settings of Kafka's clients that are settings here, by the clients that have them. */
const CLIENT_KEYS: Readonly<Record<string, readonly ConfigKey[]>> = {
  consumer: [
    "auto.offset.reset",
    "client.id",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "max.partition.fetch.bytes",
    "request.timeout.ms",
  ],
  producer: ["client.id", "request.timeout.ms", "transaction.timeout.ms"],
  admin: ["client.id", "request.timeout.ms"],
};

/** `consumer.fetch.min.bytes` is `fetch.min.bytes`: Kafka Streams takes both. Others stay as they are. */
export function withoutPrefix(key: string): string {
  const prefix = PREFIX.exec(key)?.[0] ?? "";
  const bare = key.slice(prefix.length);
  const client = prefix.split(".").at(-2) ?? "";
  return CLIENT_KEYS[client]?.some((known) => known === bare) === true ? bare : key;
}
