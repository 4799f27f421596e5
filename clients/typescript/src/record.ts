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

/** What the records of one partition in one batch share. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: bigint;
  /** Offset minus `baseOffset` of each row; empty when consecutive. */
  readonly offsetDeltas: readonly number[];
  readonly applicationId: string;
}

/** A record that works its place out only when asked: most handlers never do. */
export class StreamRecord implements ProcessedRecord<unknown, unknown> {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestamp: number;
  readonly headers: readonly Header[];
  readonly #origin: Origin;
  readonly #index: number;

  constructor(
    key: unknown,
    value: unknown,
    timestamp: number,
    headers: readonly Header[],
    origin: Origin,
    index: number,
  ) {
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers;
    this.#origin = origin;
    this.#index = index;
  }

  get topic(): string {
    return this.#origin.topic;
  }

  get partition(): number {
    return this.#origin.partition;
  }

  get offset(): bigint {
    const { baseOffset, offsetDeltas } = this.#origin;
    const delta = offsetDeltas.length === 0 ? this.#index : (offsetDeltas[this.#index] ?? 0);
    return baseOffset + BigInt(delta);
  }

  get idempotencyKey(): string {
    return `${this.#origin.applicationId}/${this.topic}-${this.partition}@${this.offset}`;
  }

  /** What this record becomes when it is forwarded. */
  followedBy(next: ForwardedRecord<unknown, unknown>): StreamRecord {
    const { key, value, timestamp = this.timestamp, headers = this.headers } = next;
    return new StreamRecord(key, value, timestamp, headers, this.#origin, this.#index);
  }

  /** The same where the rest stays. */
  with(key: unknown, value: unknown): StreamRecord {
    const { timestamp, headers } = this;
    return new StreamRecord(key, value, timestamp, headers, this.#origin, this.#index);
  }
}
