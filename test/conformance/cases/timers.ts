import type { Case } from "../case.ts";
import { batch, bytes, segment, welcomeTo } from "../frames.ts";

const STREAM = 1;
const WALL = 2;

/** The value of a row that tells of a timer, or of a punctuation. */
function told(clock: number, name: string, isPunctuation = false): string {
  return bytes(String.fromCharCode(clock, isPunctuation ? 1 : 0) + name).toString();
}

/** Rows from the source of timers. */
const fired = { states: [] };

/** What code sets, and what it is called for when that fires. */
export const TIMER_CASES: readonly Case[] = [
  {
    id: "timers-old-sidecar",
    proves: ["P-72"],
    topology: "timers",
    unwelcomed: true,
    steps: [
      { welcome: { ...welcomeTo("timers"), protocolMinor: 5, timerSources: [] } },
      { exit: 1, said: /PROTOCOL_VERSION.*minor version 5.*timers/ },
    ],
  },
  {
    id: "timers-set",
    proves: ["P-75"],
    topology: "timers",
    steps: [
      batch(
        1,
        [
          ["a", "set x 500 stream; set x 700 wall; set y 1 stream"],
          ["b", "set x 500 stream"],
          ["a", "set x 900 stream; delete y stream; delete z wall"],
        ],
        fired,
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 3,
          timers: {
            "wait a x 1": 900,
            "wait a x 2": 700,
            "wait a y 1": null,
            "wait b x 1": 500,
            "wait a z 2": null,
          },
        },
      },
    ],
  },
  {
    id: "timers-of-a-failed-row",
    proves: ["P-75", "P-34"],
    topology: "timers",
    steps: [
      batch(
        1,
        [
          ["a", "set x 500 stream"],
          ["a", "set x 900 stream; set y 1 wall; fail"],
        ],
        fired,
      ),
      {
        expect: { kind: "result", of: 1, done: 1, failure: /fail/, timers: { "wait a x 1": 500 } },
      },
      batch(2, [["a", "set y 7 stream"]], fired),
      { expect: { kind: "result", of: 2, timers: { "wait a y 1": 7 } } },
    ],
  },
  {
    id: "timers-without-a-key",
    proves: ["P-75"],
    topology: "timers",
    steps: [
      batch(1, [[null, "set x 500 stream"]], fired),
      { expect: { kind: "result", of: 1, failure: /no key/, node: "wait" } },
      batch(2, [["a", `set ${"x".repeat(256)} 500 stream`]], fired),
      { expect: { kind: "result", of: 2, failure: /256 bytes/ } },
      batch(3, [["a", "set x -1 stream"]], fired),
      { expect: { kind: "result", of: 3, failure: /-1/ } },
    ],
  },
  {
    id: "timers-fire",
    proves: ["P-73", "P-74"],
    topology: "timers",
    steps: [
      batch(1, [], {
        ...fired,
        segments: [
          segment(
            [
              ["a", told(STREAM, "x")],
              ["b", told(WALL, "again")],
              ["", told(STREAM, "")],
            ],
            { source: 1, partition: 3, timestampDeltas: [0, 70, 80] },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 3,
          outputs: [
            { row: 0, key: "a", value: "x 1000 stream", timestamp: 1_000 },
            { row: 1, key: "b", value: "again 1070 wall", timestamp: 1_070 },
            { row: 2, key: "", value: " 1080 stream", timestamp: 1_080 },
          ],
          timers: { "wait b again 2": 2_070 },
        },
      },
      // Records of the same stage are records, as ever.
      batch(2, [["a", told(STREAM, "x")]], fired),
      { expect: { kind: "result", of: 2, outputs: [] } },
    ],
  },
  {
    id: "timers-fail",
    proves: ["P-74", "P-34", "P-48"],
    topology: "timers",
    steps: [
      batch(1, [], {
        ...fired,
        segments: [
          segment(
            [
              ["a", told(STREAM, "x")],
              ["b", told(STREAM, "fail")],
            ],
            { source: 1, partition: 3 },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /fail b app\/app-wait-timers-3@11/,
          node: "wait",
          outputs: [{ row: 0, key: "a", value: "x 1000 stream" }],
        },
      },
    ],
  },
  {
    id: "punctuation",
    proves: ["P-73"],
    topology: "timers",
    steps: [
      batch(1, [], {
        ...fired,
        segments: [
          segment(
            [
              [null, told(WALL, "beat", true)],
              // Of an older version of the application: nobody is called.
              [null, told(WALL, "gone", true)],
            ],
            { source: 1, partition: 0 },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 2,
          outputs: [{ row: 0, key: null, value: "beat 1000", timestamp: 1_000 }],
        },
      },
    ],
  },
];
