import assert from "node:assert/strict";
import { type ProcessRequest, Verdict } from "../../src/gen/outrigger/v1/processor_pb.ts";
import type { RowHeaders } from "../../src/gen/outrigger/v1/records_pb.ts";
import type { Mutations } from "../../src/gen/outrigger/v1/state_pb.ts";
import type { Expected, SeenOutput, SidecarFrame, Text } from "./case.ts";

type WorkerFrame = ProcessRequest["frame"];
type Result = Extract<WorkerFrame, { case: "result" }>["value"];
type SentBatch = Extract<SidecarFrame, { case: "batch" }>["value"];
type Headers = readonly (readonly [string, Text])[];

/** What a row of a batch came with: outputs that say nothing else inherit it. */
interface Input {
  readonly timestamp: number;
  readonly headers: Headers;
}

export function inputsOf(batch: SentBatch): Input[] {
  return (batch.segments ?? []).flatMap((segment) =>
    (segment.keys ?? []).map((_, row) => ({
      timestamp: Number(segment.baseTimestamp ?? 0n) + (segment.timestampDeltas?.[row] ?? 0),
      headers: headersAt(segment.headers as readonly RowHeaders[] | undefined, row) ?? [],
    })),
  );
}

function headersAt(rows: readonly RowHeaders[] | undefined, row: number): Headers | null {
  const found = rows?.find((listed) => (listed.row ?? 0) === row);
  if (found === undefined) return null;
  return (found.headers ?? []).map(({ key, value }) => [
    key,
    value === undefined ? null : Buffer.from(value).toString(),
  ]);
}

/** The outputs of a result, with what they inherit. Fails where the columns do not fit together. */
export function outputsOf({ outputs }: Result, inputs: readonly Input[]): SeenOutput[] {
  if (outputs === undefined) return [];
  const { inputs: rows, sinks, keys, values, nullKeys, nullValues, timestamps } = outputs;
  for (const [name, column] of Object.entries({ keys, values })) {
    assert.equal(column.length, rows.length, `${name} has another length than inputs`);
  }
  for (const column of [sinks, timestamps]) {
    assert.ok(column.length === 0 || column.length === rows.length, "a column is cut short");
  }
  return rows.map((row, index) => {
    const input = inputs[row];
    assert.ok(input !== undefined, `output ${index} names row ${row}, of which there is none`);
    return {
      row,
      sink: sinks[index] ?? 0,
      key: nullKeys.includes(index) ? null : text(keys[index]),
      value: nullValues.includes(index) ? null : text(values[index]),
      timestamp: Number(timestamps[index] ?? input.timestamp),
      headers: headersAt(outputs.headers, index) ?? input.headers,
    };
  });
}

/** By slot (`#0`) or by key. Fails where a key is named twice. */
export function mutationsOf(changes: Mutations | undefined): Record<string, Text> {
  const { slots = [], keys = [], values = [], deletes = [] } = changes ?? {};
  const names = [...slots.map((slot) => `#${slot}`), ...keys.map((key) => text(key))];
  assert.equal(values.length, names.length, "mutations have another number of values than keys");
  assert.equal(new Set(names).size, names.length, "a key is changed twice");
  return Object.fromEntries(
    names.map((name, index) => [name, deletes.includes(index) ? null : text(values[index])]),
  );
}

/** By `node key name clock`. Fails where the columns do not fit together, or a timer is named twice. */
function timersOf({ timers }: Result): Record<string, number | null> {
  const nodes = timers.map(({ node }) => node);
  assert.equal(new Set(nodes).size, nodes.length, "the timers of a node are there twice");
  const found = timers.flatMap(({ node, keys, names, clocks, times, deletes }) => {
    assert.equal(names.length, keys.length, "timers have another number of names than keys");
    assert.equal(times.length, keys.length, "timers have another number of times than keys");
    assert.ok(clocks.length === 0 || clocks.length === keys.length, "clocks are cut short");
    return keys.map((key, index) => {
      const at = deletes.includes(index) ? null : Number(times[index]);
      return [`${node} ${text(key)} ${names[index]} ${clocks[index] ?? 1}`, at] as const;
    });
  });
  const named = Object.fromEntries(found);
  assert.equal(Object.keys(named).length, found.length, "a timer is changed twice");
  return named;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

/** Throws unless the frame is what the case expects. */
export function compare(frame: WorkerFrame, expected: Expected, inputs: readonly Input[]): void {
  switch (expected.kind) {
    case "paused":
      assert.ok(frame.case === "credit", `expected a credit of 0, got ${frame.case}`);
      assert.equal(frame.value.batches, 0);
      return;
    case "handBack":
      assert.ok(frame.case === "handBack", `expected a handBack, got ${describe(frame)}`);
      assert.equal(Number(frame.value.dispatchId), expected.of);
      return;
    case "ask": {
      assert.ok(frame.case === "stateRequest", `expected a question, got ${describe(frame)}`);
      const { dispatchId, keys, range, written } = frame.value;
      assert.equal(Number(dispatchId), expected.of);
      if (expected.keys !== undefined) assert.deepEqual(keys.map(text), expected.keys);
      if (expected.range !== undefined) {
        const { from, to, reverse = false } = expected.range;
        assert.ok(range !== undefined, "it asks for no range");
        const ends = [range.from, range.to].map((end) =>
          end === undefined ? undefined : text(end),
        );
        assert.deepEqual([...ends, range.reverse], [from, to, reverse]);
      }
      if (expected.written !== undefined) assert.deepEqual(mutationsOf(written), expected.written);
      return;
    }
    case "result":
      assert.ok(frame.case === "result", `expected a result, got ${describe(frame)}`);
      compareResult(frame.value, expected, inputs);
      return;
  }
}

function compareResult(
  result: Result,
  expected: Extract<Expected, { kind: "result" }>,
  inputs: readonly Input[],
): void {
  assert.equal(Number(result.dispatchId), expected.of, "the dispatch id");
  assert.equal(result.taskEpoch, expected.epoch ?? 1, "the task epoch");
  assert.equal(result.taskId, expected.task ?? "0_0", "the task");
  const { failure = null } = expected;
  if (failure === null) {
    assert.equal(result.failure?.message, undefined, "it failed");
    assert.equal(result.done, expected.done ?? inputs.length, "rows done");
  } else {
    assert.match(result.failure?.message ?? "no failure", failure);
    assert.equal(result.done, expected.done ?? 0, "rows done before the failure");
    for (const part of ["type", "message", "stack"] as const) {
      const size = Buffer.byteLength(result.failure?.[part] ?? "");
      assert.ok(size <= 4_096, `the failure's ${part} takes ${size} bytes`);
    }
    assert.notEqual(result.failure?.type, "", "the failure has no type");
    compareVerdict(result.failure, expected);
  }
  const outputs = outputsOf(result, inputs);
  if (expected.outputs !== undefined) {
    assert.equal(outputs.length, expected.outputs.length, "the number of outputs");
    for (const [index, wanted] of expected.outputs.entries()) {
      assert.deepEqual({ ...outputs[index], ...wanted }, outputs[index], `output ${index}`);
    }
  }
  if (expected.notes !== undefined) {
    assert.deepEqual(
      outputs.map(({ value }) => JSON.parse(value ?? "null") as unknown),
      expected.notes,
    );
  }
  assert.deepEqual(timersOf(result), expected.timers ?? {}, "the timers");
  if (expected.mutations !== undefined) {
    assert.ok(result.mutations.length <= 1, "a store is named twice");
    assert.deepEqual(mutationsOf(result.mutations[0]), expected.mutations);
  }
}

function compareVerdict(
  failure: Result["failure"],
  { verdict = { kind: Verdict.UNSPECIFIED }, node }: Extract<Expected, { kind: "result" }>,
): void {
  assert.equal(failure?.verdict, verdict.kind, "the failure's verdict");
  const { retryAfterMs } = failure ?? {};
  const afterMs = retryAfterMs === undefined ? undefined : Number(retryAfterMs);
  assert.equal(afterMs, verdict.afterMs, "when it is to be tried again");
  if (node !== undefined) assert.equal(failure?.node, node, "the node that failed");
}

function describe(frame: WorkerFrame): string {
  return JSON.stringify(frame, (_, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value instanceof Uint8Array ? text(value) : value,
  ).slice(0, 600);
}
