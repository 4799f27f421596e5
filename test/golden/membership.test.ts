import { join } from "node:path";
import { OutriggerError } from "../../src/errors/outrigger-error.ts";
import {
  type MembershipEffect,
  type MembershipEvent,
  outside,
  stepMembership,
} from "../../src/tasks/membership.ts";
import { goldenTranscripts } from "./golden.ts";

const error = new OutriggerError("MEMBERSHIP_LOST", "gone");

/** `member 3 a,b` answers with epoch 3 and an assignment; `member 3` with an unchanged one. */
function parse(command: string): MembershipEvent {
  const [name, first = "", second] = command.split(" ");
  switch (name) {
    case "join":
    case "leave":
    case "beat":
      return { kind: name };
    case "released":
      return { kind: "released", partition: first };
    case "member": {
      const assignment =
        second === undefined ? null : second.split(",").filter((at) => at !== "none");
      const memberEpoch = Number(first);
      const answer = { kind: "member", memberEpoch, heartbeatIntervalMs: 100, assignment } as const;
      return { kind: "answered", answer };
    }
    case "lost":
    case "retriable":
    case "fatal":
      return { kind: "answered", answer: { kind: name, error } };
    default:
      throw new Error(`unknown command ${command}`);
  }
}

function show(effect: MembershipEffect): string {
  switch (effect.kind) {
    case "heartbeat":
      return `heartbeat(${effect.memberEpoch},${effect.owned === null ? "-" : `[${effect.owned}]`})`;
    case "revoke":
    case "assign":
    case "lose":
      return `${effect.kind}[${effect.partitions}]`;
    case "confirmed":
    case "left":
    case "fail":
      return effect.kind;
  }
}

goldenTranscripts(join(import.meta.dirname, "membership"), (commands) => {
  let current = outside;
  return commands.map((command) => {
    const { next, effects } = stepMembership(current, parse(command));
    const line = `${current.state} -> ${next.state}  ${effects.map(show).join(" ")}`.trimEnd();
    current = next;
    return line;
  });
});
