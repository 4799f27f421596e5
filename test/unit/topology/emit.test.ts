import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type {
  DeclaredNode,
  DeclaredStore,
  EmitStrategy,
  Windows,
} from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import {
  aggregate,
  count,
  fiveMinutes,
  functionNode,
  shapeOf,
  sink,
  source,
  topology,
} from "./nodes.ts";

const IN = source("in", "orders");

function counting(windows: Windows | null, emit?: EmitStrategy): DeclaredNode {
  const node = count("count", "in", "counts", windows);
  return emit === undefined ? node : ({ ...node, emit } as DeclaredNode);
}

function suppress(
  parent: string,
  until: "windowCloses" | "timeLimit",
  full = "shutDown",
): DeclaredNode {
  return {
    name: "hold",
    parents: [parent],
    kind: "suppress",
    store: "hold-store",
    until: until === "timeLimit" ? { kind: until, waitMs: 1_000 } : { kind: until },
    buffer: { whenFull: full as "shutDown" },
  };
}

function compiled(...nodes: DeclaredNode[]) {
  const stores = nodes.flatMap((node): DeclaredStore[] => {
    if (node.kind === "suppress") return [{ name: node.store, kind: "buffer" as const }];
    if (node.kind !== "aggregate") return [];
    return [{ name: node.store, kind: node.windows === null ? "keyValue" : "window" } as const];
  });
  return compile(topology([IN, ...nodes], stores), { applicationId: "app" });
}

function refused(wanted: RegExp, ...nodes: DeclaredNode[]): void {
  assert.throws(() => compiled(...nodes), wanted);
}

describe("P-80, P-81: what waits", () => {
  it("suppresses in a step of its own, from a store that is found by time", () => {
    const hold = suppress("count", "windowCloses");
    const [program] = compiled(counting(fiveMinutes), hold, sink("out", "hold", "totals"));
    assert.deepEqual(shapeOf(program.steps), ["count of in0", "hold of 0.0", "sink(out) of 1.0"]);
    const [, buffer] = program.stores;
    const changelogTopic = "app-hold-store-changelog";
    const expected = { name: "hold-store", kind: "buffer", changelogTopic };
    assert.deepEqual(buffer, { ...expected, isRanged: true, isTimed: true });
    const step = program.steps[1];
    assert.equal(step?.kind === "suppress" && step.suppress.delayMs, 300_000);
  });

  it("closes windows from the aggregate's own store, which carries times", () => {
    const [program] = compiled(counting(fiveMinutes, "onWindowClose"), sink("out", "count", "t"));
    const [store] = program.stores;
    assert.deepEqual([store?.isTimed, store?.isTimestamped], [true, true]);
    const [step] = program.steps;
    assert.equal(step?.kind === "operator" && step.operator.closeDelayMs, 300_000);
  });

  it("takes the rows of an application's fold into the sidecar, where they wait", () => {
    const folding = (windows: Windows | null, emit: EmitStrategy): DeclaredNode => {
      return { ...aggregate("fold", "in", "folds", windows), emit } as DeclaredNode;
    };
    const map = functionNode("map", "mapValues", ["fold"]);
    const out = sink("out", "fold", "totals");
    const [closing] = compiled(
      folding(fiveMinutes, "onWindowClose"),
      map,
      sink("m", "map", "m"),
      out,
    );
    const first = "stage(fold) of in0: >map out";
    const behind = ["stage(map) of 0.0: m", "sink(out) of 0.0"];
    assert.deepEqual(shapeOf(closing.steps), [first, ...behind]);
    const [step] = closing.steps;
    const closes = { windows: fiveMinutes, delayMs: 300_000 };
    assert.deepEqual(step?.kind === "stage" && step.stage.closes, closes);
    assert.deepEqual([closing.stores[0]?.isTimed, closing.stores[0]?.isTimestamped], [true, true]);
    const [committing] = compiled(folding(null, "onCommit"), out, sink("also", "fold", "more"));
    assert.deepEqual(shapeOf(committing.steps), [
      "stage(fold) of in0: out also",
      "sink(out) of 0.0",
      "sink(also) of 0.1",
    ]);
    const isOnce = committing.steps.map((each) => each.kind === "sink" && each.isOncePerCommit);
    assert.deepEqual(isOnce, [false, true, true]);
    refused(/"fold".*no windows/, folding(null, "onWindowClose"), out);
    refused(/"map" behind it.*repartition/, folding(null, "onCommit"), map, sink("m", "map", "m"));
  });

  it("is refused, by name and with the remedy, where it cannot be", () => {
    const out = sink("out", "count", "totals");
    const behind = sink("out", "hold", "totals");
    refused(/"count".*no windows that could close/, counting(null, "onWindowClose"), out);
    refused(/"hold".*no windows/, counting(null), suppress("count", "windowCloses"), behind);
    refused(/"hold".*right behind one/, suppress("in", "timeLimit"), behind);
    const twice = counting(fiveMinutes, "onWindowClose");
    refused(/"hold".*leave out one/, twice, suppress("count", "windowCloses"), behind);
    const early = suppress("count", "windowCloses", "emitEarly");
    refused(/"hold".*not closed/, counting(fiveMinutes), early, behind);
    const map = functionNode("map", "mapValues", ["count"]);
    const mapped = sink("out", "map", "totals");
    refused(/"map" behind it.*repartition/, counting(null, "onCommit"), map, mapped);
    const again = count("again", "hold", "again-store", fiveMinutes);
    const last = sink("out", "again", "totals");
    refused(/long past.*repartition/, counting(null), suppress("count", "timeLimit"), again, last);
  });
});
