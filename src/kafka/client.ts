import type { SecuritySettings } from "../config/security.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Admin } from "../ports/admin.ts";
import type { Consumer, ConsumerListener, Group, Offsets } from "../ports/consumer.ts";
import type { Inspector } from "../ports/inspector.ts";
import type { Log } from "../ports/log.ts";
import type { TransactionalProducer } from "../ports/producer.ts";
import { createAdmin } from "./admin/admin.ts";
import type { CodecName } from "./codecs/codec.ts";
import { loadCodec } from "./codecs/codecs.ts";
import { createConsumer } from "./fetch/consumer.ts";
import { createOffsets } from "./fetch/offsets.ts";
import { createGroup } from "./group/group.ts";
import { createInspector } from "./inspect/inspector.ts";
import type { KafkaLimits } from "./limits.ts";
import { Cluster } from "./network/cluster.ts";
import type { BrokerAddress } from "./network/socket.ts";
import { createProducer } from "./produce/transactional-producer.ts";
import { createSecurity, PLAINTEXT } from "./security/security.ts";

export interface KafkaOptions {
  /** `host:port` each. */
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly groupId: string;
  readonly transactionTimeoutMs: number;
  /** Of everything that is written; none by default. */
  readonly compression?: CodecName;
  /** Plain text by default. */
  readonly security?: SecuritySettings;
  readonly limits: Partial<KafkaLimits>;
  readonly log: Log;
  /** How long to wait for a first broker to answer. Default: a minute. */
  readonly connectWaitMs?: number;
  /** Told of every request of a producer that is repeated, and why. */
  readonly onProducerRetry?: (error: OutriggerError) => void;
}

/** Everything that the sidecar needs of Kafka, over one set of connections. */
export interface Kafka {
  consumer(listener: ConsumerListener): Consumer;
  readonly offsets: Offsets;
  readonly group: Group;
  producer(transactionalId: string): TransactionalProducer;
  readonly admin: Admin;
  readonly inspector: Inspector;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 60_000;

/**
 * Rejects with BROKER_UNAVAILABLE when no broker answers in time, with TLS_FAILED or
 * AUTHENTICATION_FAILED when one does not take us, or we it; with COMPRESSION_UNSUPPORTED when this
 * platform lacks the codec for writing.
 */
export async function connectKafka(options: KafkaOptions): Promise<Kafka> {
  const { compression = "none" } = options;
  if (compression !== "none") await loadCodec(compression);
  const security =
    options.security === undefined ? PLAINTEXT : createSecurity(options.security, options.log);
  const cluster = await Cluster.connect(
    {
      bootstrapServers: options.bootstrapServers.map(parseAddress),
      clientId: options.clientId,
      security,
      limits: options.limits,
    },
    AbortSignal.timeout(options.connectWaitMs ?? CONNECT_TIMEOUT_MS),
  );
  const { groupId, transactionTimeoutMs, log } = options;
  const { onProducerRetry } = options;
  const admin = createAdmin(cluster);
  const consumers: Consumer[] = [];
  return {
    consumer: (listener) => {
      const consumer = createConsumer(cluster, {}, listener);
      consumers.push(consumer);
      return consumer;
    },
    offsets: createOffsets(cluster, groupId),
    group: createGroup(cluster, groupId),
    producer: (transactionalId) =>
      createProducer(cluster, {
        transactionalId,
        groupId,
        transactionTimeoutMs,
        compression,
        log,
        ...(onProducerRetry === undefined ? {} : { onRetry: onProducerRetry }),
      }),
    admin,
    inspector: createInspector(cluster),
    close: async () => {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await cluster.close();
    },
  };
}

/** `host:port`, the host in brackets where it is an IPv6 address. */
function parseAddress(text: string): BrokerAddress {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    const said = `bootstrap.servers names "${text}"; it is host:port, for instance localhost:9092`;
    throw new OutriggerError("CONFIG_INVALID", said);
  }
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port };
}
