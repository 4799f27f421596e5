import type { Case } from "../case.ts";
import { batch, int64, segment } from "../frames.ts";

/** Batches of the stage below: of another task, its rows from another source. */
const BELOW = { taskId: "1_0", stage: 1, states: [] };

/** The calls of the builder that have no state, and what leaves a stage for nodes that are not in it. */
export const OPERATION_CASES: readonly Case[] = [
  {
    id: "operations",
    proves: ["P-67", "P-17"],
    topology: "operations",
    steps: [
      batch(
        1,
        [
          ["a", "x:1 y"],
          ["a", "drop it"],
          ["b", null],
          ["c", ""],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 4,
          outputs: [
            { row: 0, key: "x", value: "X:1", timestamp: 1_000 },
            { row: 0, key: "x", value: "x:1", timestamp: 1_001 },
            { row: 0, key: "x:1", value: "X", timestamp: 1_000 },
            { row: 0, key: "x:1", value: "x", timestamp: 1_001 },
            { row: 0, key: "x", value: "Y", timestamp: 1_000 },
            { row: 0, key: "x", value: "y", timestamp: 1_001 },
            { row: 0, key: "y", value: "X", timestamp: 1_000 },
            { row: 0, key: "y", value: "x", timestamp: 1_001 },
            { row: 3, key: "", value: "", timestamp: 1_000 },
            { row: 3, key: "", value: "", timestamp: 1_001 },
            { row: 3, key: "", value: "", timestamp: 1_000 },
            { row: 3, key: "", value: "", timestamp: 1_001 },
          ],
        },
      },
    ],
  },
  {
    id: "operations-fail",
    proves: ["P-34", "P-48"],
    topology: "operations",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", "fail"],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /told to fail/,
          node: "seen",
          outputs: [{ value: "X" }, { value: "x" }, { value: "X" }, { value: "x" }],
        },
      },
    ],
  },
  {
    id: "branches",
    proves: ["P-65", "P-67"],
    topology: "branches",
    steps: [
      batch(
        1,
        [
          ["1", "apple"],
          ["2", "a"],
          ["3", "b"],
          ["4", "c"],
          ["5", null],
          ["6", "ab"],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 6,
          outputs: [
            { row: 0, key: "1", value: "apple" },
            { row: 1, key: "2", value: "a!" },
            { row: 2, key: "3", value: "b" },
            { row: 5, key: "6", value: "ab!" },
          ],
        },
      },
    ],
  },
  {
    id: "merge",
    proves: ["P-17", "P-65"],
    topology: "merge",
    steps: [
      batch(
        1,
        [
          ["k", "v"],
          ["l", null],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "k", value: "V!" },
            { row: 0, key: "k", value: "V" },
            { row: 1, key: "l", value: "!" },
            { row: 1, key: "l", value: null },
          ],
        },
      },
      batch(2, [], { stage: 1, states: [], segments: [segment([["m", "w"]], { source: 1 })] }),
      { expect: { kind: "result", of: 2, outputs: [{ row: 0, key: "m", value: "W" }] } },
    ],
  },
  {
    id: "exit",
    proves: ["P-64", "P-23", "P-35"],
    topology: "sum",
    steps: [
      batch(1, [], {
        states: [],
        segments: [
          segment(
            [
              ["a", "four"],
              ["b", null],
              [null, "six is"],
            ],
            {
              timestampDeltas: [0, 5, 6],
              headers: [{ row: 0, headers: [{ key: "trace", value: Buffer.from("7") }] }],
            },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 3,
          outputs: [
            {
              ...{ row: 0, key: "a", value: int64(4).toString(), sink: 0, timestamp: 1_000 },
              headers: [["trace", "7"]],
            },
            { row: 1, key: "b", value: null, sink: 0, timestamp: 1_005 },
            { row: 2, key: null, value: int64(6).toString(), sink: 0, timestamp: 1_006 },
          ],
        },
      },
      batch(2, [], {
        ...BELOW,
        taskId: "0_0",
        segments: [{ ...segment([["a", ""]]), values: [int64(2 ** 40)] }],
      }),
      { expect: { kind: "result", of: 2, outputs: [{ key: "a", value: String(2 ** 40) }] } },
    ],
  },
  {
    id: "exit-unnamed",
    proves: ["P-47", "P-64"],
    topology: "sum",
    welcomed: { stages: [{ entries: ["length"], sinks: ["results"] }] },
    steps: [
      batch(1, [["a", "four"]], { states: [] }),
      { exit: 1, said: /PROTOCOL_VIOLATION.*"sum"/ },
    ],
  },
  {
    id: "repartition",
    proves: ["P-64", "P-66"],
    topology: "repartition",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          [null, "y"],
          ["b", null],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "x", value: "a", sink: 0 },
            { row: 1, key: "y", value: null, sink: 0 },
            { row: 2, key: null, value: "b", sink: 0 },
          ],
        },
      },
      batch(2, [], { ...BELOW, segments: [segment([["x", "a"]], { source: 1, partition: 2 })] }),
      { expect: { kind: "result", of: 2, task: "1_0", outputs: [{ key: "x", value: "A" }] } },
    ],
  },
  {
    id: "regroup",
    proves: ["P-64", "P-66", "P-31"],
    topology: "regroup",
    steps: [
      batch(1, [["a", "x"]], { states: [] }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [{ row: 0, key: "x", value: "x", sink: 0 }],
          mutations: {},
        },
      },
      batch(2, [], {
        ...BELOW,
        states: [{ store: 0, values: [Buffer.from("0")], slots: [0, 0] }],
        segments: [
          segment(
            [
              ["x", "x"],
              ["x", "x"],
            ],
            { source: 1 },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 2,
          task: "1_0",
          outputs: [
            { key: "x", value: "0x" },
            { key: "x", value: "0xx" },
          ],
          mutations: { "#0": "0xx" },
        },
      },
    ],
  },
];
