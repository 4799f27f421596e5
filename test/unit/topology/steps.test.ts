import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stagesOf } from "../../../src/model/steps.ts";
import type { DeclaredNode } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import {
  aggregate,
  count,
  functionNode,
  keyValueStore,
  shapeOf,
  sink,
  source,
  topology,
} from "./nodes.ts";

const STORES = ["s", "t", "u"].map(keyValueStore);

function programOf(...nodes: DeclaredNode[]) {
  const used = new Set(
    nodes.flatMap((node) =>
      node.kind === "aggregate" ? [node.store] : node.kind === "function" ? node.stores : [],
    ),
  );
  const stores = STORES.filter(({ name }) => used.has(name));
  return compile(topology(nodes, stores), { applicationId: "app" })[0];
}

const shape = (...nodes: DeclaredNode[]) => shapeOf(programOf(...nodes).steps);
const map = (name: string, ...parents: string[]) => functionNode(name, "mapValues", parents);

describe("the steps of a sub-topology", () => {
  test("user code, a count behind it, user code behind that", () => {
    const nodes = [
      source("in", "a"),
      map("f", "in"),
      count("n", "f", "s", null),
      map("g", "n"),
      sink("out", "g", "b"),
      sink("raw", "f", "c"),
    ];
    assert.deepEqual(shape(...nodes), [
      "stage(f) of in0: >n raw",
      "n of 0.0",
      "stage(g) of 1.0: out",
    ]);
  });

  test("a source that feeds a count and a stage; a topic beside it", () => {
    const nodes = [
      source("in", "a"),
      count("n", "in", "s", null),
      map("f", "in"),
      sink("out", ["n", "f", "in"], "b"),
    ];
    assert.deepEqual(shape(...nodes), ["n of in0", "sink(out) of 0.0 in0", "stage(f) of in0: out"]);
  });

  test("two counts, one behind the other and side by side", () => {
    const nodes = [
      source("in", "a"),
      count("n", "in", "s", null),
      count("m", "n", "t", null),
      count("k", "in", "u", null),
      map("f", "m"),
    ];
    assert.deepEqual(shape(...nodes), ["n of in0", "m of 0.0", "stage(f) of 1.0:", "k of in0"]);
  });

  test("streams that merge: rows of a record come in the order in which it reaches the edges", () => {
    const nodes = [
      source("in", "a"),
      map("f", "in"),
      map("g", "in"),
      count("n", ["f", "g", "in"], "s", null),
      sink("out", "n", "b"),
    ];
    // One hop: f and g are fed alike. Both of them write to the one exit.
    assert.deepEqual(shape(...nodes), [
      "stage(f g) of in0: >n",
      "n of 0.0 in0",
      "sink(out) of 1.0",
    ]);
  });

  test("a merge within user code stays in its hop", () => {
    const nodes = [
      source("in", "a"),
      map("f", "in"),
      map("g", "in"),
      map("h", "f", "g"),
      sink("o", "h", "b"),
    ];
    assert.deepEqual(shape(...nodes), ["stage(f g) of in0: o"]);
  });

  test("sources that enter user code at different nodes: a stage for each set of entries", () => {
    const nodes = [
      source("one", "a"),
      source("two", "b"),
      functionNode("f", "mapValues", ["one"]),
      functionNode("g", "process", ["f", "two"], ["s"]),
      sink("out", "g", "c"),
      sink("raw", "f", "d"),
    ];
    const { steps, oneByOne } = programOf(...nodes);
    assert.deepEqual(shapeOf(steps), ["stage(f) of in0: out raw", "stage(g) of in1: out"]);
    assert.deepEqual(
      stagesOf({ steps }).map(({ index, stores }) => [index, stores.length]),
      [
        [0, 1],
        [1, 1],
      ],
    );
    // No record reaches both.
    assert.equal(oneByOne, false);
  });

  test("steps that share a store take one record at a time", () => {
    const nodes = [
      source("in", "a"),
      functionNode("f", "processValues", ["in"], ["s"]),
      count("n", "f", "t", null),
      functionNode("g", "process", ["n"], ["s"]),
    ];
    const { steps, oneByOne } = programOf(...nodes);
    assert.deepEqual(shapeOf(steps), ["stage(f) of in0: >n", "n of 0.0", "stage(g) of 1.0:"]);
    assert.equal(oneByOne, true);
  });

  test("no path leaves a hop and comes back: what joins both sides of a count is a hop of its own", () => {
    const nodes = [
      source("in", "a"),
      map("f", "in"),
      count("n", "f", "s", null),
      map("g", "n"),
      map("h", "f", "g"),
      sink("out", "h", "b"),
    ];
    assert.deepEqual(shape(...nodes), [
      "stage(f) of in0: >n >h",
      "n of 0.0",
      "stage(g) of 1.0: out",
      "stage(h) of 0.1: out",
    ]);
  });

  test("an aggregation behind an aggregation is a hop deeper: its keys come out of the first", () => {
    const nodes = [
      source("in", "a"),
      aggregate("one", "in", "s", null),
      map("f", "one"),
      aggregate("two", "f", "t", null),
      sink("out", "two", "b"),
    ];
    const { steps } = programOf(...nodes);
    assert.deepEqual(shapeOf(steps), ["stage(one) of in0: >two", "stage(two) of 0.0: out"]);
    // What the first made of the value is seen here: a null is dropped before the second.
    assert.equal(stagesOf({ steps })[1]?.stores[0]?.takes, "valued");
  });
});
