import type { Case } from "../case.ts";
import { batch, revoked, segment, sent, states, welcomeTo } from "../frames.ts";

const echo = (text: string): object[] => [{ do: "forward", key: "k", value: text }];
const rejected = (code: string) => sent({ case: "reject", value: { code, message: "told to go" } });

/** A frame with a field that no version has, and a frame of such a field alone. */
const UNKNOWN_FRAME = Buffer.from([0xfa, 0x06, 0x02, 0x08, 0x01]);
const NOT_PROTOBUF = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
const OVERSIZED = "x".repeat(5 * 1024 * 1024);

/** Connecting, the handshake, and how a stream breaks. */
export const CONNECTION_CASES: readonly Case[] = [
  {
    id: "hello",
    proves: ["P-01", "P-03", "P-05", "P-09", "P-12", "P-14", "P-16"],
    steps: [
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1, outputs: [{ key: "k", value: "a" }] } },
    ],
  },
  ...(["stateless", "aggregate", "windowed", "count"] as const).map(
    (topology): Case => ({ id: `hello-${topology}`, proves: ["P-14"], topology, steps: [] }),
  ),
  {
    id: "hello-with-token",
    proves: ["P-02", "P-44"],
    token: "s3cret",
    steps: [batch(1, [["k", echo("a")]]), { expect: { kind: "result", of: 1 } }],
  },
  {
    id: "welcome-late",
    proves: ["P-06"],
    unwelcomed: true,
    steps: [
      // Frames of the sidecar that come meanwhile change nothing.
      { sendBytes: UNKNOWN_FRAME },
      { welcome: welcomeTo("process") },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "welcome-newer",
    proves: ["P-10", "P-11"],
    welcomed: { capabilities: ["of.tomorrow"], protocolMinor: 1 },
    steps: [
      { sendBytes: UNKNOWN_FRAME },
      { sendBytes: Buffer.alloc(0) },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  ...["TOPOLOGY_INVALID", "TOPOLOGY_MISMATCH", "PROTOCOL_VERSION"].map(
    (code): Case => ({
      id: `reject-${code.toLowerCase().replace("_", "-")}`,
      proves: ["P-07"],
      unwelcomed: true,
      steps: [rejected(code), { exit: 1, said: new RegExp(`${code}.*told to go`) }],
    }),
  ),
  {
    id: "reject-while-serving",
    proves: ["P-07"],
    steps: [
      batch(1, [["k", [{ do: "get", key: "other" }]]], { states: states("v") }),
      { expect: { kind: "ask", of: 1 } },
      rejected("PROTOCOL_VIOLATION"),
      { exit: 1, said: /PROTOCOL_VIOLATION.*told to go/ },
    ],
  },
  {
    id: "status-unauthenticated",
    proves: ["P-44"],
    unwelcomed: true,
    steps: [{ end: "UNAUTHENTICATED" }, { exit: 1, said: /UNAUTHENTICATED/ }],
  },
  {
    id: "status-unimplemented",
    proves: ["P-07"],
    unwelcomed: true,
    steps: [{ end: "UNIMPLEMENTED" }, { exit: 1, said: /PROTOCOL_VERSION/ }],
  },
  {
    id: "status-unavailable",
    proves: ["P-03"],
    unwelcomed: true,
    steps: [
      { end: "UNAVAILABLE" },
      { again: true },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "cut-after-hello",
    proves: ["P-03"],
    unwelcomed: true,
    steps: [
      { end: "cut" },
      { greetedAgain: true },
      { end: "cut" },
      { again: true },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "cut-after-welcome",
    proves: ["P-03"],
    steps: [
      { end: "cut" },
      { again: true },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "cut-while-processing",
    proves: ["P-03", "P-21", "P-43"],
    steps: [
      batch(1, [
        [
          "k",
          [
            { do: "wait", ms: 200 },
            { do: "forward", key: "k", value: "old" },
          ],
        ],
      ]),
      { end: "cut" },
      { again: true },
      // The same record again, of a later epoch: nothing of the first try may be seen.
      batch(1, [["k", echo("new")]], { taskEpoch: 2 }),
      { expect: { kind: "result", of: 1, epoch: 2, outputs: [{ value: "new" }] } },
    ],
  },
  {
    id: "cut-while-asking",
    proves: ["P-03", "P-32"],
    steps: [
      batch(1, [["k", [{ do: "get", key: "other" }]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1, keys: ["other"] } },
      { end: "cut" },
      { again: true },
      batch(1, [["k", [{ do: "get", key: "other" }]]], { states: states(null), taskEpoch: 2 }),
      { expect: { kind: "ask", of: 1, keys: ["other"] } },
      { answer: { values: ["v"] } },
      { expect: { kind: "result", of: 1, epoch: 2, notes: [["v"]] } },
    ],
  },
  {
    id: "cut-after-result",
    proves: ["P-03", "P-39"],
    steps: [
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
      { end: "cut" },
      { again: true },
      batch(1, [["k", echo("b")]], { taskEpoch: 2 }),
      { expect: { kind: "result", of: 1, epoch: 2, outputs: [{ value: "b" }] } },
    ],
  },
  {
    id: "cut-after-revoked",
    proves: ["P-03", "P-40"],
    steps: [
      batch(1, [["k", [{ do: "wait", ms: 100 }, ...echo("old")]]]),
      revoked(),
      { end: "cut" },
      { again: true },
      batch(1, [["k", echo("new")]], { taskEpoch: 2 }),
      { expect: { kind: "result", of: 1, epoch: 2, outputs: [{ value: "new" }] } },
    ],
  },
  {
    id: "cut-after-drain",
    proves: ["P-03", "P-42"],
    steps: [
      batch(1, [["k", [{ do: "wait", ms: 100 }, ...echo("old")]]]),
      sent({ case: "drain", value: { timeoutMs: 5_000 } }),
      { end: "cut" },
      { again: true },
      batch(1, [["k", echo("new")]], { taskEpoch: 2 }),
      { expect: { kind: "result", of: 1, epoch: 2, outputs: [{ value: "new" }] } },
    ],
  },
  {
    id: "cut-while-stopping",
    proves: ["P-43"],
    steps: [
      batch(1, [["k", [{ do: "get", key: "other" }]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1 } },
      { signal: "SIGTERM" },
      { expect: { kind: "paused" } },
      { end: "cut" },
      { exit: 0 },
    ],
  },
  {
    id: "sidecar-restarts",
    proves: ["P-03"],
    steps: [
      { restart: true },
      { again: true },
      { restart: true },
      { again: true },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "frame-oversized",
    proves: ["P-12"],
    steps: [
      batch(1, [["k", OVERSIZED]]),
      { again: true },
      batch(2, [["k", echo("a")]]),
      { expect: { kind: "result", of: 2 } },
    ],
  },
  {
    id: "batch-of-unknown-stage",
    proves: ["P-47"],
    steps: [
      batch(1, [["k", echo("a")]], { stage: 7 }),
      { exit: 1, said: /PROTOCOL_VIOLATION.*stage 7/ },
    ],
  },
  {
    id: "batch-of-unknown-source",
    proves: ["P-47"],
    steps: [
      batch(1, [], { segments: [segment([["k", echo("a")]], { source: 9 })] }),
      { exit: 1, said: /PROTOCOL_VIOLATION.*source 9/ },
    ],
  },
  {
    id: "frame-malformed",
    proves: ["P-03", "P-08"],
    steps: [
      { sendBytes: NOT_PROTOBUF },
      { again: true },
      batch(1, [["k", echo("a")]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "process-crashes",
    proves: ["P-43"],
    steps: [batch(1, [["k", [{ do: "crash" }]]]), { exit: 42 }],
  },
];
