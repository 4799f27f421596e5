import type { Case } from "../case.ts";
import { batch, type Row, segment } from "../frames.ts";

const forward = (key: string | null, value: string | null, over: object = {}): object => ({
  do: "forward",
  key,
  value,
  ...over,
});
const wait = (ms: number): object => ({ do: "wait", ms });
const describe: Row = ["k", [{ do: "describe" }]];

const T0 = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Rows in, outputs out. */
export const BATCH_CASES: readonly Case[] = [
  {
    id: "rows-in-order",
    proves: ["P-18", "P-19", "P-33", "P-34", "P-35"],
    steps: [
      batch(7, [
        ["a", [wait(30), forward("a", "1"), forward("b", "2")]],
        ["b", []],
        ["c", [forward("c", "3")]],
      ]),
      {
        expect: {
          kind: "result",
          of: 7,
          done: 3,
          outputs: [
            { row: 0, key: "a", value: "1" },
            { row: 0, key: "b", value: "2" },
            { row: 2, key: "c", value: "3" },
          ],
          mutations: {},
        },
      },
    ],
  },
  {
    id: "batches-in-order",
    proves: ["P-19"],
    steps: [
      batch(1, [["a", [wait(60), forward("a", "1")]]]),
      batch(2, [["a", [forward("a", "2")]]]),
      batch(3, [["a", [wait(10), forward("a", "3")]]]),
      { expect: { kind: "result", of: 1, outputs: [{ value: "1" }] } },
      { expect: { kind: "result", of: 2, outputs: [{ value: "2" }] } },
      { expect: { kind: "result", of: 3, outputs: [{ value: "3" }] } },
    ],
  },
  {
    id: "tasks-side-by-side",
    proves: ["P-18", "P-19"],
    steps: [
      batch(1, [["a", [wait(400), forward("a", "slow")]]]),
      batch(1, [["b", [forward("b", "fast")]]], { taskId: "0_1", taskEpoch: 4 }),
      { expect: { kind: "result", of: 1, task: "0_1", epoch: 4, outputs: [{ value: "fast" }] } },
      { expect: { kind: "result", of: 1, outputs: [{ value: "slow" }] } },
    ],
  },
  {
    id: "several-segments",
    proves: ["P-20", "P-22", "P-24"],
    steps: [
      batch(1, [], {
        segments: [
          segment([describe, describe], { baseOffset: 5n, partition: 3, baseTimestamp: -1_000n }),
          segment([describe], {
            baseOffset: 1_099_511_627_776n,
            partition: 4,
            baseTimestamp: 1_700_000_000_000n,
          }),
          segment([describe, describe], {
            partition: 3,
            offsetDeltas: [0, 7],
            timestampDeltas: [5, -2_000],
          }),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [0, 1, 2, 3, 4].map((row) => ({ row })),
          notes: [
            note(3, 5, -1_000),
            note(3, 6, -1_000),
            note(4, 1_099_511_627_776, 1_700_000_000_000),
            note(3, 10, 1_005),
            note(3, 17, -1_000),
          ],
        },
      },
    ],
  },
  {
    id: "null-is-not-empty",
    proves: ["P-23"],
    steps: [
      batch(1, [
        [null, [{ do: "describe" }]],
        ["", [{ do: "describe" }]],
        ["k", null],
        ["k", [forward(null, ""), forward("", null)]],
      ]),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, key: null },
            { row: 1, key: "" },
            { row: 2, key: "k", value: null },
            { row: 3, key: null, value: "" },
            { row: 3, key: "", value: null },
          ],
        },
      },
    ],
  },
  {
    id: "headers-survive",
    proves: ["P-25", "P-35"],
    steps: [
      batch(1, [], {
        segments: [
          segment(
            [
              ["a", [forward("a", "inherits")]],
              [
                "b",
                [
                  { do: "describe" },
                  forward("b", "own", {
                    headers: [
                      ["x", "1"],
                      ["x", null],
                    ],
                  }),
                ],
              ],
              ["c", [forward("c", "none", { headers: [] })]],
            ],
            {
              headers: [1, 2].map((row) => ({
                row,
                headers: [
                  { key: "h", value: Buffer.from("1") },
                  { key: "g", value: Buffer.alloc(0) },
                  { key: "h" },
                ],
              })),
            },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [
            { row: 0, headers: [] },
            {
              row: 1,
              value: "own",
              headers: [
                ["x", "1"],
                ["x", null],
              ],
            },
            {
              row: 1,
              headers: [
                ["h", "1"],
                ["g", ""],
                ["h", null],
              ],
            },
            { row: 2, headers: [] },
          ],
        },
      },
    ],
  },
  {
    id: "timestamps-inherit",
    proves: ["P-24", "P-35"],
    steps: [
      batch(1, [], {
        segments: [
          segment(
            [
              ["a", [forward("a", "1")]],
              ["b", [forward("b", "2", { timestamp: -5 }), forward("b", "3")]],
            ],
            { timestampDeltas: [0, 50] },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [{ timestamp: 1_000 }, { timestamp: -5 }, { timestamp: 1_050 }],
        },
      },
    ],
  },
  {
    id: "idempotency-token",
    proves: ["P-21"],
    welcomed: { applicationId: "shop", sources: ["commands"] },
    steps: [
      batch(1, [describe]),
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [[{ ...described(0, 10, 1_000), idempotencyKey: "shop/commands-0@10" }]],
        },
      },
    ],
  },
  {
    id: "trace-context",
    proves: ["P-25"],
    steps: [
      batch(1, [], {
        segments: [
          segment(
            [
              ["a", [{ do: "trace" }]],
              ["b", [wait(5), { do: "trace" }]],
            ],
            {
              headers: [
                { row: 1, headers: [{ key: "traceparent", value: Buffer.from(T0) }, { key: "h" }] },
              ],
            },
          ),
        ],
      }),
      {
        expect: {
          kind: "result",
          of: 1,
          notes: [[null], [T0]],
          outputs: [
            { headers: [] },
            {
              headers: [
                ["traceparent", T0],
                ["h", null],
              ],
            },
          ],
        },
      },
    ],
  },
  {
    id: "many-rows",
    proves: ["P-22", "P-35"],
    steps: [
      batch(
        1,
        Array.from({ length: 500 }, (_, row): Row => ["k", [forward("k", String(row))]]),
      ),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: Array.from({ length: 500 }, (_, row) => ({ row, value: String(row) })),
        },
      },
    ],
  },
];

function described(partition: number, offset: number, timestamp: number): object {
  const idempotencyKey = `app/commands-${partition}@${offset}`;
  return { topic: "commands", partition, offset, timestamp, key: "k", idempotencyKey, headers: [] };
}

function note(partition: number, offset: number, timestamp: number): readonly object[] {
  return [described(partition, offset, timestamp)];
}
