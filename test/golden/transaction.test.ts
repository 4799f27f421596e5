import { join } from "node:path";
import { OutriggerError } from "../../src/errors/outrigger-error.ts";
import {
  stepTransaction,
  type Transaction,
  type TransactionEffect,
  type TransactionEvent,
} from "../../src/transactions/transaction.ts";
import { goldenTranscripts } from "./golden.ts";

const limits = { deadlineMs: 6_000, unknownMs: 1_000 };
const error = new OutriggerError("TRANSACTION_ABORTED", "refused");

/** `name argument`, with the time as `@ms` where the machine looks at it. */
function parse(command: string): TransactionEvent {
  const [name, argument = "", time = "@0"] = command.split(" ");
  const nowMs = Number((argument.startsWith("@") ? argument : time).slice(1));
  switch (name) {
    case "initialize":
      return { kind: "initialize" };
    case "initialized":
      return argument === "ready"
        ? { kind: "initialized", verdict: { kind: "ready" } }
        : { kind: "initialized", verdict: { kind: refusal(argument), error } };
    case "cut":
      return { kind: "cut", nowMs };
    case "produced":
      return argument === "acked"
        ? { kind: "produced", verdict: { kind: "acked" } }
        : { kind: "produced", verdict: { kind: refusal(argument), error } };
    case "offsets":
      if (argument === "accepted") {
        return { kind: "offsetsSent", nowMs, verdict: { kind: "accepted" } };
      }
      if (argument === "staleEpoch" || argument === "memberLost") {
        return { kind: "offsetsSent", nowMs, verdict: { kind: argument, error } };
      }
      return { kind: "offsetsSent", nowMs, verdict: { kind: refusal(argument), error } };
    case "refreshed":
      return { kind: "refreshed", held: argument === "held", nowMs };
    case "cutLost":
      return { kind: "cutLost" };
    case "ended":
      if (argument === "ended") return { kind: "ended", nowMs, verdict: { kind: "ended" } };
      if (argument === "unknown") {
        return { kind: "ended", nowMs, verdict: { kind: "unknown", error } };
      }
      return { kind: "ended", nowMs, verdict: { kind: refusal(argument), error } };
    case "repeatDue":
      return { kind: "repeatDue", nowMs };
    case "applied":
      return { kind: "applied" };
    default:
      throw new Error(`unknown command ${command}`);
  }
}

function refusal(word: string): "abortable" | "fenced" | "fatal" {
  if (word === "abortable" || word === "fenced" || word === "fatal") return word;
  throw new Error(`unknown verdict ${word}`);
}

function show(effect: TransactionEffect): string {
  if (effect.kind === "end") return `end(${effect.outcome},${effect.attempt})`;
  if (effect.kind === "restage") return `restage(${effect.cause})`;
  return effect.kind;
}

goldenTranscripts(join(import.meta.dirname, "transaction"), (commands) => {
  let current: Transaction = { state: "uninitialized" };
  return commands.map((command) => {
    const { next, effects } = stepTransaction(current, parse(command), limits);
    const line = `${current.state} -> ${next.state}  ${effects.map(show).join(" ")}`.trimEnd();
    current = next;
    return line;
  });
});
