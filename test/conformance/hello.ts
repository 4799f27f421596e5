import assert from "node:assert/strict";
import { create, toJson } from "@bufbuild/protobuf";
import type { ProcessRequest } from "../../src/gen/outrigger/v1/processor_pb.ts";
import { TopologySchema } from "../../src/gen/outrigger/v1/topology_pb.ts";
import type { TopologyName } from "./case.ts";
import { declaredAs } from "./topologies.ts";

const FRAME_BYTES_MIN = 1024 * 1024;

/** What a worker receives that does not say. */
const FRAME_BYTES_DEFAULT = 4 * 1024 * 1024;

/**
 * Throws unless the frame is a hello as P-05, P-09, P-12 and P-14 want it. Returns the largest frame that
 * the worker receives.
 */
export function checkHello(frame: ProcessRequest["frame"] | "end", topology: TopologyName): number {
  assert.ok(frame !== "end" && frame.case === "hello", "the first frame is no hello");
  const hello = frame.value;
  assert.ok(hello.protocolMinor >= 1, "its minor version is 0");
  for (const field of ["name", "version", "runtime"] as const) {
    assert.notEqual(hello.sdk?.[field] ?? "", "", `sdk.${field} is empty`);
  }
  const { maxFrameBytes } = hello;
  assert.ok(maxFrameBytes === 0 || maxFrameBytes >= FRAME_BYTES_MIN, "its frames are too small");
  const declared = hello.topology ?? create(TopologySchema);
  assert.deepEqual(
    toJson(TopologySchema, declared),
    toJson(TopologySchema, create(TopologySchema, declaredAs(topology))),
    "the declared topology",
  );
  return maxFrameBytes || FRAME_BYTES_DEFAULT;
}
