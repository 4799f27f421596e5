import assert from "node:assert/strict";
import { it } from "node:test";
import type { DeclaredTopology } from "../../../src/model/topology.ts";
import { topologyHash } from "../../../src/topology/topology-hash.ts";
import {
  aggregate,
  count,
  fiveMinutes,
  functionNode,
  keyValueStore,
  sink,
  source,
  topology,
  windowStore,
} from "./nodes.ts";

const nodes = [
  source("in", "a", "b"),
  count("n", "in", "s", fiveMinutes),
  functionNode("f", "process", ["n"], ["t", "u"]),
  sink("out", "f", "c"),
];
const stores = [windowStore("s"), keyValueStore("t"), keyValueStore("u")];

it("the hash does not depend on the order of declaration", () => {
  const other: DeclaredTopology = topology(
    [
      sink("out", "f", "c"),
      functionNode("f", "process", ["n"], ["u", "t"]),
      count("n", "in", "s", fiveMinutes),
      source("in", "b", "a"),
    ],
    stores.toReversed(),
  );
  assert.equal(topologyHash(other), topologyHash(topology(nodes, stores)));
});

it("the hash tells timestamps, and how long an entry lives", () => {
  const of = (more: Partial<DeclaredTopology["stores"][number]>): string =>
    topologyHash(topology(nodes, [windowStore("s"), { ...keyValueStore("t"), ...more }]));
  const plain = of({});
  const stamped = of({ isTimestamped: true });
  const mortal = of({ isTimestamped: true, ttlMs: 5 });
  assert.equal(new Set([plain, stamped, mortal]).size, 3);
});

it("the hash stays what it was, so that versions of the sidecar agree", () => {
  assert.equal(topologyHash(topology(nodes, stores)), "64ec015f33dfa2df");
});

it("whatever changes the meaning changes the hash", () => {
  const changed: DeclaredTopology[] = [
    topology([source("in", "a"), ...nodes.slice(1)], stores),
    topology([nodes, nodes].flat(), stores),
    topology(nodes.slice(0, 3), stores),
    topology(nodes, stores.slice(1)),
    topology(nodes, [keyValueStore("s"), ...stores.slice(1)]),
  ];
  const changes = [
    count("n", "in", "s", null),
    count("n", "in", "s", { ...fiveMinutes, graceMs: 1 }),
    count("n", "in", "s2", fiveMinutes),
    aggregate("n", "in", "s", fiveMinutes),
    functionNode("n", "map", ["in"]),
    functionNode("n", "filter", ["in"]),
    sink("n", "in", "s"),
  ];
  for (const node of changes) {
    changed.push(topology([...nodes.slice(0, 1), node, ...nodes.slice(2)], stores));
  }
  const hashes = [topology(nodes, stores), ...changed].map(topologyHash);
  assert.equal(new Set(hashes).size, hashes.length);
});
