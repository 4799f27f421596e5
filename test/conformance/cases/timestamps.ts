import type { Case } from "../case.ts";
import { batch, bytes, int64, segment } from "../frames.ts";

/** Timestamps whose bytes are text: what is compared is read as such. */
const A = 0x41;
const B = 0x42;

function stamped(value: string, timestamp: number): Buffer {
  return Buffer.concat([int64(timestamp), bytes(value)]);
}

const text = (value: string, timestamp: number): string => stamped(value, timestamp).toString();

/** Stores whose values carry timestamps, prefixes of keys, topics that are chosen for each record. */
export const TIMESTAMP_CASES: readonly Case[] = [
  {
    id: "timestamps",
    proves: ["P-85"],
    topology: "timestamped",
    steps: [
      batch(1, [], {
        segments: [
          segment(
            [
              ["a", "one"],
              ["b", "fixed"],
              ["a", "two"],
              ["c", null],
            ],
            { baseTimestamp: BigInt(A), timestampDeltas: [0, 0, 1, 1] },
          ),
        ],
        states: [
          {
            store: 0,
            values: [stamped("old", 9), new Uint8Array(), stamped("", -1)],
            absent: [1],
            slots: [0, 1, 0, 2],
          },
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: "a", value: "old@9" },
            { row: 1, key: "b", value: "none" },
            { row: 2, key: "a", value: `one@${A}` },
            { row: 3, key: "c", value: "@-1" },
          ],
          mutations: { "#0": text("two", B), "#1": text("fixed", 5), "#2": null },
        },
      },
    ],
  },
  {
    id: "prefix",
    proves: ["P-46", "P-88"],
    topology: "timestamped",
    steps: [
      batch(1, [], {
        segments: [
          segment(
            [
              ["a", "one"],
              ["p", "prefix:a"],
              ["p", "reverse:a"],
            ],
            { baseTimestamp: BigInt(A) },
          ),
        ],
        states: [
          {
            store: 0,
            values: [new Uint8Array(), new Uint8Array()],
            absent: [0, 1],
            slots: [0, 1, 1],
          },
        ],
      }),
      {
        expect: {
          kind: "ask",
          of: 1,
          range: { from: "a", to: "b" },
          written: { "#0": text("one", A) },
        },
      },
      { answer: { entries: [["a", text("one", A)]], more: true } },
      { expect: { kind: "ask", of: 1, range: { from: "a\0", to: "b" } } },
      { answer: { entries: [["ab", text("x", B)]] } },
      { expect: { kind: "ask", of: 1, range: { from: "a", to: "b", reverse: true } } },
      { answer: { entries: [["ab", text("x", B)]], more: true } },
      { expect: { kind: "ask", of: 1, range: { from: "a", to: "ab", reverse: true } } },
      { answer: { entries: [] } },
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, value: "none" },
            { row: 1, value: `a=one@${A},ab=x@${B}` },
            { row: 2, value: `ab=x@${B}` },
          ],
        },
      },
    ],
  },
  {
    id: "chosen-topics",
    proves: ["P-89"],
    topology: "chosen",
    steps: [
      batch(
        1,
        [
          ["a", "others"],
          ["b", "results"],
          ["c", "elsewhere"],
        ],
        { states: [] },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          done: 2,
          failure: /elsewhere.*results, others/,
          node: "choose",
          outputs: [
            { row: 0, key: "a", value: "others", sink: 1 },
            { row: 1, key: "b", value: "results", sink: 0 },
          ],
        },
      },
    ],
  },
];
