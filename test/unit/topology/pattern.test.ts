import assert from "node:assert/strict";
import { test } from "node:test";
import { matching } from "../../../src/model/source-pattern.ts";
import type { DeclaredNode } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { patternFault } from "../../../src/topology/pattern.ts";
import { topologyHash } from "../../../src/topology/topology-hash.ts";
import { functionNode, sink, source, topology } from "./nodes.ts";

const application = { applicationId: "app" };

function patterned(name: string, pattern: string, ...topics: string[]): DeclaredNode {
  return { name, parents: [], kind: "source", topics, pattern };
}

function copying(...sources: readonly DeclaredNode[]) {
  const names = sources.map(({ name }) => name);
  return topology([...sources, functionNode("copy", "process", names), sink("out", "copy", "out")]);
}

for (const pattern of ["orders-.*", "(?:a|b)-[0-9]{1,3}", "x\\.y", "\\w+-\\d", "[^_].*"]) {
  test(`the pattern ${pattern} means the same to brokers and to us`, () => {
    assert.equal(patternFault(pattern), null);
  });
}

for (const [pattern, words] of [
  ["(?i)orders", /flag/],
  ["(?=a).*", /look-around/],
  ["(?<!a)b", /look-around/],
  ["(a)\\1", /back reference/],
  ["(?<name>a)", /named group/],
  ["\\p{L}+", /escape/],
  ["\\Qa.b\\E", /escape/],
  ["[[:alpha:]]+", /escape that brokers read otherwise/],
  ["a++", /no regular expression/],
  ["(a", /no regular expression/],
  ["a".repeat(1_001), /1001 characters, 1000 are allowed/],
] as const) {
  test(`the pattern ${pattern.slice(0, 20)} is refused in words`, () => {
    assert.match(patternFault(pattern) ?? "", words);
  });
}

test("a pattern matches whole names, each of its alternatives too", () => {
  const pattern = "orders|orders-(eu|us)";
  const topics = ["orders", "orders-eu", "orders-asia", "my-orders", "orders-us"];
  assert.deepEqual(matching(pattern, topics), ["orders", "orders-eu", "orders-us"]);
});

test("sources by name and several patterns are one subscription", () => {
  const sources = [source("named", "in"), patterned("a", "a-.*"), patterned("b", "b|c")];
  const [program] = compile(copying(...sources), application);
  assert.deepEqual(program?.pattern, { regex: "(?:a-.*)|(?:b|c)", topics: ["in"] });
  assert.deepEqual(program?.sources, ["in"]);
});

test("without a pattern a program has none", () => {
  const [program] = compile(copying(source("named", "in")), application);
  assert.equal(program?.pattern, undefined);
});

test("a source has topics or a pattern, and what is wrong with it is said", () => {
  assert.throws(
    () => compile(copying(patterned("both", "a-.*", "in")), application),
    /node "both": it has topics and a pattern: declare a source for each/,
  );
  assert.throws(
    () => compile(copying(patterned("bad", "(?i)a")), application),
    /node "bad": its pattern "\(\?i\)a" has a flag/,
  );
});

test("another pattern is another topology", () => {
  const hashes = ["a", "b"].map((pattern) => topologyHash(copying(patterned("s", pattern))));
  assert.notEqual(hashes[0], hashes[1]);
});
