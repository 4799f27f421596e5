import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import {
  Aggregator,
  BufferFull,
  EmitStrategy,
  Operation,
  StoreKind,
  type SuppressSchema,
  TopologySchema,
} from "../../../src/gen/outrigger/v1/topology_pb.ts";
import { declaredTopology } from "../../../src/server/topology.ts";

function declare(topology: MessageInitShape<typeof TopologySchema>) {
  return declaredTopology(create(TopologySchema, topology));
}

function faultOf(topology: MessageInitShape<typeof TopologySchema>): string {
  try {
    declare(topology);
  } catch (thrown) {
    if (thrown instanceof OutriggerError) return `${thrown.code}: ${thrown.message}`;
  }
  return assert.fail("it was accepted");
}

describe("a declared topology", () => {
  it("is read node by node", () => {
    const tumbling = { sizeMs: 86_400_000n, graceMs: 0n };
    const aggregate = { store: "s", aggregator: Aggregator.COUNT, tumbling };
    const declared = declare({
      nodes: [
        { name: "in", kind: { case: "source", value: { topics: ["t"] } } },
        { name: "count", parents: ["in"], kind: { case: "aggregate", value: aggregate } },
        {
          name: "f",
          parents: ["count"],
          kind: { case: "function", value: { operation: Operation.MAP_VALUES } },
        },
        { name: "out", parents: ["f"], kind: { case: "sink", value: { topic: "o" } } },
      ],
      stores: [{ name: "s", kind: StoreKind.WINDOW }],
    });
    const count = { kind: "aggregate", store: "s", aggregator: "count" };
    const dayMs = 86_400_000;
    const windows = { kind: "time", sizeMs: dayMs, advanceMs: dayMs, graceMs: 0 };
    assert.deepEqual(declared, {
      nodes: [
        { name: "in", parents: [], kind: "source", topics: ["t"] },
        { name: "count", parents: ["in"], ...count, windows },
        { name: "f", parents: ["count"], kind: "function", operation: "mapValues", stores: [] },
        { name: "out", parents: ["f"], kind: "sink", topic: "o" },
      ],
      stores: [{ name: "s", kind: "window" }],
    });
  });

  it("P-80, P-81, P-83: says when results are forwarded, and what is held back", () => {
    const suppress = {
      untilTimeLimit: { waitMs: 500n },
      buffer: { maxRecords: 3n, whenFull: BufferFull.EMIT_EARLY },
    };
    const aggregate = { store: "s", aggregator: Aggregator.COUNT, emit: EmitStrategy.ON_COMMIT };
    const declared = declare({
      nodes: [
        { name: "count", kind: { case: "aggregate", value: aggregate } },
        { name: "hold", kind: { case: "suppress", value: suppress } },
      ],
    });
    const [count, hold] = declared.nodes;
    assert.equal(count?.kind === "aggregate" && count.emit, "onCommit");
    assert.deepEqual(hold, {
      name: "hold",
      parents: [],
      kind: "suppress",
      store: "hold-store",
      until: { kind: "timeLimit", waitMs: 500 },
      buffer: { maxRecords: 3, whenFull: "emitEarly" },
    });
    assert.deepEqual(declared.stores, [{ name: "hold-store", kind: "buffer" }]);
    const held = (value: MessageInitShape<typeof SuppressSchema>) => ({
      nodes: [{ name: "hold", kind: { case: "suppress" as const, value } }],
    });
    assert.match(faultOf(held({})), /TOPOLOGY_INVALID: suppress hold has no end/);
    const both = { untilWindowCloses: {}, untilTimeLimit: { waitMs: 1n } };
    assert.match(faultOf(held(both)), /suppress hold has two ends/);
    const late = { untilTimeLimit: { waitMs: -1n } };
    assert.match(faultOf(held(late)), /wait_ms of hold is -1/);
  });

  it("is refused for kinds that are unset or of a newer protocol, by name", () => {
    const node = (value: { operation?: Operation }) => ({
      nodes: [{ name: "f", kind: { case: "function" as const, value } }],
    });
    assert.match(faultOf(node({})), /TOPOLOGY_INVALID: function f has no operation/);
    assert.match(faultOf(node({ operation: 77 as Operation })), /function f has operation 77/);
    assert.match(faultOf({ nodes: [{ name: "x" }] }), /node x has no kind/);
    assert.match(faultOf({ stores: [{ name: "s" }] }), /store s has no kind/);
  });

  it("is taken with timestamps and times to live of stores, and refused for those that are none", () => {
    const kind = StoreKind.TIMESTAMPED_KEY_VALUE;
    const stored = (ttlMs: bigint) => ({ stores: [{ name: "s", kind, ttlMs }] });
    const timestamped = { name: "s", kind: "keyValue", isTimestamped: true };
    assert.deepEqual(declare(stored(0n)).stores, [timestamped]);
    assert.deepEqual(declare(stored(5n)).stores, [{ ...timestamped, ttlMs: 5 }]);
    assert.match(faultOf(stored(-5n)), /ttl_ms of s is -5/);
    assert.match(faultOf(stored(2n ** 60n)), /ttl_ms of s/);
  });

  it("is refused for window sizes that are none, negative or beyond 2^53", () => {
    const sized = (sizeMs: bigint, graceMs = 0n) => ({
      nodes: [
        {
          name: "w",
          kind: {
            case: "aggregate" as const,
            value: { aggregator: Aggregator.COUNT, tumbling: { sizeMs, graceMs } },
          },
        },
      ],
    });
    assert.match(faultOf(sized(0n)), /size_ms of w is 0/);
    assert.match(faultOf(sized(-5n)), /size_ms of w is -5/);
    assert.match(faultOf(sized(2n ** 60n)), /size_ms of w/);
    assert.match(faultOf(sized(1n, -1n)), /grace_ms of w is -1/);
  });
});
