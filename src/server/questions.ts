import { OutriggerError } from "../errors/outrigger-error.ts";
import type { StateRequest } from "../gen/outrigger/v1/state_pb.ts";
import type { AskedRange, BatchName, StateAnswer, StateQuestion } from "../ports/application.ts";
import type { KeySet } from "../ports/store.ts";
import type { ResponseFrame } from "./frames.ts";
import {
  QUESTION_KEYS_MAX,
  QUESTIONS_MAX,
  RANGE_BYTES_MAX,
  RANGE_ENTRIES_MAX,
  RANGE_ENTRY_BYTES,
} from "./limits.ts";

type StateResponse = Extract<ResponseFrame, { case: "stateResponse" }>["value"];

const EMPTY = Buffer.alloc(0);

/** The questions for state that one worker has open. */
export class Questions {
  readonly #open = new Set<number>();

  /** Throws PROTOCOL_VIOLATION for one that no worker may ask. */
  ask(request: StateRequest): StateQuestion {
    const { requestId, store, keys } = request;
    if (this.#open.has(requestId)) {
      throw violation(`state request ${requestId} is open already; give each an id of its own`);
    }
    if (this.#open.size >= QUESTIONS_MAX || keys.length > QUESTION_KEYS_MAX) {
      throw violation(
        `state request ${requestId} asks for ${keys.length} keys while ${this.#open.size} ` +
          `requests are open; at most ${QUESTION_KEYS_MAX} keys and ${QUESTIONS_MAX} requests`,
      );
    }
    const range = rangeOf(request);
    this.#open.add(requestId);
    return {
      ...batchNameOf(request),
      requestId,
      store,
      keys: range === null ? keySet(keys) : null,
      range,
    };
  }

  /** False when nobody waits for the answer. */
  answered(requestId: number): boolean {
    return this.#open.delete(requestId);
  }

  clear(): void {
    this.#open.clear();
  }
}

export function stateResponse(requestId: number, answer: StateAnswer): StateResponse {
  switch (answer.kind) {
    case "refused":
      return { requestId, error: answer.error.message };
    case "page": {
      const { keys, values, more } = answer.page;
      return { requestId, keys: [...keys], values: [...values], more };
    }
    case "values": {
      const { values } = answer;
      const absent = values.flatMap((value, index) => (value === null ? [index] : []));
      return { requestId, values: values.map((value) => value ?? EMPTY), absent };
    }
  }
}

export function batchNameOf(frame: {
  readonly taskId: string;
  readonly taskEpoch: number;
  readonly dispatchId: bigint;
}): BatchName {
  const { taskId, taskEpoch, dispatchId } = frame;
  return { taskName: taskId, taskEpoch, dispatchId: Number(dispatchId) };
}

export function violation(what: string): OutriggerError {
  return new OutriggerError("PROTOCOL_VIOLATION", what);
}

function rangeOf({ requestId, keys, range, written }: StateRequest): AskedRange | null {
  if (range === undefined) return null;
  if (keys.length > 0) {
    throw violation(`state request ${requestId} asks for keys and for a range; send one of them`);
  }
  const changed = (written?.slots.length ?? 0) + (written?.keys.length ?? 0);
  if (changed !== (written?.values.length ?? 0)) {
    throw violation(
      `state request ${requestId} has written ${changed} keys and ${written?.values.length} ` +
        "values; send as many",
    );
  }
  const deletes = new Set(written?.deletes);
  const values = (written?.values ?? []).map((value, index) =>
    deletes.has(index) ? null : asBuffer(value),
  );
  return {
    from: range.from === undefined ? null : asBuffer(range.from),
    to: range.to === undefined ? null : asBuffer(range.to),
    reverse: range.reverse,
    slots: written?.slots ?? [],
    keys: (written?.keys ?? []).map(asBuffer),
    values,
    limits: {
      entriesMax: Math.min(range.limit || RANGE_ENTRIES_MAX, RANGE_ENTRIES_MAX),
      // What frames take besides keys and values counts as if it were theirs.
      bytesMax: RANGE_BYTES_MAX - RANGE_ENTRIES_MAX * RANGE_ENTRY_BYTES,
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function keySet(keys: readonly Uint8Array[]): KeySet {
  const positions = new Int32Array(keys.length * 2);
  let position = 0;
  for (const [index, key] of keys.entries()) {
    positions[index * 2] = position;
    positions[index * 2 + 1] = key.length;
    position += key.length;
  }
  return { count: keys.length, positions, bytes: Buffer.concat(keys) };
}
