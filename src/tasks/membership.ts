import { invariant } from "../errors/invariant.ts";
import type { OutriggerError } from "../errors/outrigger-error.ts";

/**
 * Membership of the consumer group (KIP-848), with ownership by R-6.
 *
 *   outside ──join──▶ joining ──answer──▶ member ──leave──▶ leaving ──answer──▶ outside
 *   joining, member ──lost──▶ joining (everything owned is dropped)
 *
 * A heartbeat answer is handled in one step: partitions that left are marked first, then the new
 * epoch is adopted. A revocation is acknowledged by a heartbeat that lists what is still owned, sent
 * only when the kernel has let go of every partition that left.
 */
export interface Membership {
  readonly state: "outside" | "joining" | "member" | "leaving";
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Partitions that the kernel works on, revoking ones included; by `topicPartitionName`. */
  readonly owned: ReadonlySet<string>;
  /** Owned, but taken away: no dispatch; acknowledged once released. */
  readonly revoking: ReadonlySet<string>;
  /** What the last full heartbeat said we own; null when it must be said again. */
  readonly reported: ReadonlySet<string> | null;
  /** Heartbeats since then. */
  readonly unreported: number;
  readonly inFlight: boolean;
  /** Somebody waits for a heartbeat sent after now: do not take the one in flight for it. */
  readonly again: boolean;
}

export const outside: Membership = {
  state: "outside",
  memberEpoch: 0,
  heartbeatIntervalMs: 1_000,
  owned: new Set(),
  revoking: new Set(),
  reported: null,
  unreported: 0,
  inFlight: false,
  again: false,
};

/**
 * At least every sixth heartbeat is a full one, which has the coordinator say the assignment. It says it
 * unasked only once, when it changes; and that answer is lost where an older heartbeat, of a connection
 * that is gone, was dealt with after a newer one. A partition would then have no owner for ever.
 */
const REPORT_EACH = 6;

export type MembershipEvent =
  | { readonly kind: "join" }
  | { readonly kind: "leave" }
  /** The heartbeat interval has passed, or somebody asks for a heartbeat now. */
  | { readonly kind: "beat" }
  | {
      readonly kind: "answered";
      readonly answer:
        | {
            readonly kind: "member";
            readonly memberEpoch: number;
            readonly heartbeatIntervalMs: number;
            readonly assignment: readonly string[] | null;
          }
        | { readonly kind: "lost" | "retriable" | "fatal"; readonly error: OutriggerError };
    }
  /** The kernel holds nothing of this revoked partition any more: no open cut, nothing staged. */
  | { readonly kind: "released"; readonly partition: string };

export type MembershipEffect =
  | {
      readonly kind: "heartbeat";
      readonly memberEpoch: number;
      /** Say topics and settings too. */
      readonly full: boolean;
      readonly owned: readonly string[] | null;
    }
  /** Mark first: nothing of these is dispatched from now on; what is staged may still be cut. */
  | { readonly kind: "revoke"; readonly partitions: readonly string[] }
  | { readonly kind: "assign"; readonly partitions: readonly string[] }
  /** The membership is gone: drop these at once, abort their open cut. */
  | { readonly kind: "lose"; readonly partitions: readonly string[] }
  /** A heartbeat sent after the last request for one was answered. */
  | { readonly kind: "confirmed" }
  | { readonly kind: "left" }
  | { readonly kind: "fail"; readonly error: OutriggerError };

export interface MembershipStep {
  readonly next: Membership;
  readonly effects: readonly MembershipEffect[];
}

export function stepMembership(current: Membership, event: MembershipEvent): MembershipStep {
  switch (event.kind) {
    case "join":
      invariant(current.state === "outside", `cannot join while ${current.state}`);
      return beat({ ...outside, state: "joining", inFlight: current.inFlight });
    case "leave":
      return leave(current);
    case "beat":
      if (current.state === "outside") return { next: current, effects: [] };
      return current.inFlight ? { next: { ...current, again: true }, effects: [] } : beat(current);
    case "answered":
      return answered({ ...current, inFlight: false }, event.answer);
    case "released":
      return released(current, event.partition);
  }
}

/** Sends a heartbeat; says what is owned whenever that differs from what was said last. */
function beat(current: Membership): MembershipStep {
  const next: Membership = { ...current, inFlight: true, again: false };
  if (current.state === "leaving") {
    return {
      next,
      effects: [{ kind: "heartbeat", memberEpoch: -1, full: false, owned: null }],
    };
  }
  const joining = current.state === "joining";
  // What is being revoked is still owned, and listed: only its absence acknowledges.
  const isDue = current.unreported + 1 >= REPORT_EACH;
  const report = isDue || current.reported === null || !sameSet(current.reported, current.owned);
  return {
    next: report
      ? { ...next, reported: current.owned, unreported: 0 }
      : { ...next, unreported: current.unreported + 1 },
    effects: [
      {
        kind: "heartbeat",
        memberEpoch: current.memberEpoch,
        full: joining || report,
        owned: report ? [...current.owned] : null,
      },
    ],
  };
}

function answered(
  current: Membership,
  answer: (MembershipEvent & { kind: "answered" })["answer"],
): MembershipStep {
  if (current.state === "outside") return { next: current, effects: [] };
  if (current.state === "leaving") return answeredLeave(current, answer.kind);
  switch (answer.kind) {
    case "member":
      return adopted(current, answer);
    case "lost": {
      const lost = [...current.owned];
      const rejoin = beat({ ...outside, state: "joining" });
      // Whoever waits for an answer has one: nothing is held.
      return {
        next: rejoin.next,
        effects: [{ kind: "lose", partitions: lost }, { kind: "confirmed" }, ...rejoin.effects],
      };
    }
    // The request may not have arrived, so what it reported must be said again.
    case "retriable":
      return { next: { ...current, reported: null }, effects: [] };
    case "fatal":
      return { next: current, effects: [{ kind: "fail", error: answer.error }] };
  }
}

function adopted(
  current: Membership,
  answer: {
    readonly memberEpoch: number;
    readonly heartbeatIntervalMs: number;
    readonly assignment: readonly string[] | null;
  },
): MembershipStep {
  const effects: MembershipEffect[] = [];
  const target = answer.assignment === null ? null : new Set(answer.assignment);
  const revoking = new Set(current.revoking);
  const owned = new Set(current.owned);
  if (target !== null) {
    const gone = [...owned].filter((name) => !target.has(name) && !revoking.has(name));
    const added = [...target].filter((name) => !owned.has(name));
    // A partition that is being revoked and comes back is let go first: its acknowledgement frees
    // it, and the coordinator then assigns it anew.
    for (const name of gone) revoking.add(name);
    for (const name of added) owned.add(name);
    if (gone.length > 0) effects.push({ kind: "revoke", partitions: gone });
    if (added.length > 0) effects.push({ kind: "assign", partitions: added });
  }
  const next: Membership = {
    ...current,
    state: "member",
    memberEpoch: answer.memberEpoch,
    heartbeatIntervalMs: answer.heartbeatIntervalMs,
    owned,
    revoking,
  };
  if (!current.again) effects.push({ kind: "confirmed" });
  // Say at once that an assignment was taken: the coordinator waits for it to finish a rebalance.
  if (!current.again && (sameSet(current.reported ?? new Set(), owned) || revoking.size > 0)) {
    return { next, effects };
  }
  const more = beat(next);
  return { next: more.next, effects: [...effects, ...more.effects] };
}

function released(current: Membership, partition: string): MembershipStep {
  invariant(current.revoking.has(partition), `${partition} was released without a revocation`);
  const owned = new Set(current.owned);
  const revoking = new Set(current.revoking);
  owned.delete(partition);
  revoking.delete(partition);
  const next = { ...current, owned, revoking };
  if (revoking.size > 0) return { next, effects: [] };
  return next.inFlight ? { next: { ...next, again: true }, effects: [] } : beat(next);
}

function leave(current: Membership): MembershipStep {
  if (current.state === "outside") return { next: current, effects: [{ kind: "left" }] };
  const next: Membership = { ...current, state: "leaving" };
  return next.inFlight ? { next: { ...next, again: true }, effects: [] } : beat(next);
}

/** One attempt to leave is enough: the session timeout does the rest. */
function answeredLeave(current: Membership, kind: string): MembershipStep {
  // The answer of a heartbeat sent before the leave; the leave itself is still to be sent.
  if (current.again) return beat(current);
  invariant(kind.length > 0, "an answer has a kind");
  return { next: outside, effects: [{ kind: "left" }] };
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
