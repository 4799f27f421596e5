import type { Case } from "../case.ts";
import { batch, bytes, segment, timed } from "../frames.ts";

const MINUTE = 60_000;

/** Folds of the application whose results the sidecar holds back: each update is answered all the same. */
export const EMITTED_CASES: readonly Case[] = [
  {
    id: "closing-fold",
    proves: ["P-80", "P-64", "P-84"],
    topology: "closing-fold",
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
              values: [bytes("0"), bytes(""), bytes("")],
              absent: [1, 2],
              slots: [0, 1, 1, 2],
              slotCounts: [2, 0, 2],
              windowBase: 0n,
              windowUnitMs: 20_000n,
              windowSteps: [0, 1, 2],
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
            { row: 0, key: timed("a", 20_000).toString(), value: "x" },
            { row: 2, key: timed("a", 20_000).toString(), value: "xy" },
            { row: 2, key: timed("a", 40_000).toString(), value: "y" },
          ],
          mutations: { "#0": "0x", "#1": "xy", "#2": "y" },
        },
      },
      // What closes comes without a record.
      batch(2, [], {
        stage: 1,
        states: [],
        segments: [
          {
            ...segment([
              ["", "0x"],
              ["", "xy"],
            ]),
            keys: [timed("a", 0), timed("a", 20_000)],
          },
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 2,
          outputs: [
            { key: `a@0-${MINUTE}`, value: "0x" },
            { key: `a@20000-${MINUTE + 20_000}`, value: "xy" },
          ],
        },
      },
    ],
  },
  {
    id: "committing-fold",
    proves: ["P-80", "P-68"],
    topology: "committing-fold",
    steps: [
      batch(
        1,
        [
          ["a", "x"],
          ["b", "y"],
          ["a", "z"],
          ["b", "end"],
        ],
        {
          states: [{ store: 0, values: [bytes("0"), bytes("")], absent: [1], slots: [0, 1, 0, 1] }],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 4,
          outputs: [
            { row: 0, key: "a", value: "0x" },
            { row: 1, key: "b", value: "y" },
            { row: 2, key: "a", value: "0xz" },
            { row: 3, key: "b", value: null },
          ],
          mutations: { "#0": "0xz", "#1": null },
        },
      },
    ],
  },
];
