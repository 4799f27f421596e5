import { create, toBinary } from "@bufbuild/protobuf";
import { ProcessResponseSchema } from "../../../src/gen/outrigger/v1/processor_pb.ts";
import type { Case, Step } from "../case.ts";
import { batch, sent, states } from "../frames.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Small frames to the sidecar; those of a worker are 4 MiB. */
const AGREED = { maxFrameBytes: 128 * KIB, maxMessageBytes: 16 * MIB };

const forward = (value: string): object => ({ do: "forward", key: "k", value });
const put = (key: string, value: string): object => ({ do: "put", key, value });
const LARGE = "y".repeat(5 * MIB);
const MIDDLE = "z".repeat(300 * KIB);

function chunk(data: Uint8Array, last: boolean): Step {
  return sent({ case: "chunk", value: { data, last } });
}

const drain = sent({ case: "drain", value: { timeoutMs: 1 } });
const BROKEN = { exit: 1, said: /PROTOCOL_VIOLATION/ };
const NESTED = toBinary(
  ProcessResponseSchema,
  create(ProcessResponseSchema, {
    frame: { case: "chunk", value: { data: Buffer.alloc(9), last: true } },
  }),
);

/** Frames that are larger than their receiver takes at once. */
export const CHUNK_CASES: readonly Case[] = [
  {
    id: "chunks-of-a-batch",
    proves: ["P-13", "P-56", "P-57", "P-58"],
    welcomed: AGREED,
    steps: [
      batch(1, [
        ["a", [{ do: "get", key: "a" }]],
        ["b", LARGE],
      ]),
      { expect: { kind: "ask", of: 1, keys: ["a"] } },
      { answer: { values: [LARGE] } },
      { expect: { kind: "result", of: 1, done: 1, failure: /app\/commands-0@11/ } },
      batch(2, [["a", [forward("next")]]]),
      { expect: { kind: "result", of: 2, outputs: [{ value: "next" }] } },
    ],
  },
  {
    id: "chunks-of-state",
    proves: ["P-56", "P-57"],
    welcomed: AGREED,
    steps: [
      batch(1, [["a", [{ do: "get", key: "a" }, put("a", "new")]]], { states: states(LARGE) }),
      {
        expect: { kind: "result", of: 1, notes: [[LARGE]], mutations: { "#0": "new" } },
      },
    ],
  },
  {
    id: "chunks-of-a-result",
    proves: ["P-56", "P-57"],
    welcomed: AGREED,
    steps: [
      batch(1, [["a", [forward(MIDDLE), forward("small"), put("x", MIDDLE)]]]),
      {
        expect: {
          kind: "result",
          of: 1,
          outputs: [{ value: MIDDLE }, { value: "small" }],
          mutations: { x: MIDDLE },
        },
      },
      batch(2, [["a", [forward(LARGE)]]]),
      // While it is on its way another task asks, and others answer.
      batch(3, [["a", [{ do: "get", key: "q" }, forward("beside")]]], { taskId: "0_1" }),
      {
        expectAll: [
          { kind: "result", of: 2, outputs: [{ value: LARGE }] },
          { kind: "ask", of: 3, keys: ["q"] },
        ],
      },
      { answer: { values: [null] }, of: "0_1" },
      { expect: { kind: "result", of: 3, task: "0_1" } },
    ],
  },
  {
    id: "chunks-of-a-question",
    proves: ["P-46", "P-56"],
    welcomed: AGREED,
    steps: [
      batch(1, [["a", [put("x", MIDDLE), { do: "range", from: "a", to: "c" }]]]),
      {
        expect: { kind: "ask", of: 1, range: { from: "a", to: "c\u0000" }, written: { x: MIDDLE } },
      },
      { answer: { entries: [["b", LARGE]] } },
      { expect: { kind: "result", of: 1, notes: [[[["b", LARGE]]]], mutations: { x: MIDDLE } } },
    ],
  },
  {
    id: "chunks-above-what-was-agreed",
    proves: ["P-56", "P-34"],
    welcomed: { maxFrameBytes: 128 * KIB, maxMessageBytes: 512 * KIB },
    steps: [
      batch(1, [
        ["a", [forward(MIDDLE)]],
        ["b", [forward(MIDDLE)]],
      ]),
      { expect: { kind: "result", of: 1, done: 1, failure: /bytes/, outputs: [{ row: 0 }] } },
      batch(2, [["a", [forward(MIDDLE), forward(MIDDLE)]]]),
      {
        expect: { kind: "result", of: 2, done: 0, failure: /server\.max\.message/, outputs: [] },
      },
    ],
  },
  {
    id: "chunks-cut-off-by-a-reject",
    proves: ["P-57"],
    welcomed: AGREED,
    steps: [
      chunk(Buffer.alloc(64 * KIB), false),
      sent({ case: "reject", value: { code: "HANDLER_FAILED", message: "told to go" } }),
      { exit: 1, said: /HANDLER_FAILED.*told to go/ },
    ],
  },
  {
    id: "chunks-cut-off-by-a-connection",
    proves: ["P-03", "P-57"],
    welcomed: AGREED,
    steps: [
      chunk(Buffer.alloc(64 * KIB), false),
      { end: "cut" },
      { again: true },
      batch(1, [["a", [forward("anew")]]]),
      { expect: { kind: "result", of: 1, outputs: [{ value: "anew" }] } },
    ],
  },
  {
    id: "chunks-with-a-frame-between",
    proves: ["P-57", "P-58"],
    welcomed: AGREED,
    steps: [chunk(Buffer.alloc(64 * KIB), false), drain, BROKEN],
  },
  {
    id: "chunks-not-agreed-on",
    proves: ["P-56", "P-58"],
    steps: [chunk(Buffer.alloc(64 * KIB), false), BROKEN],
  },
  {
    id: "chunks-beyond-the-bound",
    proves: ["P-56", "P-58"],
    welcomed: { maxMessageBytes: MIB },
    steps: [chunk(Buffer.alloc(MIB), false), chunk(Buffer.alloc(1), true), BROKEN],
  },
  {
    id: "chunks-that-are-empty",
    proves: ["P-57", "P-58"],
    welcomed: AGREED,
    steps: [chunk(Buffer.alloc(0), false), BROKEN],
  },
  {
    id: "chunks-of-a-chunk",
    proves: ["P-57", "P-58"],
    welcomed: AGREED,
    steps: [chunk(NESTED, true), BROKEN],
  },
];
