import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { DEFAULT_KAFKA_LIMITS, type KafkaLimits } from "../limits.ts";
import type { Api } from "../protocol/api-versions.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import {
  type CoordinatorKind,
  FIND_COORDINATOR,
  findCoordinatorRequest,
} from "../protocol/find-coordinator.ts";
import {
  type BrokerNode,
  METADATA,
  type MetadataAnswer,
  metadataRequest,
} from "../protocol/metadata.ts";
import { PLAINTEXT, type Security } from "../security/security.ts";
import { type BrokerConnection, BrokerConnections, type Purpose } from "./broker-connections.ts";
import type { WireRequest } from "./connection.ts";
import { type Leader, MetadataCache, type TopicMetadata } from "./metadata-cache.ts";
import { retrying } from "./retry.ts";
import type { BrokerAddress, SocketFactory } from "./socket.ts";

export interface ClusterOptions {
  /** At least one; only the first that answers is used. */
  readonly bootstrapServers: readonly BrokerAddress[];
  readonly clientId: string;
  /** Told to brokers (KIP-511). */
  readonly clientVersion?: string;
  readonly limits?: Partial<KafkaLimits>;
  /** Plain text by default. */
  readonly security?: Security;
  readonly openSocket?: SocketFactory;
}

/**
 * The cluster as this client knows it: brokers, leaders, coordinators, and the connections to them.
 * What it knows may be outdated; whoever is told so by a broker invalidates it and asks again.
 */
export class Cluster {
  readonly limits: KafkaLimits;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #connections: BrokerConnections;
  readonly #cache = new MetadataCache();
  readonly #coordinators = new Map<string, Promise<number>>();
  readonly #closing = new AbortController();
  /** Brokers that did not answer what any of them can. */
  readonly #failedAtMs = new Map<number, number>();
  #features: ReadonlyMap<string, number> = new Map();
  readonly #onLost = new Set<() => void>();
  #connectionsLost = 0;
  #timer: NodeJS.Timeout | null = null;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  /** The refresh under way, and the one that starts after it for whoever came since. */
  #refreshing: Promise<void> | null = null;
  #queued: { readonly names: Set<string>; readonly done: Promise<void> } | null = null;

  private constructor(options: ClusterOptions) {
    const given = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
    const answerTimeoutMs = options.limits?.answerTimeoutMs ?? given.requestTimeoutMs / 3;
    this.limits = { ...given, answerTimeoutMs };
    this.#bootstrap = options.bootstrapServers;
    this.#connections = new BrokerConnections({
      clientId: options.clientId,
      clientVersion: options.clientVersion ?? "0",
      limits: this.limits,
      security: options.security ?? PLAINTEXT,
      onLost: () => {
        this.#connectionsLost += 1;
        for (const listener of this.#onLost) listener();
      },
      ...(options.openSocket === undefined ? {} : { openSocket: options.openSocket }),
    });
  }

  /** Resolves when a broker has described the cluster; tries on until `signal` aborts. */
  static async connect(options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await retrying(cluster.limits, signal, () => cluster.refresh([]));
      cluster.#keepFresh();
    } catch (thrown) {
      await cluster.close();
      throw thrown;
    }
    return cluster;
  }

  /** Features that the cluster has finalized, `transaction.version` among them (KIP-584). */
  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }

  /** Aborts when the cluster is closed; what waits on behalf of the client should end then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** How many connections have ended so far, for whatever reason: a broker may have died with each. */
  get connectionsLost(): number {
    return this.#connectionsLost;
  }

  /** Calls at each connection that ends; what is returned ends that. */
  whenConnectionLost(listener: () => void): () => void {
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** The brokers that are known. */
  nodes(): readonly BrokerNode[] {
    return this.#cache.brokers();
  }

  /** Topics as they are now, null for all, with what this client may do; nothing is cached. */
  describe(names: readonly string[] | null): Promise<MetadataAnswer> {
    return this.#withAnyBroker(({ connection, versions }) =>
      connection.send(metadataRequest(versions.pick(METADATA), names, true), this.#otherTimeoutMs),
    );
  }

  /** Rejects with BROKER_UNAVAILABLE or REQUEST_TIMED_OUT, which are retriable. */
  connection(brokerId: number, purpose: Purpose): Promise<BrokerConnection> {
    const node = this.#cache.broker(brokerId);
    if (node !== null) return this.#connections.get(node, purpose);
    const message = `broker ${brokerId} is not part of the cluster's metadata`;
    return Promise.reject(new OutriggerError("BROKER_UNAVAILABLE", message));
  }

  /** Opens connections meanwhile, for first requests that would wait for them; null is no broker. */
  dial(leaders: readonly (Leader | null)[], purpose: Purpose): void {
    for (const leader of leaders) {
      // Whoever sends the request meets the reason.
      if (leader !== null) this.connection(leader.brokerId, purpose).catch(() => {});
    }
  }

  /**
   * Sends one request in the newest version that both sides speak. Without an answer in `timeoutMs`
   * the broker is taken for dead.
   */
  async send<T>(
    brokerId: number,
    purpose: Purpose,
    api: Api,
    request: (version: number) => WireRequest<T>,
    timeoutMs: number = this.limits.answerTimeoutMs,
  ): Promise<T> {
    const { connection, versions } = await this.connection(brokerId, purpose);
    return connection.send(request(versions.pick(api)), timeoutMs);
  }

  /** What is cached, perhaps nothing; never waits. */
  knownTopic(name: string): TopicMetadata | null {
    return this.#cache.topic(name);
  }

  /** The cached id of a topic; null when it is not known. */
  knownTopicId(name: string): string | null {
    return this.#cache.topicId(name);
  }

  /** As far as cached metadata says; null when the topic is not known. */
  partitionCount(name: string): number | null {
    return this.#cache.partitionCount(name);
  }

  /** The broker's code when it last failed to describe this topic, else NONE. */
  topicError(name: string): number {
    return this.#cache.topicError(name);
  }

  /** Null when unknown, without a leader, or invalidated; never waits. */
  knownLeader(topic: string, partition: number): Leader | null {
    return this.#cache.leader(topic, partition);
  }

  /**
   * The topics, asked for where they are not known or older than `metadataMaxAgeMs`. One that does
   * not exist is left out. Throws AUTHORIZATION_FAILED for one that may not be described.
   */
  async topics(
    names: readonly string[],
    signal: AbortSignal = this.closing,
  ): Promise<ReadonlyMap<string, TopicMetadata>> {
    const outdated = performance.now() - this.#refreshedAtMs > this.limits.metadataMaxAgeMs;
    const unknown = outdated ? names : names.filter((name) => this.#cache.topic(name) === null);
    if (unknown.length > 0) await retrying(this.limits, signal, () => this.refresh(unknown));
    const found = new Map<string, TopicMetadata>();
    for (const name of names) {
      const topic = this.#cache.topic(name);
      if (topic !== null) found.set(name, topic);
      else this.#refuseDenied(name);
    }
    return found;
  }

  /** Asks until the partition has a leader. Throws AUTHORIZATION_FAILED, or what `signal` ended. */
  leader(topic: string, partition: number, signal: AbortSignal = this.closing): Promise<Leader> {
    return retrying(this.limits, signal, async () => {
      const known = this.#cache.leader(topic, partition);
      if (known !== null) return known;
      await this.refresh([topic]);
      this.#refuseDenied(topic);
      const found = this.#cache.leader(topic, partition);
      if (found !== null) return found;
      throw new OutriggerError("BROKER_UNAVAILABLE", `${topic}-${partition} has no leader yet`);
    });
  }

  /** The leader said that it is not: the next `leader` asks again. */
  invalidateLeader(topic: string, partition: number): void {
    this.#cache.invalidateLeader(topic, partition);
  }

  /**
   * The same, where the broker may have said who leads now (KIP-951): then nobody need be asked, and
   * the answer is true.
   */
  movedLeader(
    { topic, partition }: TopicPartition,
    hint: Leader | null,
    endpoints: readonly BrokerNode[],
  ): boolean {
    for (const node of endpoints) this.#cache.addBroker(node);
    if (hint !== null && this.#cache.learnLeader(topic, partition, hint)) return true;
    this.#cache.invalidateLeader(topic, partition);
    return false;
  }

  /** The id of the broker that coordinates a group or transactional id; asks until there is one. */
  coordinator(
    kind: CoordinatorKind,
    key: string,
    signal: AbortSignal = this.closing,
  ): Promise<number> {
    const name = `${kind}/${key}`;
    return retrying(this.limits, signal, () => {
      const known = this.#coordinators.get(name);
      if (known !== undefined) return known;
      const finding = this.#findCoordinator(kind, key);
      this.#coordinators.set(name, finding);
      finding.catch(() => this.#forgetCoordinator(name, finding));
      return finding;
    });
  }

  /** The coordinator denied being it, or cannot be reached: the next `coordinator` asks again. */
  invalidateCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}/${key}`);
  }

  /**
   * Asks for these topics, and for every one known. Calls made while an answer is awaited share one
   * more request, sent after it: an answer under way may be older than the reason to ask.
   */
  refresh(names: readonly string[]): Promise<void> {
    if (this.#queued !== null) {
      for (const name of names) this.#queued.names.add(name);
      return this.#queued.done;
    }
    const wanted = new Set(names);
    const start = (): Promise<void> => {
      this.#queued = null;
      const refreshing = this.#refreshNow(wanted).finally(() => {
        if (this.#refreshing === refreshing) this.#refreshing = null;
      });
      this.#refreshing = refreshing;
      return refreshing;
    };
    if (this.#refreshing === null) return start();
    const done = this.#refreshing.then(start, start);
    this.#queued = { names: wanted, done };
    return done;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#closing.abort(new OutriggerError("BROKER_UNAVAILABLE", "the Kafka client was closed"));
    this.#connections.close();
  }

  /** Leaders that move are found out by those who meet them; partitions that are new, only so. */
  #keepFresh(): void {
    this.#timer = setTimeout(() => {
      const isRecent = performance.now() - this.#refreshedAtMs < this.limits.metadataMaxAgeMs / 2;
      const refreshed = isRecent ? Promise.resolve() : this.refresh([]);
      const again = (): void => {
        if (!this.closing.aborted) this.#keepFresh();
      };
      // Whatever it was, whoever needs the answer meets it, too.
      refreshed.then(again, again);
    }, this.limits.metadataMaxAgeMs);
  }

  async #refreshNow(names: ReadonlySet<string>): Promise<void> {
    const wanted = [...new Set([...names, ...this.#cache.names()])];
    await this.#withAnyBroker(async ({ connection, versions }) => {
      const request = metadataRequest(versions.pick(METADATA), wanted);
      this.#cache.update(await connection.send(request, this.#otherTimeoutMs));
      this.#features = versions.features;
      this.#refreshedAtMs = performance.now();
    });
  }

  async #findCoordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const answers = await this.#withAnyBroker(({ connection, versions }) =>
      connection.send(
        findCoordinatorRequest(versions.pick(FIND_COORDINATOR), kind, key),
        this.#otherTimeoutMs,
      ),
    );
    const answer = answers[0];
    const error = answer?.error ?? ERROR.COORDINATOR_NOT_AVAILABLE;
    const what = `the coordinator of ${kind} ${key}`;
    switch (error) {
      case ERROR.NONE:
        break;
      case ERROR.COORDINATOR_NOT_AVAILABLE:
      case ERROR.COORDINATOR_LOAD_IN_PROGRESS:
      case ERROR.NOT_COORDINATOR:
      case ERROR.UNKNOWN_SERVER_ERROR:
        // The coordinators' internal topic may just be created, or be moving.
        throw new OutriggerError("BROKER_UNAVAILABLE", `${what}: ${errorName(error)}`);
      case ERROR.GROUP_AUTHORIZATION_FAILED:
      case ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        throw new OutriggerError(
          "AUTHORIZATION_FAILED",
          `${what} may not be asked for: ${errorName(error)}; grant DESCRIBE on it`,
        );
      default:
        throw new OutriggerError(
          "BROKER_REFUSED",
          `${what} cannot be had: ${errorName(error)}; see the brokers' logs`,
        );
    }
    if (answer !== undefined) this.#cache.addBroker(answer);
    return answer?.id ?? -1;
  }

  #forgetCoordinator(name: string, finding: Promise<number>): void {
    if (this.#coordinators.get(name) === finding) this.#coordinators.delete(name);
  }

  /** What any broker can answer is soon asked of another one. */
  get #otherTimeoutMs(): number {
    return this.limits.answerTimeoutMs / 2;
  }

  /**
   * Any known broker, in random order, but those that failed last come last; when none can be
   * reached, the bootstrap ones (KIP-899).
   */
  async #withAnyBroker<T>(use: (broker: BrokerConnection) => Promise<T>): Promise<T> {
    let failure: unknown = null;
    const failed = ({ id }: BrokerNode) => this.#failedAtMs.get(id) ?? 0;
    const order = shuffled(this.#cache.brokers()).sort((a, b) => failed(a) - failed(b));
    for (const node of order) {
      try {
        const answer = await use(await this.#connections.get(node, "general"));
        this.#failedAtMs.delete(node.id);
        return answer;
      } catch (thrown) {
        failure = this.#rethrowUnlessUnreachable(thrown);
        this.#failedAtMs.set(node.id, performance.now());
      }
    }
    for (const address of this.#bootstrap) {
      // One that is known was asked just now, and is dialled still.
      const isKnown = order.some(
        ({ host, port }) => host === address.host && port === address.port,
      );
      if (isKnown && this.#connections.isSilent(address)) continue;
      try {
        const broker = await this.#connections.dial(address, -1);
        return await use(broker).finally(() => broker.connection.close());
      } catch (thrown) {
        failure = this.#rethrowUnlessUnreachable(thrown);
      }
    }
    throw (
      failure ?? new OutriggerError("CONFIG_INVALID", "bootstrap.servers is empty: name a broker")
    );
  }

  #rethrowUnlessUnreachable(thrown: unknown): OutriggerError {
    const isUnreachable = thrown instanceof OutriggerError && thrown.recovery === "retry";
    if (!isUnreachable || this.closing.aborted) throw thrown;
    return thrown;
  }

  #refuseDenied(topic: string): void {
    if (this.#cache.topicError(topic) !== ERROR.TOPIC_AUTHORIZATION_FAILED) return;
    throw new OutriggerError(
      "AUTHORIZATION_FAILED",
      `topic ${topic} may not be described; grant DESCRIBE on it`,
    );
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, at: Math.random() }));
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
}
