import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import type { Scheduler } from "./scheduler.ts";

/** A member as the coordinator has it (KIP-848). Partitions by `topic-partition`. */
interface Member {
  readonly id: string;
  epoch: number;
  previousEpoch: number;
  topics: readonly string[];
  state: "stable" | "unrevoked" | "unreleased";
  assigned: Set<string>;
  /** Taken away, and not yet reported as let go. */
  revoking: Set<string>;
  /** When each partition came to it: for KIP-1251. */
  readonly since: Map<string, number>;
  rebalanceTimeoutMs: number;
  heartbeatAtMs: number;
  revokingSinceMs: number;
}

export interface GroupHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly rebalanceTimeoutMs: number;
  readonly topics: readonly string[] | null;
  /** `topic-partition` names; null when unchanged. */
  readonly owned: readonly string[] | null;
}

export interface GroupHeartbeatAnswer {
  readonly error: number;
  readonly memberEpoch: number;
  readonly assignment: readonly string[] | null;
}

export interface GroupOptions {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** From 4.4 on TxnOffsetCommit takes an older epoch since which the partition is held. */
  readonly kip1251: boolean;
  /** Assignments are computed so far apart; changes in between share one. */
  readonly assignmentIntervalMs: number;
  readonly partitionsOf: (topic: string) => number;
}

/** A committed offset; `fromTransaction` names the one that wrote it. */
export interface StoredOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** One consumer group: members, their reconciliation, and the offsets, pending and committed. */
export class ConsumerGroup {
  readonly members = new Map<string, Member>();
  readonly committed = new Map<string, StoredOffset>();
  /** By partition, by producer id: what an open transaction will commit. */
  readonly pending = new Map<string, Map<bigint, StoredOffset>>();
  epoch = 0;
  /** The epoch that the assignment was computed for; members move to this one. */
  #targetEpoch = 0;
  #assignedAtMs = Number.NEGATIVE_INFINITY;
  #target = new Map<string, Set<string>>();
  /** Rotates the assignment: what an assignor that changes its mind does. */
  #turn = 0;
  readonly #scheduler: Scheduler;
  readonly #options: GroupOptions;

  constructor(scheduler: Scheduler, options: GroupOptions) {
    this.#scheduler = scheduler;
    this.#options = options;
  }

  heartbeat(request: GroupHeartbeat): GroupHeartbeatAnswer {
    this.expire();
    const { memberId, memberEpoch, owned, topics } = request;
    if (memberEpoch === -1) {
      if (!this.members.has(memberId)) return refused(ERROR.UNKNOWN_MEMBER_ID);
      this.remove(memberId);
      return { error: ERROR.NONE, memberEpoch: -1, assignment: null };
    }
    let member = this.members.get(memberId);
    if (member === undefined) {
      if (memberEpoch > 0) return refused(ERROR.UNKNOWN_MEMBER_ID);
      member = this.#join(request);
    } else if (!isEpochValid(member, request)) {
      return refused(ERROR.FENCED_MEMBER_EPOCH);
    }
    if (topics !== null && topics.join() !== member.topics.join()) {
      member.topics = topics;
      this.#rebalance();
    }
    if (request.rebalanceTimeoutMs >= 0) member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    member.heartbeatAtMs = this.#scheduler.nowMs();
    this.#assign();
    const before = [...member.assigned].sort().join();
    this.#reconcile(member, owned);
    const isFull = topics !== null && owned !== null && request.rebalanceTimeoutMs >= 0;
    const changed = before !== [...member.assigned].sort().join();
    return {
      error: ERROR.NONE,
      memberEpoch: member.epoch,
      assignment: memberEpoch === 0 || isFull || changed ? [...member.assigned] : null,
    };
  }

  /** What the coordinator does by itself: members that are silent, or let nothing go, are out. */
  expire(): void {
    const nowMs = this.#scheduler.nowMs();
    for (const member of [...this.members.values()]) {
      const silent = nowMs - member.heartbeatAtMs >= this.#options.sessionTimeoutMs;
      const holds = member.state === "unrevoked";
      const tooLong = holds && nowMs - member.revokingSinceMs >= member.rebalanceTimeoutMs;
      if (silent || tooLong) this.remove(member.id);
    }
  }

  remove(memberId: string): void {
    if (this.members.delete(memberId)) this.#rebalance();
  }

  /** Every partition moves on to the next member. */
  rotate(): void {
    this.#turn += 1;
    this.#rebalance();
  }

  /** The epoch moves and no partition does. */
  bump(): void {
    this.#rebalance();
  }

  /** Whether this member may commit for the partition; an error code. */
  validate(memberId: string, memberEpoch: number, partition: string): number {
    // An empty member id is a consumer outside the group, and it may (KAFKA-18060).
    if (memberId === "" && memberEpoch < 0) return ERROR.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    if (memberEpoch === member.epoch) return ERROR.NONE;
    if (this.#options.kip1251 && memberEpoch < member.epoch) {
      const since = member.since.get(partition);
      if (since !== undefined && since <= memberEpoch) return ERROR.NONE;
    }
    return ERROR.ILLEGAL_GENERATION;
  }

  setPending(producerId: bigint, partition: string, offset: StoredOffset): void {
    const waiting = this.pending.get(partition) ?? new Map<bigint, StoredOffset>();
    waiting.set(producerId, offset);
    this.pending.set(partition, waiting);
  }

  /** The marker of the offsets' partition. Tells of each offset that becomes the committed one. */
  complete(
    producerId: bigint,
    outcome: "commit" | "abort",
    committed: (partition: string, offset: StoredOffset) => void,
  ): void {
    for (const [partition, waiting] of this.pending) {
      const offset = waiting.get(producerId);
      if (offset === undefined) continue;
      waiting.delete(producerId);
      if (waiting.size === 0) this.pending.delete(partition);
      if (outcome === "abort") continue;
      committed(partition, offset);
      this.committed.set(partition, offset);
    }
  }

  #join({ memberId, topics, rebalanceTimeoutMs }: GroupHeartbeat): Member {
    const member: Member = {
      id: memberId,
      epoch: 0,
      previousEpoch: -1,
      topics: topics ?? [],
      state: "stable",
      assigned: new Set(),
      revoking: new Set(),
      since: new Map(),
      rebalanceTimeoutMs,
      heartbeatAtMs: this.#scheduler.nowMs(),
      revokingSinceMs: 0,
    };
    this.members.set(memberId, member);
    this.#rebalance();
    return member;
  }

  #rebalance(): void {
    this.epoch += 1;
    this.#assign();
  }

  /** The server's range assignor, by member id. */
  #assign(): void {
    const nowMs = this.#scheduler.nowMs();
    const isSoon = nowMs - this.#assignedAtMs < this.#options.assignmentIntervalMs;
    if (this.epoch === this.#targetEpoch || isSoon) return;
    this.#targetEpoch = this.epoch;
    this.#assignedAtMs = nowMs;
    const ids = [...this.members.keys()].sort();
    const target = new Map(ids.map((id) => [id, new Set<string>()]));
    const topics = new Set([...this.members.values()].flatMap((member) => member.topics));
    for (const topic of topics) {
      const takers = ids.filter((id) => this.members.get(id)?.topics.includes(topic));
      const partitions = this.#options.partitionsOf(topic);
      for (let partition = 0; partition < partitions; partition++) {
        const at = Math.floor((partition * takers.length) / partitions) + this.#turn;
        target.get(takers[at % takers.length] ?? "")?.add(`${topic}-${partition}`);
      }
    }
    this.#target = target;
  }

  /** One step towards the target (CurrentAssignmentBuilder). */
  #reconcile(member: Member, owned: readonly string[] | null): void {
    if (member.state === "unrevoked") {
      const holds = owned === null || owned.some((partition) => member.revoking.has(partition));
      if (holds) return;
    } else if (member.state === "stable" && member.epoch === this.#targetEpoch) {
      return;
    }
    const target = this.#target.get(member.id) ?? new Set<string>();
    const kept = new Set([...member.assigned].filter((partition) => target.has(partition)));
    const gone = [...member.assigned].filter((partition) => !target.has(partition));
    const revoking = gone.filter((partition) => owned === null || owned.includes(partition));
    for (const partition of [...gone, ...member.revoking]) {
      if (!revoking.includes(partition)) member.since.delete(partition);
    }
    member.assigned = kept;
    member.revoking = new Set(revoking);
    if (revoking.length > 0) {
      if (member.state !== "unrevoked") member.revokingSinceMs = this.#scheduler.nowMs();
      member.state = "unrevoked";
      return;
    }
    this.#move(member, this.#targetEpoch);
    const wanted = [...target].filter((partition) => !kept.has(partition));
    const free = wanted.filter((partition) => this.#ownerOf(partition, member) === null);
    for (const partition of free) {
      member.assigned.add(partition);
      member.since.set(partition, member.epoch);
    }
    member.state = free.length < wanted.length ? "unreleased" : "stable";
  }

  #move(member: Member, epoch: number): void {
    if (member.epoch === epoch) return;
    member.previousEpoch = member.epoch;
    member.epoch = epoch;
  }

  #ownerOf(partition: string, except: Member): string | null {
    for (const member of this.members.values()) {
      if (member === except) continue;
      if (member.assigned.has(partition) || member.revoking.has(partition)) return member.id;
    }
    return null;
  }
}

/** An epoch behind by one answer is that of a member which did not get it (KIP-848). */
function isEpochValid(member: Member, { memberEpoch, owned }: GroupHeartbeat): boolean {
  if (memberEpoch === 0 || memberEpoch === member.epoch) return true;
  if (memberEpoch !== member.previousEpoch || owned === null) return false;
  return owned.every((partition) => member.assigned.has(partition));
}

function refused(error: number): GroupHeartbeatAnswer {
  return { error, memberEpoch: 0, assignment: null };
}
