import type { Case } from "../case.ts";
import { batch, bytes, revoked, states, withheld } from "../frames.ts";

const get = (key: string): object => ({ do: "get", key });
const put = (key: string, value: string): object => ({ do: "put", key, value });
const remove = (key: string): object => ({ do: "delete", key });
const range = (from: string | null, to: string | null, reverse = false): object => ({
  do: "range",
  from,
  to,
  reverse,
});

/** What an end of a range, included, is on the wire: the key after it. */
const after = (key: string): string => `${key}\0`;

/** State that travels, state that is asked for, and what is written. */
export const STATE_CASES: readonly Case[] = [
  {
    id: "state-travels",
    proves: ["P-27"],
    steps: [
      batch(
        1,
        [
          ["a", [get("a")]],
          ["b", [get("b")]],
          ["c", [get("c")]],
        ],
        {
          states: states("1", null, ""),
        },
      ),
      { expect: { kind: "result", of: 1, notes: [["1"], [null], [""]], mutations: {} } },
    ],
  },
  {
    id: "state-slots-shared",
    proves: ["P-27", "P-28", "P-30", "P-36"],
    steps: [
      batch(
        1,
        [
          ["a", [get("a"), put("a", "2")]],
          [null, [get("a")]],
          ["b", [get("b"), put("b", "9")]],
          ["a", [get("a"), put("a", "3")]],
        ],
        {
          states: [
            {
              store: 0,
              values: [bytes("1"), bytes("")],
              absent: [1],
              slots: [0, 1, 0],
              slotCounts: [1, 0, 1, 1],
            },
          ],
        },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [["1"], ["2"], [null], ["2"]],
          mutations: { "#0": "3", "#1": "9" },
        },
      },
    ],
  },
  {
    id: "state-asked-for",
    proves: ["P-32"],
    steps: [
      batch(
        1,
        [
          ["a", [get("x"), put("x", "7"), get("x")]],
          ["b", [get("x"), get("y")]],
        ],
        {
          states: states(null, null),
        },
      ),
      { expect: { kind: "ask", of: 1, keys: ["x"] } },
      { answer: { values: ["6"] } },
      { expect: { kind: "ask", of: 1, keys: ["y"] } },
      { answer: { values: [null] } },
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [
            ["6", "7"],
            ["7", null],
          ],
          mutations: { x: "7" },
        },
      },
    ],
  },
  {
    id: "state-withheld",
    proves: ["P-28", "P-45"],
    steps: [
      batch(
        1,
        [
          ["a", [get("a"), put("a", "2")]],
          ["a", [get("a")]],
        ],
        { states: withheld(2) },
      ),
      { expect: { kind: "ask", of: 1, keys: ["a"] } },
      { answer: { values: ["1"] } },
      { expect: { kind: "result", of: 1, notes: [["1"], ["2"]], mutations: { a: "2" } } },
    ],
  },
  {
    id: "state-deleted",
    proves: ["P-30", "P-36"],
    steps: [
      batch(
        1,
        [
          ["a", [remove("a"), get("a")]],
          ["b", [put("b", "2"), remove("b"), put("b", "3")]],
          ["c", [put("z", "1"), remove("z"), get("z")]],
        ],
        { states: states("1", "1", null) },
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [[null], [null]],
          mutations: { "#0": null, "#1": "3", z: null },
        },
      },
    ],
  },
  {
    id: "state-refused",
    proves: ["P-32", "P-33"],
    steps: [
      batch(1, [["a", [put("a", "1"), get("x")]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1 } },
      { answer: { error: "the task has left" } },
      { expect: { kind: "handBack", of: 1 } },
      batch(2, [["a", [get("a")]]], { states: states(null), taskEpoch: 2 }),
      { expect: { kind: "result", of: 2, epoch: 2, notes: [[null]], mutations: {} } },
    ],
  },
  {
    id: "range-pages",
    proves: ["P-46"],
    steps: [
      batch(1, [["a", [put("a", "1"), put("m", "2"), remove("n"), range("b", "p")]]], {
        states: states(null),
      }),
      {
        expect: {
          kind: "ask",
          of: 1,
          range: { from: "b", to: after("p") },
          written: { "#0": "1", m: "2", n: null },
        },
      },
      {
        answer: {
          entries: [
            ["c", "3"],
            ["m", "2"],
          ],
          more: true,
        },
      },
      { expect: { kind: "ask", of: 1, range: { from: after("m"), to: after("p") } } },
      { answer: { entries: [["o", ""]] } },
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [
            [
              [
                ["c", "3"],
                ["m", "2"],
                ["o", ""],
              ],
            ],
          ],
        },
      },
    ],
  },
  {
    id: "range-reverse",
    proves: ["P-46"],
    steps: [
      batch(1, [["a", [range(null, null, true), range("x", null)]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1, range: { reverse: true }, written: {} } },
      { answer: { entries: [["z", "1"]], more: true } },
      { expect: { kind: "ask", of: 1, range: { to: "z", reverse: true } } },
      { answer: { entries: [] } },
      { expect: { kind: "ask", of: 1, range: { from: "x" } } },
      { answer: { entries: [["z", "1"]] } },
      { expect: { kind: "result", of: 1, notes: [[[["z", "1"]], [["z", "1"]]]] } },
    ],
  },
  {
    id: "answer-late",
    proves: ["P-38", "P-40"],
    steps: [
      batch(1, [["a", [get("x")]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1 } },
      revoked(),
      { answer: { values: ["of no use"] } },
      batch(1, [["a", [get("x")]]], { states: states(null), taskEpoch: 2 }),
      { expect: { kind: "ask", of: 1, keys: ["x"] } },
      { answer: { values: ["right"] } },
      // Again, for the question that is answered: nobody waits for it.
      { answer: { values: ["doubled"] } },
      { expect: { kind: "result", of: 1, epoch: 2, notes: [["right"]] } },
    ],
  },
  {
    id: "answers-reordered",
    proves: ["P-19", "P-32"],
    steps: [
      batch(1, [["a", [get("x")]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1, keys: ["x"] } },
      batch(1, [["b", [get("y")]]], { states: states(null), taskId: "0_1" }),
      { expect: { kind: "ask", of: 1, keys: ["y"] } },
      { answer: { values: ["of y"] }, of: "0_1" },
      { expect: { kind: "result", of: 1, task: "0_1", notes: [["of y"]] } },
      { answer: { values: ["of x"] }, of: "0_0" },
      { expect: { kind: "result", of: 1, notes: [["of x"]] } },
    ],
  },
  {
    id: "answer-unasked",
    proves: ["P-32"],
    steps: [
      { answerUnasked: { values: ["for nobody"] } },
      batch(1, [["a", [get("x")]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1, keys: ["x"] } },
      { answerUnasked: { values: ["for nobody"] } },
      { answerUnasked: { error: "for nobody" } },
      { answer: { values: ["right"] } },
      { expect: { kind: "result", of: 1, notes: [["right"]] } },
    ],
  },
  {
    id: "cut-while-ranging",
    proves: ["P-03", "P-46"],
    steps: [
      batch(1, [["a", [range(null, null)]]], { states: states(null) }),
      { expect: { kind: "ask", of: 1, range: {} } },
      { answer: { entries: [["c", "old"]], more: true } },
      { expect: { kind: "ask", of: 1, range: { from: after("c") } } },
      { end: "cut" },
      { again: true },
      batch(1, [["a", [range(null, null)]]], { states: states(null), taskEpoch: 2 }),
      { expect: { kind: "ask", of: 1, range: {} } },
      { answer: { entries: [["d", "new"]] } },
      { expect: { kind: "result", of: 1, epoch: 2, notes: [[[["d", "new"]]]] } },
    ],
  },
];
