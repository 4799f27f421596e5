import type { Frame, Result } from "./hostile-worker.ts";

/** What breaks the protocol, and what is said of it. */

const MIB = 1024 * 1024;

/** An answer that no SDK would give, and what the sidecar's log says of it. */
export const ANSWERS: Readonly<Record<string, { readonly given: Partial<Result>; said: RegExp }>> =
  {
    "a row that is not in the batch": {
      given: { outputs: outputs({ inputs: [9_999] }) },
      said: /output 0 names row 9999; rows must ascend and be below \d+/,
    },
    "a sink that is not declared": {
      given: { outputs: outputs({ sinks: [7] }) },
      said: /output 0 names sink 7; the stage has 1/,
    },
    "columns of different lengths": {
      given: { outputs: outputs({ values: [] }) },
      said: /the answer to batch \d+ of task 0_\d/,
    },
    "more rows than the batch has": {
      given: { done: 70_000 },
      said: /it says 70000 rows are done, but the batch has \d+/,
    },
    "fewer rows, and no failure": {
      given: { done: 0 },
      said: /it says 0 of \d+ rows are done and names no failure/,
    },
    "a store that is not declared": {
      given: { mutations: [{ store: 9 }] },
      said: /it changes store 9, which is unknown to the stage or named twice/,
    },
    "a slot that is not there": {
      given: { mutations: [{ store: 0, slots: [5_000], values: [Buffer.from("x")] }] },
      said: /it changes slot 5000; the store has \d+/,
    },
    "a value that its topic refuses": {
      given: { outputs: outputs({ values: [Buffer.alloc(2 * MIB)] }) },
      said: /output 0 for \S+ has \d+ bytes; the limit is/,
    },
  };

export function outputs(over: NonNullable<Partial<Result>["outputs"]>): Result["outputs"] {
  return { inputs: [0], keys: [Buffer.from("k")], values: [Buffer.from("v")], ...over };
}

/** Frames that break the protocol, and what the worker is told before its stream ends. */
export const FRAMES: Readonly<
  Record<string, { readonly frame: Frame | Buffer; readonly said: RegExp }>
> = {
  "bytes that are no frame": { frame: Buffer.from("not a frame"), said: /PROTOCOL_VIOLATION/ },
  "an empty frame": { frame: Buffer.alloc(0), said: /PROTOCOL_VIOLATION/ },
  "a second hello": {
    frame: { case: "hello", value: { protocolMinor: 1 } },
    said: /a second hello came; send it once, as the first frame/,
  },
  "a frame above the limit": {
    frame: Buffer.alloc(5 * MIB),
    said: /larger than max|RESOURCE_EXHAUSTED|limit/,
  },
};
