/** Every bound and wait of the Kafka client. Milliseconds and bytes. */
export interface KafkaLimits {
  /** An answer that takes longer closes the connection: what was in flight is then unknown. */
  readonly requestTimeoutMs: number;
  /**
   * The same for a request that a broker need not wait for anything with: a broker that is silent for so
   * long is taken for dead. A third of `requestTimeoutMs` by default; a fetch has its own wait beside.
   */
  readonly answerTimeoutMs: number;
  /** Kafka's `connections.max.idle.ms`: below that of brokers, which is 10 min. */
  readonly connectionsMaxIdleMs: number;
  /** Kafka's `socket.connection.setup.timeout.ms`. */
  readonly connectTimeoutMs: number;
  /** A larger answer is refused; above `fetchBytesMax` plus one oversized batch. */
  readonly responseBytesMax: number;
  /** First and last wait between attempts; they double, with jitter. */
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  /** First wait for a transaction that is pending on committed offsets: most end soon (KIP-447). */
  readonly unstableOffsetsBackoffMs: number;
  /** Whether a transaction has been completed is asked for no longer than this after its end. */
  readonly completionAskedMs: number;
  /** How long the next one waits for that, at most: then the brokers' own way is as good. */
  readonly completionWaitMaxMs: number;
  /** Metadata older than this is asked for again, so that new partitions are seen. */
  readonly metadataMaxAgeMs: number;
  /** How long a broker holds a fetch that has nothing to return. */
  readonly fetchWaitMaxMs: number;
  /** The same for a second fetch beside one that is held: what became ready since joins it soon. */
  readonly fetchWaitShortMs: number;
  /** A broker answers as soon as it has this much. */
  readonly fetchBytesMin: number;
  /**
   * Bytes of one fetch answer; one batch is returned whatever its size (KIP-74). Small, because a
   * chunk keeps the whole answer alive; larger ones were not faster.
   */
  readonly fetchBytesMax: number;
  /** A topic that brokers deny for longer does not exist; a new one takes a while to be known. */
  readonly topicMissingMaxMs: number;
  /** Bytes of one partition in one fetch answer: bounds a chunk, but for an oversized batch. */
  readonly partitionFetchBytesMax: number;
}

export const DEFAULT_KAFKA_LIMITS: KafkaLimits = {
  requestTimeoutMs: 30_000,
  answerTimeoutMs: 10_000,
  connectionsMaxIdleMs: 540_000,
  connectTimeoutMs: 10_000,
  responseBytesMax: 128 * 1024 * 1024,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1_000,
  unstableOffsetsBackoffMs: 20,
  completionAskedMs: 50,
  completionWaitMaxMs: 100,
  metadataMaxAgeMs: 300_000,
  fetchWaitMaxMs: 500,
  fetchWaitShortMs: 50,
  topicMissingMaxMs: 30_000,
  fetchBytesMin: 1,
  fetchBytesMax: 4 * 1024 * 1024,
  partitionFetchBytesMax: 1024 * 1024,
};
