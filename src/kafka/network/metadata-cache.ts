import { ERROR } from "../protocol/error-codes.ts";
import type { BrokerNode, MetadataAnswer, TopicAnswer } from "../protocol/metadata.ts";

/** Where a partition's leader is. */
export interface Leader {
  readonly brokerId: number;
  /** Grows with each election (KIP-320); -1 when unknown. */
  readonly epoch: number;
}

export interface TopicMetadata {
  readonly name: string;
  /** 32 hex digits. */
  readonly id: string;
  /** By partition; null while it has no leader. */
  readonly leaders: readonly (Leader | null)[];
}

interface CachedTopic {
  readonly id: string;
  /** By partition; `stale` once the leader itself denied being it. */
  readonly leaders: { leader: Leader | null; stale: boolean }[];
}

/** What the last metadata answers said. No IO. */
export class MetadataCache {
  readonly #brokers = new Map<number, BrokerNode>();
  readonly #topics = new Map<string, CachedTopic>();
  /** Why a topic that was asked for is not known: the broker's code. */
  readonly #errors = new Map<string, number>();

  broker(id: number): BrokerNode | null {
    return this.#brokers.get(id) ?? null;
  }

  brokers(): readonly BrokerNode[] {
    return [...this.#brokers.values()];
  }

  /** Learns of a broker from elsewhere: FindCoordinator may be ahead of Metadata. */
  addBroker(node: BrokerNode): void {
    if (!this.#brokers.has(node.id)) this.#brokers.set(node.id, node);
  }

  topic(name: string): TopicMetadata | null {
    const cached = this.#topics.get(name);
    if (cached === undefined) return null;
    const leaders = cached.leaders.map((each) => (each.stale ? null : each.leader));
    return { name, id: cached.id, leaders };
  }

  partitionCount(name: string): number | null {
    return this.#topics.get(name)?.leaders.length ?? null;
  }

  topicId(name: string): string | null {
    return this.#topics.get(name)?.id ?? null;
  }

  /** The broker's code for a topic that it did not describe; NONE when there was none. */
  topicError(name: string): number {
    return this.#errors.get(name) ?? ERROR.NONE;
  }

  /** Null when unknown, without a leader, or invalidated since. */
  leader(topic: string, partition: number): Leader | null {
    const cached = this.#topics.get(topic)?.leaders[partition];
    return cached === undefined || cached.stale ? null : cached.leader;
  }

  invalidateLeader(topic: string, partition: number): void {
    const cached = this.#topics.get(topic)?.leaders[partition];
    if (cached !== undefined) cached.stale = true;
  }

  /** Takes a leader of which another broker told (KIP-951); false unless it is news, and of use. */
  learnLeader(topic: string, partition: number, leader: Leader): boolean {
    const cached = this.#topics.get(topic)?.leaders[partition];
    if (cached === undefined || !this.#brokers.has(leader.brokerId)) return false;
    if (leader.epoch <= (cached.leader?.epoch ?? -1)) return false;
    cached.leader = leader;
    cached.stale = false;
    return true;
  }

  names(): readonly string[] {
    return [...new Set([...this.#topics.keys(), ...this.#errors.keys()])];
  }

  update(answer: MetadataAnswer): void {
    // An answer without brokers comes from one that has not caught up yet: it says nothing.
    if (answer.brokers.length > 0) {
      this.#brokers.clear();
      for (const node of answer.brokers) this.#brokers.set(node.id, node);
    }
    for (const topic of answer.topics) this.#updateTopic(topic);
  }

  #updateTopic(topic: TopicAnswer): void {
    if (topic.error !== ERROR.NONE && topic.partitions.length === 0) {
      this.#errors.set(topic.name, topic.error);
      this.#topics.delete(topic.name);
      return;
    }
    this.#errors.delete(topic.name);
    const known = this.#topics.get(topic.name);
    const leaders: CachedTopic["leaders"] = [];
    for (const each of topic.partitions) {
      const before = known?.id === topic.id ? known.leaders[each.partition] : undefined;
      // A broker that lags behind may still name the leader before; its epoch tells (KIP-320).
      const isOlder = (before?.leader?.epoch ?? -1) > each.leaderEpoch && each.leaderEpoch >= 0;
      const found = each.leader < 0 ? null : { brokerId: each.leader, epoch: each.leaderEpoch };
      leaders[each.partition] =
        before !== undefined && isOlder ? before : { leader: found, stale: false };
    }
    for (let i = 0; i < leaders.length; i++) leaders[i] ??= { leader: null, stale: false };
    this.#topics.set(topic.name, { id: topic.id, leaders });
  }
}
