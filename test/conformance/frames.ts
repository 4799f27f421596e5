import type { MessageInitShape } from "@bufbuild/protobuf";
import type { BatchSchema } from "../../src/gen/outrigger/v1/processor_pb.ts";
import type { SegmentSchema } from "../../src/gen/outrigger/v1/records_pb.ts";
import { builderOf, isBuilder } from "./builders.ts";
import type { SidecarFrame, Step, Text, TopologyName, WelcomeFields } from "./case.ts";

/** Short ways to write frames down. */

export type Row = readonly [key: Text, value: unknown];

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A value as Kafka's LongSerializer writes it. */
export function int64(value: number): Buffer {
  const written = Buffer.alloc(8);
  written.writeBigInt64BE(BigInt(value));
  return written;
}

/** The key of a row of a windowed built-in node: `key | int64 start`, or `key | int64 end | int64 start`. */
export function timed(key: string, ...times: number[]): Buffer {
  return Buffer.concat([bytes(key), ...times.map(int64)]);
}

/** A value of `commands`: text and null as they are, a list of actions as JSON. */
function asValue(value: unknown): Uint8Array {
  if (value === null) return new Uint8Array();
  return bytes(typeof value === "string" ? value : JSON.stringify(value));
}

/** Rows from offset 10 and timestamp 1,000 on, all of that timestamp, unless told otherwise. */
export function segment(
  rows: readonly Row[],
  over: Omit<MessageInitShape<typeof SegmentSchema>, "$typeName" | "$unknown"> = {},
): MessageInitShape<typeof SegmentSchema> {
  const nulls = (column: 0 | 1): number[] =>
    rows.flatMap((row, index) => (row[column] === null ? [index] : []));
  return {
    baseOffset: 10n,
    baseTimestamp: 1_000n,
    keys: rows.map(([key]) => bytes(key ?? "")),
    values: rows.map(([, value]) => asValue(value)),
    nullKeys: nulls(0),
    nullValues: nulls(1),
    ...over,
  };
}

type BatchOver = Omit<MessageInitShape<typeof BatchSchema>, "$typeName" | "$unknown">;

/** Where nothing is said of states: a store from which nothing travels, for `process`. */
export function batch(id: number, rows: readonly Row[], over: BatchOver = {}): Step {
  const segments = over.segments ?? [segment(rows)];
  const count = segments.reduce((sum, { keys }) => sum + (keys?.length ?? 0), 0);
  const value = {
    dispatchId: BigInt(id),
    taskEpoch: 1,
    taskId: "0_0",
    segments,
    states: withheld(count),
    ...over,
  };
  return { send: { case: "batch", value } };
}

/** The state of the store `state` for as many keys as values: slot i is row i's. */
export function states(...values: Text[]): NonNullable<BatchOver["states"]> {
  const absent = values.flatMap((value, index) => (value === null ? [index] : []));
  return [{ store: 0, values: values.map((value) => bytes(value ?? "")), absent }];
}

/** No row has a slot: everything is to be asked for. */
export function withheld(rows: number): NonNullable<BatchOver["states"]> {
  return [{ store: 0, slotCounts: new Array<number>(rows).fill(0) }];
}

export function revoked(taskEpoch = 1, taskId = "0_0"): Step {
  return { send: { case: "revoked", value: { taskId, taskEpoch } } };
}

/** What a sidecar says that has compiled the topology. */
export function welcomeTo(topology: TopologyName): WelcomeFields {
  const {
    sources = ["commands"],
    timerSources = [],
    stages,
  } = isBuilder(topology) ? builderOf(topology) : { stages: stagesOf(topology) };
  return {
    protocolMinor: 6,
    sidecarVersion: "conformance",
    applicationId: "app",
    maxFrameBytes: 4 * 1024 * 1024,
    sources: topology === "hook" ? [...sources, "app-receipt-hook"] : sources,
    timerSources,
    stages,
  };
}

type Stages = NonNullable<WelcomeFields["stages"]>;

function stagesOf(topology: TopologyName): Stages {
  const known: Partial<Record<TopologyName, { entries: string[]; stores: string[] }>> = {
    process: { entries: ["interpret"], stores: ["state"] },
    policy: { entries: ["interpret"], stores: ["state"] },
    parking: { entries: ["interpret"], stores: ["state"] },
    pattern: { entries: ["interpret"], stores: ["state"] },
    hook: { entries: ["interpret"], stores: ["state"] },
    stateless: { entries: ["keep"], stores: [] },
    aggregate: { entries: ["fold"], stores: ["folds"] },
    windowed: { entries: ["fold"], stores: ["folds"] },
    count: { entries: ["unwindow"], stores: [] },
  };
  const stage = { entries: [], ...known[topology], sinks: ["results"] };
  if (topology !== "hook") return [stage];
  // A stage more, for what the hook is asked.
  return [
    { ...stage, sinks: [...stage.sinks, "receipt"] },
    { entries: ["receipt"], stores: [], sinks: [] },
  ];
}

export const sent = (frame: SidecarFrame): Step => ({ send: frame });
