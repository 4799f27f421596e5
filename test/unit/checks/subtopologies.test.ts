import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCluster } from "../../../src/checks/check.ts";
import type { Finding } from "../../../src/checks/finding.ts";
import type { ClusterFacts, Operation, TopicFacts } from "../../../src/model/cluster-facts.ts";
import type { DeclaredNode, DeclaredStore, StoreKind } from "../../../src/model/topology.ts";
import { encodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { compile } from "../../../src/topology/compile.ts";
import {
  count,
  fiveMinutes,
  functionNode,
  keyValueStore,
  sink,
  source,
  topology,
  windowStore,
} from "../topology/nodes.ts";
import { expected, soundFacts, topicFacts } from "./facts.ts";

const BETWEEN = "app-state-repartition";
const ID = "a".repeat(32);

const nodes = (...above: DeclaredNode[]): DeclaredNode[] => [
  source("source", "in"),
  ...above,
  count("count", above.at(-1)?.name ?? "source", "state", null),
  sink("sink", "count", "out"),
];

/** in > map > repartition > count > out */
const rekeyed = nodes(functionNode("m", "map", ["source"]));

function check(
  facts: ClusterFacts,
  declared: readonly DeclaredNode[] = rekeyed,
  stores: readonly DeclaredStore[] = [keyValueStore("state")],
  accepted: readonly string[] = [],
): Finding[] {
  const programs = compile(topology(declared, stores), { applicationId: "app" });
  return checkCluster(facts, { ...expected, programs, accepted });
}

function names(...args: Parameters<typeof check>): string[] {
  return check(...args).map(({ name, severity }) => `${severity} ${name}`);
}

function topic(name: string, partitions: number, over: Record<string, string> = {}): TopicFacts {
  const facts = topicFacts(name);
  const [one] = facts.partitions;
  const configs = new Map([...facts.configs, ...Object.entries(over)]);
  return { ...facts, partitions: new Array(partitions).fill(one), configs };
}

function facts(topics: readonly TopicFacts[], changes: Partial<ClusterFacts> = {}): ClusterFacts {
  const sound = soundFacts({ committed: [], logs: new Map() });
  const found = new Map([...sound.topics, ...topics.map((each) => [each.name, each] as const)]);
  return { ...sound, topics: found, ...changes };
}

/** What a task had committed that knew these stores. */
function left(
  at: string,
  stores: Readonly<Record<string, number>>,
  kind: StoreKind | null = "keyValue",
) {
  const changelogs = new Map(
    Object.entries(stores).map(([name, end]) => {
      return [name, { topicId: ID, end, ...(kind === null ? {} : { kind }) }] as const;
    }),
  );
  const metadata = encodeOffsetMetadata({
    streamTimeMs: 0,
    commitSequence: 3,
    changelogs,
    trial: null,
  });
  return { topic: at, partition: 0, offset: 3, metadata };
}

describe("partition counts of sub-topologies", () => {
  it("are each its own: a changelog has those of what its store's sub-topology reads", () => {
    assert.deepEqual(names(facts([topic("in", 2)])), []);
    const wide = [topic("in", 6), topic(BETWEEN, 2)];
    assert.deepEqual(names(facts(wide)), []);
    const [misfit] = check(facts([topic("in", 6)]));
    assert.match(
      misfit?.problem ?? "",
      /changelog app-state-changelog has 2 partitions, the source 6/,
    );
  });

  it("are equal where streams meet, with the names, the counts and the remedy", () => {
    const meeting = (partitions: number): DeclaredNode[] => [
      source("source", "in"),
      source("other", "more"),
      { name: "moved", parents: ["other"], kind: "repartition", partitions },
      functionNode("f", "process", ["source", "moved"], ["state"]),
    ];
    const more = facts([topic("more", 5)]);
    assert.deepEqual(names(more, meeting(0)), []);
    const [found] = check(more, meeting(4));
    assert.equal(found?.name, "topic.partitions");
    assert.match(found?.problem ?? "", /but in has 2, app-moved-repartition has 4/);
    assert.match(found?.remedy ?? "", /leave the partitions of the repartition "moved" out/);
    const [merged] = check(more, [
      source("source", "in", "more"),
      functionNode("f", "process", ["source"], ["state"]),
    ]);
    assert.match(merged?.problem ?? "", /but in has 2, more has 5/);
    assert.match(merged?.remedy ?? "", /by a repartition before they meet/);
  });

  it("stay what a repartition was made with", () => {
    const moved = nodes({ name: "moved", parents: ["source"], kind: "repartition", partitions: 4 });
    const [found] = check(facts([topic("app-moved-repartition", 2)]), moved);
    assert.match(
      found?.problem ?? "",
      /"moved" has 4 partitions, and its topic app-moved-repartition 2/,
    );
    assert.match(found?.remedy ?? "", /declare 2/);
  });
});

describe("a repartition topic", () => {
  const sound = { "retention.ms": "-1", "retention.bytes": "-1" };
  const lacking = (...operations: Operation[]): TopicFacts => {
    return { ...topic(BETWEEN, 2, sound), operations: new Set(operations) };
  };
  const cases: readonly (readonly [string, ClusterFacts, readonly string[]])[] = [
    ["that keeps all is sound", facts([topic(BETWEEN, 2, sound)]), []],
    [
      "that compacts",
      facts([topic(BETWEEN, 2, { ...sound, "cleanup.policy": "compact" })]),
      ["forbidden repartition.policy"],
    ],
    [
      "that forgets",
      facts([topic(BETWEEN, 2, { ...sound, "retention.ms": "1000" })]),
      ["warning repartition.retention"],
    ],
    ["that may not be purged", facts([lacking("Read", "Write")]), ["warning repartition.purge"]],
    ["that may not be written", facts([lacking("Read", "Delete")]), ["forbidden access.denied"]],
    [
      "that was read and is gone",
      facts([], { committed: [left(BETWEEN, { state: 5 })] }),
      ["forbidden repartition.gone"],
    ],
    [
      "that no node has any more",
      facts([topic("app-x-repartition", 2)], { committed: [left("app-x-repartition", {})] }),
      ["warning repartition.left.over"],
    ],
  ];
  for (const [what, found, findings] of cases) {
    it(what, () => assert.deepEqual(names(found), findings));
  }

  it("is purged while it is looked at: what begins behind an old offset is only then a loss", () => {
    const logs = new Map([[`${BETWEEN}-0`, { start: 9, end: 9 }]]);
    const committed = [left(BETWEEN, { state: 0 })];
    const found = facts([topic(BETWEEN, 2, sound)], { committed, logs });
    assert.deepEqual(names(found), ["warning offsets.out.of.range"]);
    const member = { memberId: "outrigger-1", clientId: "c", clientHost: "h", topics: [] };
    const group = { protocol: "consumer", members: [member], operations: null } as const;
    assert.deepEqual(names({ ...found, group }), []);
  });
});

describe("against what ran last", () => {
  it("offsets and state belong together within a sub-topology, whatever others committed", () => {
    const logs = new Map([["app-state-changelog-0", { start: 0, end: 9 }]]);
    const between = topic(BETWEEN, 2, { "retention.ms": "-1" });
    const upper = left("in", {});
    assert.deepEqual(names(facts([between], { committed: [upper], logs })), [
      "forbidden offsets.missing",
    ]);
    const both = [upper, left(BETWEEN, { state: 9 })];
    assert.deepEqual(names(facts([between], { committed: both, logs })), []);
    const short = new Map([["app-state-changelog-0", { start: 0, end: 4 }]]);
    assert.deepEqual(names(facts([between], { committed: both, logs: short })), [
      "forbidden changelog.state.lost",
    ]);
  });

  it("a store with state that is in another sub-topology now is refused", () => {
    const before = { committed: [left("in", { state: 4 })] };
    assert.deepEqual(names(facts([], before)), ["forbidden store.moved"]);
    assert.match(
      check(facts([], before))[0]?.problem ?? "",
      /in sub-topology 1, which reads app-state-repartition; it was beside the source in, of sub-topology 0/,
    );
    assert.deepEqual(names(facts([], { committed: [left("in", { state: 0 })] })), []);
    assert.deepEqual(names(facts([], before), nodes()), []);
  });

  it("a store of another kind is refused, where its kind is known", () => {
    const windowed = [
      source("source", "in"),
      count("count", "source", "state", fiveMinutes),
      sink("sink", "count", "out"),
    ];
    const stores = [windowStore("state")];
    const before = (kind: StoreKind | null) =>
      facts([], { committed: [left("in", { state: 4 }, kind)] });
    assert.deepEqual(names(before("keyValue"), windowed, stores), ["forbidden store.kind"]);
    assert.deepEqual(names(before("window"), windowed, stores), []);
    assert.deepEqual(names(before(null), windowed, stores), []);
  });

  it("a store that is gone is refused as long as its changelog is there, and may be accepted", () => {
    const committed = [left("in", { state: 2, old: 4 })];
    const there = facts([topic("app-old-changelog", 2)], { committed });
    assert.deepEqual(names(facts([], { committed }), nodes()), []);
    assert.deepEqual(names(there, nodes()), ["forbidden store.lost", "note changelog.left.over"]);
    assert.deepEqual(names(there, nodes(), undefined, ["store.lost"]), [
      "warning store.lost",
      "note changelog.left.over",
    ]);
  });

  it("a store that is new beside what was read begins empty, and that is said", () => {
    const committed = [left("in", {})];
    assert.deepEqual(names(facts([], { committed }), nodes()), ["warning store.new"]);
  });
});
