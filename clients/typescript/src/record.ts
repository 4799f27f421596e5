/** A header; a null value is not an empty one. Duplicate keys and their order are kept. */
export interface Header {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** A record on its way through the topology. */
export interface ProcessedRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly headers: readonly Header[];
  /** Where the input record stands that caused this one. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /**
   * `<application.id>/<topic>-<partition>@<offset>`: the same on every attempt. Give it to whatever
   * you call outside Kafka: that happens at least once.
   */
  readonly idempotencyKey: string;
}

/** What `ctx.forward` takes: what is left out is the input record's. */
export interface ForwardedRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}
