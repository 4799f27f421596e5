import type { Case } from "../case.ts";
import { batch, segment, states } from "../frames.ts";

const ask = (value: string | null): object => ({ do: "afterCommit", value });
const forward = (value: string): object => ({ do: "forward", key: "k", value });
const fail = (message: string): object => ({ do: "fail", message });

const RECEIPT = { taskId: "1_0", stage: 1, states: [] };

/** What runs once its record has committed: asked for in one stage, run in another. */
export const HOOK_CASES: readonly Case[] = [
  {
    id: "hook-request",
    proves: ["P-60"],
    topology: "hook",
    steps: [
      batch(1, [], {
        states: states(null, null, null),
        segments: [
          segment(
            [
              ["a", [ask("mail"), forward("sent"), ask(null)]],
              ["b", [forward("silent")]],
              ["c", [ask("never"), fail("half-way")]],
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
          done: 2,
          failure: /half-way/,
          outputs: [
            {
              ...{ row: 0, key: "a", value: "mail", sink: 1, timestamp: 1_000 },
              headers: [["trace", "7"]],
            },
            { row: 0, key: "k", value: "sent", sink: 0 },
            { row: 0, key: "a", value: null, sink: 1 },
            { row: 1, key: "k", value: "silent", sink: 0 },
          ],
        },
      },
    ],
  },
  {
    id: "hook-runs",
    proves: ["P-61", "P-19"],
    topology: "hook",
    steps: [
      batch(1, [], {
        ...RECEIPT,
        segments: [
          segment(
            [
              ["a", "mail"],
              [null, null],
              ["c", "fail: no mail today"],
              ["d", "never run"],
            ],
            { source: 1, partition: 3 },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          task: "1_0",
          done: 2,
          failure: /fail: no mail today c app\/app-receipt-hook-3@12/,
          node: "receipt",
          outputs: [],
        },
      },
      // It keeps no batch of another task waiting, nor changes what that one's stage means.
      batch(2, [["a", [forward("fine")]]], { states: states(null) }),
      { expect: { kind: "result", of: 2, task: "0_0", outputs: [{ value: "fine", sink: 0 }] } },
    ],
  },
];
