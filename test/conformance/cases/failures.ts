import { Verdict } from "../../../src/gen/outrigger/v1/processor_pb.ts";
import type { Case, Step } from "../case.ts";
import { batch, revoked, sent, states } from "../frames.ts";

const forward = (value: string): object => ({ do: "forward", key: "k", value });
const put = (key: string, value: string): object => ({ do: "put", key, value });
const get = (key: string): object => ({ do: "get", key });
const wait = (ms: number): object => ({ do: "wait", ms });
const fail = (message: string, over: object = {}): object => ({ do: "fail", message, ...over });
const drain = sent({ case: "drain", value: { timeoutMs: 5_000 } });

function failed(of: number, failure: RegExp, verdict: VerdictOf): Step {
  return {
    expect: { kind: "result", of, failure, verdict, node: "interpret", outputs: [], mutations: {} },
  };
}

type VerdictOf = { readonly kind: Verdict; readonly afterMs?: number };

/** Records that fail, batches that are taken away, and how a worker stops. */
export const FAILURE_CASES: readonly Case[] = [
  {
    id: "record-fails",
    proves: ["P-34", "P-36"],
    steps: [
      batch(
        1,
        [
          ["a", [forward("kept"), put("a", "1"), put("x", "1")]],
          ["a", [forward("gone"), put("a", "2"), put("x", "2"), put("y", "2"), fail("too bad")]],
          ["c", [forward("never run")]],
        ],
        { states: [{ store: 0, values: [Buffer.from("0"), Buffer.alloc(0)], slots: [0, 0, 1] }] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /too bad/,
          outputs: [{ row: 0, value: "kept" }],
          mutations: { "#0": "1", x: "1" },
        },
      },
      batch(2, [["a", [forward("fine")]]], { states: states("1") }),
      { expect: { kind: "result", of: 2, outputs: [{ value: "fine" }] } },
    ],
  },
  {
    id: "record-fails-first",
    proves: ["P-34"],
    steps: [
      batch(1, [["a", [wait(5), put("a", "1"), fail("at once")]]], { states: states(null) }),
      {
        expect: { kind: "result", of: 1, done: 0, failure: /at once/, outputs: [], mutations: {} },
      },
    ],
  },
  {
    id: "record-unreadable",
    proves: ["P-34"],
    steps: [
      batch(1, [
        ["a", [forward("kept")]],
        ["b", "{ no JSON"],
      ]),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /app\/commands-0@11/,
          outputs: [{ value: "kept" }],
        },
      },
    ],
  },
  {
    id: "verdicts",
    proves: ["P-48", "P-49"],
    steps: [
      batch(1, [["a", [put("a", "1"), fail("busy", { verdict: "retry", afterMs: 1_500 })]]], {
        states: states(null),
      }),
      failed(1, /busy/, { kind: Verdict.RETRY, afterMs: 1_500 }),
      batch(2, [["a", [fail("later", { verdict: "retry" })]]]),
      failed(2, /later/, { kind: Verdict.RETRY }),
      batch(3, [["a", [fail("never", { verdict: "deadLetter" })]]]),
      failed(3, /never/, { kind: Verdict.DEAD_LETTER }),
      batch(4, [["a", [fail("halt", { verdict: "stop" })]]]),
      failed(4, /halt/, { kind: Verdict.FAIL }),
      batch(5, [["a", [wait(5), fail("no word")]]]),
      failed(5, /no word/, { kind: Verdict.UNSPECIFIED }),
      batch(6, [["a", [fail("not now", { verdict: "park" })]]]),
      failed(6, /not now/, { kind: Verdict.PARK }),
    ],
  },
  { id: "policy-declared", proves: ["P-50"], topology: "policy", steps: [] },
  { id: "parking-declared", proves: ["P-50"], topology: "parking", steps: [] },
  {
    id: "failure-names-its-node",
    proves: ["P-48"],
    topology: "aggregate",
    steps: [
      batch(1, [["a", "fail"]], { states: states(null) }),
      { expect: { kind: "result", of: 1, failure: /told to fail/, node: "fold" } },
    ],
  },
  {
    id: "failure-cut-short",
    proves: ["P-34"],
    steps: [
      batch(1, [["a", [fail("x".repeat(100_000))]]]),
      { expect: { kind: "result", of: 1, failure: /x{1000}/ } },
    ],
  },
  {
    id: "result-too-large",
    proves: ["P-12", "P-34"],
    welcomed: { maxFrameBytes: 128 * 1024 },
    steps: [
      batch(1, [
        ["a", [forward("y".repeat(40_000))]],
        ["b", [forward("y".repeat(40_000))]],
      ]),
      { expect: { kind: "result", of: 1, done: 1, failure: /bytes/, outputs: [{ row: 0 }] } },
      batch(2, [["a", [put("a", "z".repeat(70_000))]]], { states: states(null) }),
      { expect: { kind: "result", of: 2, done: 0, failure: /bytes/, mutations: {} } },
    ],
  },
  {
    id: "revoked-while-asking",
    proves: ["P-33", "P-40"],
    steps: [
      batch(
        1,
        [
          ["a", [put("a", "1"), get("x")]],
          ["b", [forward("never run")]],
        ],
        {
          states: states(null, null),
        },
      ),
      { expect: { kind: "ask", of: 1 } },
      revoked(),
      batch(2, [["a", [get("a"), forward("anew")]]], { states: states(null), taskEpoch: 2 }),
      {
        expect: {
          kind: "result",
          of: 2,
          epoch: 2,
          outputs: [{ value: "anew" }, { value: "[null]" }],
        },
      },
    ],
  },
  {
    id: "revoked-while-waiting",
    proves: ["P-33", "P-40"],
    steps: [
      batch(1, [
        ["a", [wait(150), forward("old")]],
        ["b", [forward("never run")]],
      ]),
      batch(2, [["a", [forward("never begun")]]]),
      revoked(),
      batch(3, [["a", [forward("anew")]]], { taskEpoch: 2 }),
      { expect: { kind: "result", of: 3, epoch: 2, outputs: [{ value: "anew" }] } },
    ],
  },
  {
    id: "revoked-is-one-epoch",
    proves: ["P-40"],
    steps: [
      batch(1, [["a", [wait(80), forward("stays")]]], { taskEpoch: 5 }),
      revoked(4),
      revoked(5, "0_7"),
      { expect: { kind: "result", of: 1, epoch: 5, outputs: [{ value: "stays" }] } },
    ],
  },
  {
    id: "drain",
    proves: ["P-03", "P-42"],
    steps: [
      batch(1, [["a", [wait(50), forward("still answered")]]]),
      drain,
      { expect: { kind: "result", of: 1, outputs: [{ value: "still answered" }] } },
      { end: "drained" },
      { again: true },
      batch(1, [["a", [forward("b")]]]),
      { expect: { kind: "result", of: 1 } },
    ],
  },
  {
    id: "stop-idle",
    proves: ["P-43"],
    steps: [
      batch(1, [["a", [forward("b")]]]),
      { expect: { kind: "result", of: 1 } },
      { signal: "SIGTERM" },
      { expect: { kind: "paused" } },
      { ended: true },
      { end: "drained" },
      { exit: 0 },
    ],
  },
  {
    id: "stop-before-welcome",
    // Nothing but the hello may be said before the welcome, a pause neither.
    proves: ["P-08", "P-43"],
    unwelcomed: true,
    steps: [{ signal: "SIGTERM" }, { ended: true }, { end: "drained" }, { exit: 0 }],
  },
  {
    id: "stop-while-processing",
    proves: ["P-33", "P-43"],
    steps: [
      batch(
        1,
        [
          ["a", [wait(300), get("x")]],
          ["b", [forward("never run")]],
        ],
        {
          states: states(null, null),
        },
      ),
      batch(2, [["a", [forward("never begun")]]]),
      batch(1, [["c", [forward("x")]]], { taskId: "0_1" }),
      { expect: { kind: "result", of: 1, task: "0_1" } },
      { signal: "SIGTERM" },
      { expect: { kind: "paused" } },
      { expect: { kind: "handBack", of: 2 } },
      // Came too late for the pause.
      batch(3, [["a", [forward("never begun")]]]),
      {
        expectAll: [
          { kind: "handBack", of: 3 },
          { kind: "ask", of: 1, keys: ["x"] },
        ],
      },
      { answer: { values: ["v"] } },
      { expect: { kind: "handBack", of: 1 } },
      { ended: true },
      { end: "drained" },
      { exit: 0 },
    ],
  },
];
