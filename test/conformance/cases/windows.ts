import type { Case } from "../case.ts";
import { batch, bytes, int64, segment, timed } from "../frames.ts";

const MINUTE = 60_000;

function int32(value: number): Buffer {
  const written = Buffer.alloc(4);
  written.writeInt32BE(value);
  return written;
}

/** A slot of a session store: its session, and the value; null where it has none. */
type Session = readonly [start: number, end: number, value: string | null];

/** The state of sessions: each row's slots, in the order in which they are merged. */
function sessions(slots: readonly Session[], rows: readonly (readonly number[])[]) {
  const lengths = slots.map(([start, end]) => BigInt(end - start));
  return [
    {
      store: 0,
      values: slots.map(([, , value]) => bytes(value ?? "")),
      absent: slots.flatMap(([, , value], slot) => (value === null ? [slot] : [])),
      slots: rows.flat(),
      slotCounts: rows.map(({ length }) => length),
      windowStarts: slots.map(([start]) => BigInt(start)),
      sessionLengths: lengths,
    },
  ];
}

/** Folds whose values become null, and windows that overlap, slide, or merge. */
export const WINDOW_CASES: readonly Case[] = [
  {
    id: "reduce",
    proves: ["P-68", "P-31", "P-36"],
    topology: "reduce",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["b", "y"],
          ["a", "z"],
          ["a", "end"],
          ["a", "new"],
          ["b", "end"],
          ["b", null],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("0"), bytes("")],
              absent: [1],
              slots: [0, 1, 0, 0, 0, 1, 1],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 7,
          outputs: [
            { row: 0, key: "a", value: "0x" },
            { row: 1, key: "b", value: "y" },
            { row: 2, key: "a", value: "0xz" },
            { row: 3, key: "a", value: null },
            { row: 4, key: "a", value: "new" },
            { row: 5, key: "b", value: null },
          ],
          mutations: { "#0": "new", "#1": null },
        },
      },
    ],
  },
  {
    id: "hopping",
    proves: ["P-29", "P-31", "P-71"],
    topology: "hopping",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", "late"],
          ["a", "y"],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("0"), bytes(""), bytes(""), bytes("")],
              absent: [1, 2, 3],
              slots: [0, 1, 2, 2, 3],
              slotCounts: [3, 0, 2],
              windowBase: -40_000n,
              windowUnitMs: 20_000n,
              windowSteps: [0, 1, 2, 3],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 3,
          outputs: [
            { row: 0, key: "a@-40000-20000", value: "0x" },
            { row: 0, key: "a@-20000-40000", value: "x" },
            { row: 0, key: "a@0-60000", value: "x" },
            { row: 2, key: "a@0-60000", value: "xy" },
            { row: 2, key: "a@20000-80000", value: "y" },
          ],
          mutations: { "#0": "0x", "#1": "x", "#2": "xy", "#3": "y" },
        },
      },
    ],
  },
  {
    id: "sliding",
    proves: ["P-26", "P-64", "P-71"],
    topology: "sliding",
    steps: [
      batch(
        1,
        [
          ["a", "four"],
          ["b", null],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "a", value: int32(4).toString() },
            { row: 1, key: "b", value: null },
          ],
        },
      },
      batch(2, [], {
        stage: 1,
        states: [],
        segments: [
          {
            ...segment([
              ["", ""],
              ["", ""],
            ]),
            keys: [timed("a", 5), timed("", -1)],
            values: [int32(4), int32(-2_000_000_000)],
          },
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 2,
          outputs: [
            { key: `a@5-${MINUTE + 5}`, value: "4" },
            { key: `@-1-${MINUTE - 1}`, value: "-2000000000" },
          ],
        },
      },
    ],
  },
  {
    id: "sliding-fold",
    proves: ["P-31", "P-71"],
    topology: "sliding-fold",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["a", null],
          ["b", "y"],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("0"), bytes(""), bytes(""), bytes("1")],
              absent: [1, 2],
              slots: [0, 1, 2, 3],
              slotCounts: [3, 0, 1],
              windowBase: 0n,
              windowUnitMs: 1n,
              // Two slots of one window: each is folded into by itself.
              windowSteps: [0, 10, 10, 5],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 3,
          outputs: [
            { row: 0, key: timed("a", 0).toString(), value: "0x" },
            { row: 0, key: timed("a", 10).toString(), value: "x" },
            { row: 0, key: timed("a", 10).toString(), value: "x" },
            { row: 2, key: timed("b", 5).toString(), value: "1y" },
          ],
          mutations: { "#0": "0x", "#1": "x", "#2": "x", "#3": "1y" },
        },
      },
      batch(2, [], {
        stage: 1,
        states: [],
        segments: [{ ...segment([["", "0x"]]), keys: [timed("a", 5)] }],
      }),
      {
        expect: {
          kind: "result",
          of: 2,
          outputs: [{ key: `a@5-${MINUTE + 5}`, value: "0x" }],
        },
      },
    ],
  },
  {
    id: "session",
    proves: ["P-69", "P-71", "P-30"],
    topology: "session",
    steps: [
      batch(
        1,
        [
          ["k", "x"],
          ["k", "y"],
          ["k", "z"],
          ["k", "late"],
          ["k", "q"],
          ["new", "n"],
        ],
        {
          states: sessions(
            [
              [0, 1_000, "(a"],
              [0, 31_000, null],
              [0, 60_000, null],
              [900_000, 900_010, "(b"],
              [7, 7, null],
            ],
            [[0, 1], [1, 2], [2], [], [3, 3], [4]],
          ),
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 6,
          outputs: [
            { row: 0, key: "k@0-1000", value: null, timestamp: 1_000 },
            { row: 0, key: "k@0-31000", value: "((a)x", timestamp: 31_000 },
            { row: 1, key: "k@0-31000", value: null, timestamp: 31_000 },
            { row: 1, key: "k@0-60000", value: "(((a)x)y", timestamp: 60_000 },
            { row: 2, key: "k@0-60000", value: "((((a)x)y)z", timestamp: 60_000 },
            { row: 4, key: "k@900000-900010", value: null, timestamp: 900_010 },
            { row: 4, key: "k@900000-900010", value: "((b)q", timestamp: 900_010 },
            { row: 5, key: "new@7-7", value: "(n", timestamp: 7 },
          ],
          mutations: { "#0": null, "#1": null, "#2": "((((a)x)y)z", "#3": "((b)q", "#4": "(n" },
        },
      },
    ],
  },
  {
    id: "session-merges-several",
    proves: ["P-69"],
    topology: "session",
    steps: [
      batch(1, [["k", "x"]], {
        segments: [segment([["k", "x"]], { headers: [{ row: 0, headers: [{ key: "trace" }] }] })],
        states: sessions(
          [
            [0, 1_000, "(a"],
            [50_000, 50_000, "(b"],
            [100_000, 110_000, "(c"],
            [0, 110_000, null],
          ],
          [[0, 1, 2, 3]],
        ),
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { key: "k@0-1000", value: null, timestamp: 1_000, headers: [] },
            { key: "k@50000-50000", value: null, timestamp: 50_000, headers: [] },
            { key: "k@100000-110000", value: null, timestamp: 110_000, headers: [] },
            { key: "k@0-110000", value: "((a)(b)(c)x", timestamp: 110_000, headers: [] },
          ],
          mutations: { "#0": null, "#1": null, "#2": null, "#3": "((a)(b)(c)x" },
        },
      },
    ],
  },
  {
    id: "session-without-value",
    proves: ["P-68", "P-69"],
    topology: "session",
    steps: [
      batch(
        1,
        [
          ["k", "end"],
          ["k", "x"],
        ],
        {
          states: sessions(
            [
              [0, 1_000, "(a"],
              [0, 2_000, null],
              [0, 3_000, null],
            ],
            [
              [0, 1],
              [1, 2],
            ],
          ),
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "k@0-1000", value: null },
            { row: 0, key: "k@0-2000", value: null },
            { row: 1, key: "k@0-3000", value: "(x" },
          ],
          mutations: { "#0": null, "#1": null, "#2": "(x" },
        },
      },
    ],
  },
  {
    id: "session-fails",
    proves: ["P-34", "P-69"],
    topology: "session",
    steps: [
      batch(
        1,
        [
          ["k", "x"],
          ["k", "fail"],
        ],
        {
          states: sessions(
            [
              [0, 1_000, "(a"],
              [0, 31_000, null],
              [0, 60_000, null],
            ],
            [
              [0, 1],
              [1, 2],
            ],
          ),
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 1,
          failure: /told to fail/,
          node: "fold",
          outputs: [
            { key: "k@0-1000", value: null },
            { key: "k@0-31000", value: "((a)x" },
          ],
          mutations: { "#0": null, "#1": "((a)x" },
        },
      },
      batch(2, [["k", "y"]], { states: sessions([[0, 0, "(b"]], [[0]]) }),
      { expect: { kind: "result", of: 2, outputs: [{ key: "k@0-0", value: "((b)y" }] } },
    ],
  },
  {
    id: "session-count",
    proves: ["P-26", "P-70"],
    topology: "session-count",
    steps: [
      batch(1, [], {
        states: [],
        segments: [
          {
            ...segment([
              ["", null],
              ["", ""],
              ["", ""],
            ]),
            keys: [timed("a", 1_000, 0), timed("a", 31_000, 0), timed("", -5, -MINUTE)],
            values: [new Uint8Array(), int64(3), int64(2 ** 40)],
          },
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { key: "a@0-1000", value: null },
            { key: "a@0-31000", value: "3" },
            { key: `@${-MINUTE}--5`, value: String(2 ** 40) },
          ],
        },
      },
    ],
  },
  ...(["held-back", "emitted"] as const).map((topology): Case => {
    return {
      id: topology,
      proves: [topology === "emitted" ? "P-80" : "P-81", "P-84"],
      topology,
      steps: [
        // As the sidecar sends what stream time has let go without a record.
        batch(1, [], {
          states: [],
          segments: [
            {
              baseOffset: 0n,
              baseTimestamp: 1_000n,
              offsetDeltas: [0, 0],
              keys: [timed("a", 0), timed("b", MINUTE)],
              values: [int64(3), int64(1)],
            },
          ],
        }),
        {
          expect: {
            kind: "result",
            of: 1,
            outputs: [
              { key: `a@0-${MINUTE}`, value: "3" },
              { key: `b@${MINUTE}-${2 * MINUTE}`, value: "1" },
            ],
          },
        },
      ],
    };
  }),
];
