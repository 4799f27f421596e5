import type { Case } from "../case.ts";
import { batch, bytes, int64, segment, states, timed, welcomeTo } from "../frames.ts";

const MINUTE = 60_000;

/** What an application notes of the record at offset 10. */
function described(topic: string) {
  const idempotencyKey = `app/${topic}-0@10`;
  const at = { partition: 0, offset: 10, timestamp: 1_000 };
  return { topic, ...at, key: "k", idempotencyKey, headers: [] };
}

/** Builders other than `process`: the application's code inside the sidecar's semantics. */
export const TOPOLOGY_CASES: readonly Case[] = [
  {
    id: "stateless",
    proves: ["P-17"],
    topology: "stateless",
    steps: [
      batch(
        1,
        [
          ["a", "one"],
          ["b", "drop it"],
          [null, "two"],
          ["c", null],
          ["d", ""],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "ONE", value: "a" },
            { row: 2, key: "TWO", value: null },
            { row: 4, key: "", value: "d" },
          ],
        },
      },
    ],
  },
  {
    id: "pattern",
    proves: ["P-63"],
    topology: "pattern",
    welcomed: { sources: ["commands-a", "commands-b"] },
    steps: [
      batch(1, [["k", [{ do: "describe" }]]], {
        segments: [segment([["k", [{ do: "describe" }]]], { source: 1 })],
      }),
      { expect: { kind: "result", of: 1, notes: [[described("commands-b")]] } },
      { end: "drained" },
      { greetedAgain: true },
      // Other topics match now: what is index 1 is another one.
      { welcome: { ...welcomeTo("pattern"), sources: ["commands-a", "commands-c"] } },
      batch(2, [["k", [{ do: "describe" }]]], {
        segments: [segment([["k", [{ do: "describe" }]]], { source: 1 })],
      }),
      { expect: { kind: "result", of: 2, notes: [[described("commands-c")]] } },
    ],
  },
  {
    id: "aggregate",
    proves: ["P-28", "P-30", "P-31", "P-36"],
    topology: "aggregate",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["b", "y"],
          ["a", "z"],
          [null, "n"],
          ["b", null],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("0"), bytes("")],
              absent: [1],
              slots: [0, 1, 0],
              slotCounts: [1, 1, 1, 0, 0],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 5,
          outputs: [
            { row: 0, key: "a", value: "0x" },
            { row: 1, key: "b", value: "y" },
            { row: 2, key: "a", value: "0xz" },
          ],
          mutations: { "#0": "0xz", "#1": "y" },
        },
      },
    ],
  },
  {
    id: "aggregate-fails",
    proves: ["P-34"],
    topology: "aggregate",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", "fail"],
          ["a", "y"],
        ],
        {
          states: [{ store: 0, values: [bytes("0")], slots: [0, 0, 0] }],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /told to fail/,
          outputs: [{ value: "0x" }],
          mutations: { "#0": "0x" },
        },
      },
      batch(2, [["b", "x"]], { states: states(null) }),
      { expect: { kind: "result", of: 2, outputs: [{ value: "x" }] } },
    ],
  },
  {
    id: "windowed",
    proves: ["P-28", "P-29", "P-31"],
    topology: "windowed",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", "late"],
          ["a", "y"],
          ["a", "z"],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("0"), bytes("")],
              absent: [1],
              slots: [0, 1, 0],
              slotCounts: [1, 0, 1, 1],
              windowBase: BigInt(-MINUTE),
              windowUnitMs: BigInt(MINUTE),
              windowSteps: [0, 2],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: `a@${-MINUTE}-0`, value: "0x" },
            { row: 2, key: `a@${MINUTE}-${2 * MINUTE}`, value: "y" },
            { row: 3, key: `a@${-MINUTE}-0`, value: "0xz" },
          ],
          mutations: { "#0": "0xz", "#1": "y" },
        },
      },
    ],
  },
  {
    id: "windowed-far-apart",
    proves: ["P-29"],
    topology: "windowed",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", "y"],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes(""), bytes("")],
              absent: [0, 1],
              windowUnitMs: BigInt(MINUTE),
              windowStarts: [-6_000_000_000_000_000n, 240_000_000_000_000n],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { key: "a@-6000000000000000--5999999999940000", value: "x" },
            { key: "a@240000000000000-240000000060000", value: "y" },
          ],
        },
      },
    ],
  },
  {
    id: "count",
    proves: ["P-26"],
    topology: "count",
    steps: [
      batch(1, [], {
        states: [],
        segments: [
          {
            baseOffset: 10n,
            baseTimestamp: 1_000n,
            keys: [timed("a", 0), timed("", -MINUTE)],
            values: [int64(3), int64(2 ** 40)],
          },
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { key: `a@0-${MINUTE}`, value: "3" },
            { key: `@${-MINUTE}-0`, value: String(2 ** 40) },
          ],
        },
      },
    ],
  },
];
