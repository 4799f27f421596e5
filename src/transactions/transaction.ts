import { invariant } from "../errors/invariant.ts";
import type { OutriggerError } from "../errors/outrigger-error.ts";

/**
 * One Kafka transaction of one lane, opened only to commit a cut.
 *
 *   uninitialized ──initialize──▶ initializing ──▶ ready ──cut──▶ producing ──acked──▶ sendingOffsets
 *   sendingOffsets ──accepted──▶ ending ──ended──▶ applying ──applied──▶ ready
 *   sendingOffsets ──stale epoch──▶ refreshing ──held──▶ sendingOffsets
 *   producing, sendingOffsets ──cut lost──▶ doomed ──answer──▶ aborting
 *   producing, sendingOffsets, refreshing, ending(first) ──abortable──▶ aborting ──ended──▶ ready
 *   producing, sendingOffsets, ending(first), aborting ──fenced, unanswered──▶ uninitialized
 *   ending ──unknown──▶ unknown ──repeat──▶ ending(repeated)
 *   unknown ──deadline──▶ resolving ──initialized──▶ ready, after a takeover of everything
 *   any ──fatal──▶ failed
 */
export type Transaction =
  | { readonly state: "uninitialized" }
  | { readonly state: "initializing" }
  | { readonly state: "ready" }
  | { readonly state: "producing"; readonly startedAtMs: number }
  | { readonly state: "sendingOffsets"; readonly startedAtMs: number }
  | { readonly state: "refreshing"; readonly startedAtMs: number }
  | { readonly state: "doomed"; readonly cause: AbortCause }
  | { readonly state: "aborting"; readonly cause: AbortCause }
  | { readonly state: "ending"; readonly attempt: "first" | "repeated"; readonly sinceMs: number }
  | { readonly state: "unknown"; readonly sinceMs: number }
  | { readonly state: "resolving" }
  | { readonly state: "applying" }
  | { readonly state: "failed" };

/** Why a transaction was aborted; counted by cause. */
export type AbortCause = "refused" | "memberLost" | "cutLost" | "fenced" | "deadline";

/** What an answer comes down to; the adapters' verdicts have these kinds among others. */
type Refused = { readonly kind: "abortable" | "fenced" | "fatal"; readonly error: OutriggerError };

export type TransactionEvent =
  | { readonly kind: "initialize" }
  | { readonly kind: "initialized"; readonly verdict: { readonly kind: "ready" } | Refused }
  | { readonly kind: "cut"; readonly nowMs: number }
  | { readonly kind: "produced"; readonly verdict: { readonly kind: "acked" } | Refused }
  | {
      readonly kind: "offsetsSent";
      readonly nowMs: number;
      readonly verdict:
        | { readonly kind: "accepted" }
        | { readonly kind: "staleEpoch" | "memberLost"; readonly error: OutriggerError }
        | Refused;
    }
  /** The heartbeat asked for by `refreshing` was answered; every task of the cut was held, or not. */
  | { readonly kind: "refreshed"; readonly held: boolean; readonly nowMs: number }
  /** A task of the cut was dropped: its membership was lost, or it is taken over anew. */
  | { readonly kind: "cutLost" }
  | {
      readonly kind: "ended";
      readonly nowMs: number;
      readonly verdict:
        | { readonly kind: "ended" }
        | { readonly kind: "unknown"; readonly error: OutriggerError }
        | Refused;
    }
  | { readonly kind: "repeatDue"; readonly nowMs: number }
  | { readonly kind: "applied" };

export type TransactionEffect =
  | { readonly kind: "initialize" }
  | { readonly kind: "produce" }
  | { readonly kind: "sendOffsets" }
  /** Send a heartbeat now; its answer is the event `refreshed`. */
  | { readonly kind: "refreshMembership" }
  | {
      readonly kind: "end";
      readonly outcome: "commit" | "abort";
      readonly attempt: "first" | "repeated";
    }
  /** Post `repeatDue` after a pause. */
  | { readonly kind: "repeatLater" }
  /** Write the stores of the cut's tasks that are still held, then post `applied`. */
  | { readonly kind: "apply" }
  /** The cut did not commit, for certain: its tasks that are still held stage it again. */
  | { readonly kind: "restage"; readonly cause: AbortCause }
  /** Dispatch and begin nothing before a heartbeat sent now has been answered (R-8, V5). */
  | { readonly kind: "awaitHeartbeat" }
  /** Whether the cut committed is not known: drop everything, take over every task again. */
  | { readonly kind: "takeOverAll" }
  | { readonly kind: "countFencing" }
  | { readonly kind: "fail"; readonly error: OutriggerError };

export interface Step {
  readonly next: Transaction;
  readonly effects: readonly TransactionEffect[];
}

export interface TransactionLimits {
  /** Own deadline for an open transaction: 0.6 of `transaction.timeout.ms`. */
  readonly deadlineMs: number;
  /** How long an EndTxn without an answer is repeated before InitProducerId resolves it. */
  readonly unknownMs: number;
}

/** One step: no clock, no IO. An event that a state cannot meet is our bug. */
export function stepTransaction(
  current: Transaction,
  event: TransactionEvent,
  limits: TransactionLimits,
): Step {
  switch (event.kind) {
    case "initialize":
      expectState(current, event, "uninitialized");
      return { next: { state: "initializing" }, effects: [{ kind: "initialize" }] };
    case "initialized":
      return initialized(current, event.verdict);
    case "cut":
      expectState(current, event, "ready");
      return {
        next: { state: "producing", startedAtMs: event.nowMs },
        effects: [{ kind: "produce" }],
      };
    case "produced":
      return produced(current, event);
    case "offsetsSent":
      return offsetsSent(current, event, limits);
    case "refreshed":
      return refreshed(current, event, limits);
    case "cutLost":
      return cutLost(current);
    case "ended":
      return ended(current, event, limits);
    case "repeatDue":
      expectState(current, event, "unknown");
      return {
        next: { state: "ending", attempt: "repeated", sinceMs: current.sinceMs },
        effects: [{ kind: "end", outcome: "commit", attempt: "repeated" }],
      };
    case "applied":
      expectState(current, event, "applying");
      return { next: { state: "ready" }, effects: [] };
  }
}

function initialized(current: Transaction, verdict: { kind: "ready" } | Refused): Step {
  invariant(
    current.state === "initializing" || current.state === "resolving",
    `an InitProducerId answer came in state ${current.state}`,
  );
  switch (verdict.kind) {
    case "ready":
      return {
        next: { state: "ready" },
        effects: current.state === "resolving" ? [{ kind: "takeOverAll" }] : [],
      };
    // Fenced while initializing: another InitProducerId of this id came later. Ask again; three
    // fencings within a transaction timeout make the interpreter take a new process id.
    case "fenced":
    case "abortable":
      return { next: current, effects: [{ kind: "countFencing" }, { kind: "initialize" }] };
    case "fatal":
      return failed(verdict.error);
  }
}

function produced(
  current: Transaction,
  event: Extract<TransactionEvent, { kind: "produced" }>,
): Step {
  const { verdict } = event;
  if (current.state === "doomed") return abortDoomed(current, verdict);
  expectState(current, event, "producing");
  switch (verdict.kind) {
    case "acked":
      return {
        next: { state: "sendingOffsets", startedAtMs: current.startedAtMs },
        effects: [{ kind: "sendOffsets" }],
      };
    case "abortable":
    case "fenced":
    case "fatal":
      return refuse(verdict);
  }
}

function offsetsSent(
  current: Transaction,
  event: Extract<TransactionEvent, { kind: "offsetsSent" }>,
  limits: TransactionLimits,
): Step {
  const { verdict } = event;
  if (current.state === "doomed") return abortDoomed(current, verdict);
  expectState(current, event, "sendingOffsets");
  switch (verdict.kind) {
    case "accepted":
      return {
        next: { state: "ending", attempt: "first", sinceMs: event.nowMs },
        effects: [{ kind: "end", outcome: "commit", attempt: "first" }],
      };
    // A member epoch that moved says nothing about our partitions: the group bumps it whenever
    // another member comes or goes (V6). Keep the transaction open and ask the group.
    case "staleEpoch":
      if (event.nowMs - current.startedAtMs >= limits.deadlineMs) return abort("deadline", true);
      return {
        next: { state: "refreshing", startedAtMs: current.startedAtMs },
        effects: [{ kind: "refreshMembership" }],
      };
    case "memberLost":
      return abort("memberLost", true);
    case "abortable": {
      const step = refuse(verdict);
      return { next: step.next, effects: [{ kind: "awaitHeartbeat" }, ...step.effects] };
    }
    case "fenced":
    case "fatal":
      return refuse(verdict);
  }
}

function refreshed(
  current: Transaction,
  event: Extract<TransactionEvent, { kind: "refreshed" }>,
  limits: TransactionLimits,
): Step {
  // The cut may have been lost, and aborted, by the very answer that this event reports.
  if (current.state !== "refreshing") return { next: current, effects: [] };
  if (!event.held) return abort("cutLost", false);
  if (event.nowMs - current.startedAtMs >= limits.deadlineMs) return abort("deadline", false);
  return {
    next: { state: "sendingOffsets", startedAtMs: current.startedAtMs },
    effects: [{ kind: "sendOffsets" }],
  };
}

function cutLost(current: Transaction): Step {
  switch (current.state) {
    // A request is under way; EndTxn must wait for its answer.
    case "producing":
    case "sendingOffsets":
      return { next: { state: "doomed", cause: "cutLost" }, effects: [] };
    case "refreshing":
      return abort("cutLost", false);
    // EndTxn(commit) was sent: too late to abort, and safe, because the offsets were accepted while
    // the partition was ours, and whoever takes it over waits until they are stable. `apply` skips
    // tasks that are no longer held.
    case "ending":
    case "unknown":
    case "resolving":
    case "applying":
    // Nothing is open, or it is being aborted already.
    case "uninitialized":
    case "initializing":
    case "ready":
    case "doomed":
    case "aborting":
    case "failed":
      return { next: current, effects: [] };
  }
}

function ended(
  current: Transaction,
  event: Extract<TransactionEvent, { kind: "ended" }>,
  limits: TransactionLimits,
): Step {
  const { verdict, nowMs } = event;
  if (current.state === "aborting") return endedAbort(current.cause, verdict);
  expectState(current, event, "ending");
  switch (verdict.kind) {
    case "ended":
      return { next: { state: "applying" }, effects: [{ kind: "apply" }] };
    case "unknown":
      return unresolved(current.sinceMs, nowMs, limits);
    case "abortable":
    case "fenced":
      // A refusal of an EndTxn sent once is a definite no. Of a repeated one it is not: the first
      // may have committed, and the refusal may be its echo.
      if (current.attempt === "repeated") return unresolved(current.sinceMs, nowMs, limits);
      return refuse(verdict);
    case "fatal":
      return failed(verdict.error);
  }
}

function unresolved(sinceMs: number, nowMs: number, limits: TransactionLimits): Step {
  if (nowMs - sinceMs < limits.unknownMs) {
    return { next: { state: "unknown", sinceMs }, effects: [{ kind: "repeatLater" }] };
  }
  return { next: { state: "resolving" }, effects: [{ kind: "initialize" }] };
}

function endedAbort(
  cause: AbortCause,
  verdict: Extract<TransactionEvent, { kind: "ended" }>["verdict"],
): Step {
  switch (verdict.kind) {
    case "ended":
      return { next: { state: "ready" }, effects: [{ kind: "restage", cause }] };
    // The abort went unanswered or was refused. EndTxn(commit) was never sent, so the cut is not
    // committed whatever happens; InitProducerId ends what may still be open.
    case "unknown":
    case "abortable":
    case "fenced":
      return { next: { state: "uninitialized" }, effects: [{ kind: "restage", cause }] };
    case "fatal":
      return failed(verdict.error);
  }
}

function abortDoomed(
  current: { readonly cause: AbortCause },
  verdict: { readonly kind: string; readonly error?: OutriggerError },
): Step {
  if (verdict.kind === "fatal" && verdict.error !== undefined) return failed(verdict.error);
  if (verdict.kind === "fenced") return fencedBeforeEnd();
  return abort(current.cause, false);
}

function refuse(verdict: Refused): Step {
  switch (verdict.kind) {
    case "abortable":
      return abort("refused", false);
    case "fenced":
      return fencedBeforeEnd();
    case "fatal":
      return failed(verdict.error);
  }
}

/** A fenced producer cannot abort; InitProducerId does. EndTxn(commit) did not take effect. */
function fencedBeforeEnd(): Step {
  return {
    next: { state: "uninitialized" },
    effects: [{ kind: "countFencing" }, { kind: "restage", cause: "fenced" }],
  };
}

function abort(cause: AbortCause, awaitHeartbeat: boolean): Step {
  const end = { kind: "end", outcome: "abort", attempt: "first" } as const;
  return {
    next: { state: "aborting", cause },
    effects: awaitHeartbeat ? [{ kind: "awaitHeartbeat" }, end] : [end],
  };
}

function failed(error: OutriggerError): Step {
  return { next: { state: "failed" }, effects: [{ kind: "fail", error }] };
}

function expectState<S extends Transaction["state"]>(
  current: Transaction,
  event: TransactionEvent,
  state: S,
): asserts current is Extract<Transaction, { state: S }> {
  invariant(current.state === state, `the event ${event.kind} came in state ${current.state}`);
}
