import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { stagesOf } from "../../../src/model/steps.ts";
import type { DeclaredNode, DeclaredTopology } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import {
  aggregate,
  count,
  fiveMinutes,
  functionNode,
  keyValueStore,
  shapeOf,
  sink,
  source,
  topology,
  windowStore,
} from "./nodes.ts";

const fromSource = { from: "source", source: 0 };
const exit = (node: string, topic: string) => ({ kind: "topic", node, topic, isHook: false });

function program(declared: DeclaredTopology) {
  const programs = compile(declared, { applicationId: "app" });
  assert.equal(programs.length, 1);
  const [only] = programs;
  assert.ok(only);
  return only;
}

function refusal(declared: DeclaredTopology): string {
  try {
    compile(declared, { applicationId: "app" });
  } catch (error: unknown) {
    assert.ok(error instanceof OutriggerError);
    assert.equal(error.code, "TOPOLOGY_INVALID");
    return error.message;
  }
  assert.fail("the topology was accepted");
}

describe("a topology that runs", () => {
  it("is the yardstick: group by key, count in windows, map, to", () => {
    const compiled = program(
      topology(
        [
          source("in", "flights"),
          count("counts", "in", "counted", fiveMinutes),
          functionNode("label", "map", ["counts"]),
          sink("out", "label", "labels"),
        ],
        [windowStore("counted")],
      ),
    );
    assert.deepEqual(compiled, {
      subtopology: 0,
      frame: { source: 0, stage: 0 },
      hook: null,
      sources: ["flights"],
      sourceNodes: [{ topics: ["flights"] }],
      steps: [
        {
          kind: "operator",
          feeds: [fromSource],
          operator: {
            kind: "count",
            node: "counts",
            store: 0,
            windows: fiveMinutes,
            takes: "keyed",
          },
        },
        {
          kind: "stage",
          feeds: [{ from: "step", step: 0, exit: 0 }],
          stage: { index: 0, entries: ["label"], stores: [], exits: [exit("out", "labels")] },
        },
      ],
      oneByOne: false,
      parking: null,
      stores: [
        {
          name: "counted",
          kind: "window",
          changelogTopic: "app-counted-changelog",
          retentionMs: 450_000,
        },
      ],
    });
  });

  it("gives code that keeps the key its stores, as other processors", () => {
    const { steps } = program(
      topology(
        [
          source("in", "a"),
          functionNode("f", "processValues", ["in"], ["s"]),
          sink("out", "f", "b"),
        ],
        [keyValueStore("s")],
      ),
    );
    assert.deepEqual(stagesOf({ steps })[0]?.stores, [{ store: 0, windows: null }]);
  });

  it("gives a timestamped store its stamps, and its time to live as retention", () => {
    const nodes = [source("in", "a"), functionNode("f", "process", ["in"], ["s"])];
    const store = { ...keyValueStore("s"), isTimestamped: true };
    const [stamped] = program(topology(nodes, [store])).stores;
    assert.deepEqual([stamped?.isTimestamped, stamped?.retentionMs], [true, undefined]);
    const [mortal] = program(topology(nodes, [{ ...store, ttlMs: 7 }])).stores;
    assert.deepEqual([mortal?.isTimestamped, mortal?.retentionMs], [true, 7]);
  });

  it("gives windows behind what may change timestamps a time of their own, and a hop", () => {
    const { steps, stores } = program(
      topology(
        [
          source("in", "a"),
          timeChanger,
          count("n", "p", "s", fiveMinutes),
          functionNode("f", "mapValues", ["p"]),
          aggregate("g", "f", "t", fiveMinutes),
          count("early", "in", "u", fiveMinutes),
        ],
        [windowStore("s"), windowStore("t"), windowStore("u")],
      ),
    );
    assert.deepEqual(
      stores.map(({ ownTime }) => ownTime),
      [true, true, undefined],
    );
    const entries = stagesOf({ steps }).map((stage) => stage.entries);
    assert.deepEqual(entries, [["p"], ["g"]]);
  });

  it("gives each kind of windows its operator and its store", () => {
    const graceMs = 5;
    for (const [windows, kind, operator, store] of [
      [{ kind: "time", sizeMs: 10, advanceMs: 3, graceMs }, "window", {}, { retentionMs: 60_015 }],
      [
        { kind: "session", gapMs: 10, graceMs },
        "session",
        {},
        { isRanged: true, retentionMs: 60_015 },
      ],
      [
        { kind: "sliding", differenceMs: 10, graceMs },
        "window",
        { isTimestamped: true },
        { isRanged: true, isTimestamped: true, retentionMs: 60_025 },
      ],
    ] as const) {
      const node = { name: "total", parents: ["in"], kind: "aggregate" } as const;
      const own = { aggregator: "sum", store: "totals", windows, number: "float64" } as const;
      const { steps, stores } = program(
        topology(
          [source("in", "a"), { ...node, ...own }, sink("out", "total", "b")],
          [{ name: "totals", kind }],
        ),
      );
      const read = { number: "float64", takes: "valued" };
      const [first] = steps;
      assert.deepEqual(first?.kind === "operator" ? first.operator : null, {
        ...{ kind: "sum", node: "total", store: 0, windows },
        ...read,
        ...operator,
      });
      const changelogTopic = "app-totals-changelog";
      assert.deepEqual(stores, [{ name: "totals", kind, changelogTopic, ...store }]);
    }
  });

  it("fuses an application's windowed aggregate and what follows it into one stage", () => {
    const { steps, stores } = program(
      topology(
        [
          source("in", "flights"),
          aggregate("delays", "in", "delay", fiveMinutes),
          functionNode("label", "map", ["delays"]),
          sink("out", "label", "labels"),
          sink("raw", "delays", "raw-delays"),
        ],
        [windowStore("delay")],
      ),
    );
    assert.deepEqual(steps, [
      {
        kind: "stage",
        feeds: [fromSource],
        stage: {
          index: 0,
          entries: ["delays"],
          stores: [{ store: 0, windows: fiveMinutes, takes: "keyed" }],
          exits: [exit("out", "labels"), exit("raw", "raw-delays")],
        },
      },
    ]);
    assert.equal(stores[0]?.changelogTopic, "app-delay-changelog");
  });

  it("numbers stores as declared, and the stage's among its own", () => {
    const { steps } = program(
      topology(
        [
          source("in", "a"),
          functionNode("p", "process", ["in"], ["second", "first"]),
          functionNode("q", "process", ["p"], ["first"]),
        ],
        [keyValueStore("first"), keyValueStore("second")],
      ),
    );
    const [stage] = stagesOf({ steps });
    assert.equal(steps.length, 1);
    assert.deepEqual(stage?.stores, [
      { store: 0, windows: null },
      { store: 1, windows: null },
    ]);
    assert.deepEqual(stage?.entries, ["p"]);
  });

  it("needs no user code: the last operator forwards to the sinks", () => {
    const nodes = [source("in", "a"), count("n", "in", "s", null), sink("out", "n", "b")];
    const { steps } = program(topology(nodes, [keyValueStore("s")]));
    assert.deepEqual(steps, [
      {
        kind: "operator",
        feeds: [fromSource],
        operator: { kind: "count", node: "n", store: 0, windows: null, takes: "valued" },
      },
      { kind: "sink", feeds: [{ from: "step", step: 0, exit: 0 }], exit: exit("out", "b") },
    ]);
  });

  it("merges sources where they enter", () => {
    const { sources, sourceNodes, steps } = program(
      topology([
        source("one", "a", "b"),
        source("two", "c"),
        functionNode("copy", "filter", ["one", "two"]),
        sink("out", "copy", "d"),
      ]),
    );
    assert.deepEqual(sources, ["a", "b", "c"]);
    assert.deepEqual(sourceNodes, [{ topics: ["a", "b"] }, { topics: ["c"] }]);
    assert.deepEqual(shapeOf(steps), ["stage(copy) of in0 in1: out"]);
  });

  it("drops null values before an aggregate without windows, unless mapped first", () => {
    const taken = (...above: DeclaredNode[]) =>
      program(
        topology(
          [source("in", "a"), ...above, aggregate("fold", above.at(-1)?.name ?? "in", "s", null)],
          [keyValueStore("s")],
        ),
      ).steps.flatMap((step) => (step.kind === "stage" ? step.stage.stores : []))[0]?.takes;
    assert.equal(taken(), "valued");
    assert.equal(taken(functionNode("some", "filter", ["in"])), "valued");
    assert.equal(taken(functionNode("other", "mapValues", ["in"])), "keyed");
  });
});

const timeChanger: DeclaredNode = {
  name: "p",
  parents: ["in"],
  kind: "function",
  operation: "processValues",
  stores: [],
};

describe("a topology that cannot run is refused with the node, the fault and the remedy", () => {
  const copy = [source("in", "a"), functionNode("f", "process", ["in"]), sink("out", "f", "b")];
  const cases: readonly [string, DeclaredTopology, RegExp][] = [
    ["no nodes", topology([]), /it has no nodes: declare a source/],
    [
      "a name that is no name",
      topology([source("a b", "a"), sink("out", "a b", "b")]),
      /node "a b": the name may hold letters.*rename/,
    ],
    ["a name twice", topology([...copy, sink("out", "f", "c")]), /node "out": another node/],
    [
      "a dangling parent",
      topology([...copy, sink("x", "y", "c")]),
      /"x": its parent "y" is not decl/,
    ],
    [
      "a cycle",
      topology([
        source("in", "a"),
        functionNode("f", "map", ["in", "g"]),
        functionNode("g", "map", ["f"]),
      ]),
      /node "f": its parent "g" stands after it/,
    ],
    [
      "a child of a sink",
      topology([...copy, sink("x", "out", "c")]),
      /"x": its parent "out" is a sink/,
    ],
    ["an orphan", topology([...copy, functionNode("x", "map", [])]), /node "x": nothing feeds it/],
    [
      "a parent twice",
      topology([source("in", "a"), functionNode("f", "map", ["in", "in"])]),
      /names its parent "in" twice/,
    ],
    [
      "a source with parents",
      topology([...copy, { ...source("x", "c"), parents: ["f"] }]),
      /node "x": a source has no parents/,
    ],
    ["a source without topics", topology([source("in"), sink("out", "in", "b")]), /reads no topic/],
    [
      "a topic that is no name",
      topology([source("in", "a/b"), sink("o", "in", "b")]),
      /"a\/b" is no topic/,
    ],
    [
      "a topic read twice",
      topology([source("in", "a", "a"), sink("o", "in", "b")]),
      /"a" is read twice/,
    ],
    [
      "a source without readers",
      topology([...copy, source("x", "c")]),
      /node "x": nothing reads it/,
    ],
    [
      "the application's own changelog as a topic",
      topology(
        [
          source("in", "a"),
          functionNode("f", "process", ["in"], ["s"]),
          sink("o", "f", "app-s-changelog"),
        ],
        [keyValueStore("s")],
      ),
      /node "o": "app-s-changelog" is a changelog/,
    ],
    [
      "a store that is not declared",
      topology([source("in", "a"), functionNode("f", "process", ["in"], ["s"])]),
      /node "f": its store "s" is not declared/,
    ],
    [
      "a time to live without timestamps",
      topology(
        [source("in", "a"), functionNode("f", "process", ["in"], ["s"])],
        [{ ...keyValueStore("s"), ttlMs: 7 }],
      ),
      /store "s": it has a ttl of 7 ms, and its values no timestamps: declare it as a timestamped/,
    ],
    [
      "an aggregation over a timestamped store",
      topology(
        [source("in", "a"), count("n", "in", "s", null)],
        [{ ...keyValueStore("s"), isTimestamped: true }],
      ),
      /node "n": its store "s" is timestampedKeyValue, it needs keyValue/,
    ],
    ["a store without users", topology(copy, [keyValueStore("s")]), /store "s": no node uses it/],
    [
      "a store of the wrong kind",
      topology([source("in", "a"), count("n", "in", "s", fiveMinutes)], [keyValueStore("s")]),
      /node "n": its store "s" is keyValue, it needs window/,
    ],
    [
      "a store shared with an aggregate",
      topology(
        [
          source("in", "a"),
          aggregate("g", "in", "s", null),
          functionNode("f", "process", ["g"], ["s"]),
        ],
        [keyValueStore("s")],
      ),
      /node "g": store "s": an aggregation's store is its own, but "f"/,
    ],
    [
      "a map with stores",
      topology([source("in", "a"), functionNode("f", "map", ["in"], ["s"])], [keyValueStore("s")]),
      /node "f": a map has no stores: declare it as process/,
    ],
    [
      "windows without size",
      topology(
        [
          source("in", "a"),
          count("n", "in", "s", { kind: "time", sizeMs: 0, advanceMs: 0, graceMs: -1 }),
        ],
        [windowStore("s")],
      ),
      /window size is 0 ms.*\n.*grace is -1 ms/,
    ],
    [
      "hopping windows without number",
      topology(
        [
          source("in", "a"),
          count("n", "in", "s", { kind: "time", sizeMs: 20_001, advanceMs: 2, graceMs: 0 }),
        ],
        [windowStore("s")],
      ),
      /node "n": a record would be in 10001 windows: at most 10000 are allowed; advance by more/,
    ],
  ];
  for (const [name, declared, expected] of cases) {
    it(name, () => assert.match(refusal(declared), expected));
  }

  it("with all faults at once", () => {
    const said = refusal(
      topology(
        [source("in", "a/b"), functionNode("f", "map", ["in"], ["nowhere"])],
        [keyValueStore("s")],
      ),
    );
    assert.match(said, /^the topology has 4 faults:/);
    assert.equal(said.split("\n- ").length, 5);
  });
});
