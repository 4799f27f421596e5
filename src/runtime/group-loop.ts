import { OutriggerError } from "../errors/outrigger-error.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import type { Clock } from "../ports/clock.ts";
import type { Group, HeartbeatAnswer, Membership } from "../ports/consumer.ts";
import {
  type MembershipEffect,
  type MembershipEvent,
  type Membership as MembershipState,
  outside,
  stepMembership,
} from "../tasks/membership.ts";
import { isPartOfTask, isWhole, newTopics, type Subscription, subscribed } from "./sources.ts";

export interface GroupHost {
  readonly assigned: (partitions: readonly TopicPartition[]) => void;
  readonly revoked: (partitions: readonly TopicPartition[]) => void;
  /** A pattern matches other topics than before, these among them; nothing else is said of them. */
  readonly topicsChanged: (found: readonly string[]) => void;
  /** Partitions of one task are at several members, and stay there. */
  readonly tornApart: () => void;
  readonly lost: (partitions: readonly TopicPartition[], error: OutriggerError) => void;
  readonly failed: (error: OutriggerError) => void;
  readonly unreachable: (error: OutriggerError) => void;
  /** The coordinator answers again. */
  readonly reachable: () => void;
}

export interface GroupLimits {
  /** How long the coordinator gives us to let a partition go. */
  readonly rebalanceTimeoutMs: number;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
/**
 * Assignments are made at intervals (group.consumer.assignment.interval.ms, a second): a member that
 * joins within one gets nothing, and would hear of its partitions a whole heartbeat interval later,
 * five seconds. So it asks often at first, and not for ever: there may be none for it.
 */
const FIRST_ASSIGNMENT_BEAT_MS = 100;
const FIRST_ASSIGNMENT_BEATS_MAX = 30;
/** How long a task waits for the rest of its partitions: brokers look for topics every ten seconds. */
const PARTS_WAIT_MS = 30_000;

/** Runs the membership machine: one heartbeat at a time, never waiting for the application. */
export class GroupLoop {
  readonly memberId: string;
  #membership: MembershipState = outside;
  #error: OutriggerError | null = null;
  #cancelTimer: (() => void) | null = null;
  #cancelParts: (() => void) | null = null;
  #retries = 0;
  #beatsWithoutAssignment = 0;
  #unreachable: { readonly sinceMs: number; readonly error: string } | null = null;
  #confirmWaiters: (() => void)[] = [];
  #leftWaiters: (() => void)[] = [];
  readonly #known = new Map<string, TopicPartition>();
  readonly #group: Group;
  readonly #subscription: Subscription;
  readonly #host: GroupHost;
  readonly #clock: Clock;
  readonly #limits: GroupLimits;

  constructor(
    group: Group,
    member: { readonly memberId: string; readonly subscription: Subscription },
    host: GroupHost,
    clock: Clock,
    limits: GroupLimits,
  ) {
    this.#group = group;
    this.memberId = member.memberId;
    this.#subscription = member.subscription;
    this.#host = host;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Who commits: the epoch adopted last. */
  get membership(): Membership {
    return { memberId: this.memberId, memberEpoch: this.#membership.memberEpoch };
  }

  get state(): MembershipState["state"] {
    return this.#membership.state;
  }

  /** Since when no coordinator answers, and what was last said; null while it does. */
  get unreachable(): { readonly sinceMs: number; readonly error: string } | null {
    return this.#unreachable;
  }

  join(): void {
    this.#beatsWithoutAssignment = 0;
    this.#step({ kind: "join" });
  }

  /** Resolves when a heartbeat sent after this call was answered. */
  async refresh(): Promise<void> {
    if (this.#membership.state === "outside") return;
    const confirmed = new Promise<void>((resolve) => this.#confirmWaiters.push(resolve));
    this.#step({ kind: "beat" });
    await confirmed;
  }

  /** Of a task that was let go whole: a part of it may be kept, and stays ours without a task. */
  released(at: TopicPartition): void {
    if (this.#keeps(at)) return;
    this.#step({ kind: "released", partition: topicPartitionName(at) });
  }

  async leave(): Promise<void> {
    const left = new Promise<void>((resolve) => this.#leftWaiters.push(resolve));
    this.#step({ kind: "leave" });
    await left;
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelParts?.();
    this.#membership = outside;
    wakeAll(this.#confirmWaiters);
    wakeAll(this.#leftWaiters);
  }

  #step(event: MembershipEvent): void {
    const { next, effects } = stepMembership(this.#membership, event);
    this.#membership = next;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: MembershipEffect): void {
    switch (effect.kind) {
      case "heartbeat":
        this.#heartbeat(effect);
        return;
      case "revoke":
        this.#revoked(this.#partitions(effect.partitions));
        return;
      case "assign":
        this.#assigned(this.#partitions(effect.partitions));
        return;
      case "lose":
        if (this.#error !== null) {
          this.#host.lost(this.#partitions(effect.partitions), this.#error);
        }
        return;
      case "confirmed":
        wakeAll(this.#confirmWaiters);
        return;
      case "left":
        this.#cancelTimer?.();
        wakeAll(this.#leftWaiters);
        return;
      case "fail":
        this.#host.failed(effect.error);
        return;
    }
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    const found = newTopics(this.#subscription, partitions);
    if (found.length > 0) this.#host.topicsChanged(found);
    else this.#assignWhole();
  }

  /**
   * The coordinator assigns each topic by itself. Partitions of a number go to one member where the
   * counts of their topics are equal and all members read the same; not so while two versions of the
   * application are in the group, and the assignor then keeps what it has. A topic that a pattern
   * has found is free, and assigned at once, while the other partitions of its task are still with
   * the member that lets them go. A task that began with a part would read it at the same time as
   * that member reads the rest, so it begins when it has all of them.
   */
  #assignWhole(): void {
    this.#cancelParts?.();
    this.#cancelParts = null;
    const kept = this.#partitions([...this.#membership.owned]).filter((at) => this.#keeps(at));
    const whole = kept.filter(isWhole(this.#subscription, (at) => this.#keeps(at)));
    if (whole.length > 0) this.#host.assigned(whole);
    if (whole.length < kept.length) this.#awaitParts();
  }

  /**
   * Who joins anew has no part that the assignor would keep: it gets what is left. And where brokers
   * know topics that we do not, or we some that are gone, both look again.
   */
  #awaitParts(): void {
    this.#cancelParts?.();
    this.#cancelParts = this.#clock.after(PARTS_WAIT_MS, () => {
      if (this.#subscription.pattern === undefined) this.#host.tornApart();
      else this.#host.topicsChanged([]);
    });
  }

  #revoked(partitions: readonly TopicPartition[]): void {
    const isPart = isPartOfTask(this.#subscription, (at) => this.#keeps(at));
    const torn = partitions.some(isPart);
    if (torn && this.#subscription.pattern !== undefined) {
      this.#host.topicsChanged([]);
      return;
    }
    if (torn) this.#awaitParts();
    this.#host.revoked(partitions);
  }

  #keeps(at: TopicPartition): boolean {
    const { owned, revoking } = this.#membership;
    const name = topicPartitionName(at);
    return owned.has(name) && !revoking.has(name);
  }

  #heartbeat(effect: MembershipEffect & { kind: "heartbeat" }): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const { full, memberEpoch, owned } = effect;
    const request = {
      memberId: this.memberId,
      memberEpoch,
      ...subscribed(this.#subscription, full),
      owned: owned === null ? null : this.#partitions(owned),
      rebalanceTimeoutMs: full ? this.#limits.rebalanceTimeoutMs : -1,
      // One member gets partition p of all topics of equal count, as a task needs.
      assignor: full ? "range" : null,
    };
    this.#group.heartbeat(request).then(
      (answer) => this.#answered(answer),
      (error: unknown) => {
        const text = "a heartbeat was rejected, which a group never does";
        this.#host.failed(new OutriggerError("BROKER_REFUSED", text, { cause: error }));
      },
    );
  }

  #answered(answer: HeartbeatAnswer): void {
    if (this.#membership.state === "outside") return;
    if (answer.kind === "member") {
      this.#retries = 0;
      if (this.#unreachable !== null) {
        this.#unreachable = null;
        this.#host.reachable();
      }
      for (const at of answer.assignment ?? []) this.#known.set(topicPartitionName(at), at);
      const assignment = answer.assignment?.map(topicPartitionName) ?? null;
      this.#step({ kind: "answered", answer: { ...answer, assignment } });
      this.#schedule(this.#nextBeatMs());
      return;
    }
    this.#error = answer.error;
    if (answer.kind === "retriable") {
      const sinceMs = this.#unreachable?.sinceMs ?? this.#clock.nowMs();
      this.#unreachable = { sinceMs, error: answer.error.message };
      this.#host.unreachable(answer.error);
    }
    this.#step({ kind: "answered", answer });
    const delayMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#retries);
    this.#retries += 1;
    this.#schedule(delayMs);
  }

  #nextBeatMs(): number {
    const { heartbeatIntervalMs, owned } = this.#membership;
    if (owned.size > 0) this.#beatsWithoutAssignment = FIRST_ASSIGNMENT_BEATS_MAX;
    if (this.#beatsWithoutAssignment >= FIRST_ASSIGNMENT_BEATS_MAX) return heartbeatIntervalMs;
    this.#beatsWithoutAssignment += 1;
    return Math.min(FIRST_ASSIGNMENT_BEAT_MS, heartbeatIntervalMs);
  }

  #schedule(ms: number): void {
    if (this.#membership.state === "outside" || this.#membership.inFlight) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(ms, () => this.#step({ kind: "beat" }));
  }

  #partitions(names: readonly string[]): TopicPartition[] {
    const found: TopicPartition[] = [];
    for (const name of names) {
      const at = this.#known.get(name);
      if (at !== undefined) found.push(at);
    }
    return found;
  }
}

/** Wakes those who wait now; who comes while they run waits for the next time. */
function wakeAll(waiters: (() => void)[]): void {
  for (const wake of waiters.splice(0)) wake();
}
