import type { Settings } from "./schema.ts";
import { securityFaults } from "./security-rules.ts";

/** Null when a relation between settings holds, else both values, the reason and so the remedy. */
type Rule = (settings: Partial<Settings>) => string | null;

function order(
  low: keyof Settings,
  relation: "below" | "at most",
  high: keyof Settings,
  reason: string,
): Rule {
  return (settings) => {
    const [a, b] = [settings[low], settings[high]];
    if (typeof a !== "number" || typeof b !== "number") return null;
    if (relation === "below" ? a < b : a <= b) return null;
    return `${low} (${a}) must be ${relation} ${high} (${b}), ${reason}`;
  };
}

/** The room that a frame keeps for state, names and lengths beside the records of a batch. */
const BATCH_SHARE_OF_FRAME = 2;

function batchFitsFrame(settings: Partial<Settings>): string | null {
  const batch = settings["batch.max.bytes"];
  const frame = settings["max.frame.bytes"];
  if (batch === undefined || frame === undefined) return null;
  if (batch * BATCH_SHARE_OF_FRAME <= frame) return null;
  return (
    `batch.max.bytes (${batch}) must be at most half of max.frame.bytes (${frame}): the state ` +
    "that a batch needs travels in the same message"
  );
}

function parkingIsOn(settings: Partial<Settings>): string | null {
  if (settings["retry.then"] !== "park" || settings["parked.enable"] === "true") return null;
  return "retry.then is park, and parking is off: set parked.enable: true";
}

function lateHasTopic(settings: Partial<Settings>): string | null {
  if (settings["errors.dead.letter.queue.late.records"] !== "true") return null;
  if (settings["errors.dead.letter.queue.topic.name"] !== null) return null;
  return (
    "errors.dead.letter.queue.late.records is true, and there is no topic for dead letters: set " +
    "errors.dead.letter.queue.topic.name"
  );
}

const rules: readonly Rule[] = [
  parkingIsOn,
  lateHasTopic,
  order(
    "commit.interval.ms",
    "below",
    "transaction.timeout.ms",
    "or the brokers may abort a transaction before it commits",
  ),
  order(
    "revoke.timeout.ms",
    "below",
    "shutdown.timeout.ms",
    "because a shutdown revokes every task and must not end first",
  ),
  order(
    "retry.initial.ms",
    "at most",
    "retry.max.delay.ms",
    "because the first pause is the shortest",
  ),
  order(
    "max.partition.fetch.bytes",
    "at most",
    "fetch.max.bytes",
    "because a partition's share cannot be more than the whole answer",
  ),
  order(
    "fetch.max.wait.ms",
    "below",
    "request.timeout.ms",
    "or every fetch without records times out",
  ),
  order(
    "producer.max.request.size",
    "at most",
    "server.max.message.bytes",
    "because an output must fit the message that brings it",
  ),
  order(
    "max.frame.bytes",
    "at most",
    "server.max.message.bytes",
    "because a message is at least one piece",
  ),
  batchFitsFrame,
];

/** Every broken relation among the settings that are valid by themselves. */
export function brokenRules(settings: Partial<Settings>): string[] {
  return [...rules.flatMap((rule) => rule(settings) ?? []), ...securityFaults(settings)];
}
