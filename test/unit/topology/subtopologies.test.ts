import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { stagesOf, topicExitsOf } from "../../../src/model/steps.ts";
import type {
  DeclaredNode,
  DeclaredStore,
  DeclaredTopology,
  Program,
} from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { pictureOf } from "../../../src/topology/describe.ts";
import { pictureText } from "../../../src/topology/draw.ts";
import { internalTopics } from "../../../src/topology/internal-topics.ts";
import { partitionCounts } from "../../../src/topology/partition-counts.ts";
import { count, functionNode, keyValueStore, sink, source, topology } from "./nodes.ts";

const applicationId = "app";
const of = (declared: DeclaredTopology) => compile(declared, { applicationId });

function refusal(
  nodes: readonly DeclaredNode[],
  stores: readonly DeclaredStore[] = [],
  parks = false,
): string {
  try {
    compile(topology(nodes, stores), { applicationId, parks });
  } catch (error: unknown) {
    assert.ok(error instanceof OutriggerError);
    assert.equal(error.code, "TOPOLOGY_INVALID");
    return error.message;
  }
  assert.fail("the topology was accepted");
}

function repartition(name: string, parent: string, partitions = 0): DeclaredNode {
  return { name, parents: [parent], kind: "repartition", partitions };
}

/** What a sub-topology reads and writes, and what runs in between. */
function outline({ subtopology, sources, steps, stores }: Program): string {
  const middle = steps.flatMap((step) => {
    if (step.kind === "operator") return [step.operator.node];
    if (step.kind === "suppress") return [step.suppress.node];
    return step.kind === "stage" ? [`{${step.stage.entries.join(",")}}`] : [];
  });
  const written = steps.flatMap((step) => {
    if (step.kind === "sink") return [step.exit.topic];
    if (step.kind === "operator" || step.kind === "suppress") return [];
    return step.stage.exits.flatMap((exit) =>
      exit.kind === "topic" ? [`${exit.node}:${exit.topic}`] : [],
    );
  });
  const kept = stores.map(({ name }) => `[${name}]`);
  return `${subtopology} ${sources.join(",")} > ${[...middle, ...kept].join(" ")} > ${written.join(",")}`;
}

function keyedTopics(program: Program): string[] {
  const keyed = topicExitsOf(program).filter(({ dropsNullKeys }) => dropsNullKeys === true);
  return keyed.map(({ topic }) => topic);
}

const rekeyed = (operation: "map" | "process", aggregate = count("n", "m", "s", null)) =>
  topology(
    [source("in", "a"), functionNode("m", operation, ["in"]), aggregate, sink("out", "n", "b")],
    [keyValueStore("s")],
  );

describe("a count behind what may change the key", () => {
  test("is a sub-topology of its own, which reads what the one above writes by key", () => {
    for (const operation of ["map", "process"] as const) {
      const programs = of(rekeyed(operation));
      assert.deepEqual(programs.map(outline), [
        "0 a > {m} > n:app-s-repartition",
        "1 app-s-repartition > n [s] > b",
      ]);
      const [upper, lower] = programs;
      const frames = programs.map(({ frame }) => frame);
      assert.deepEqual(frames, [
        { source: 0, stage: 0 },
        { source: 1, stage: 1 },
      ]);
      assert.deepEqual(keyedTopics(upper), ["app-s-repartition"]);
      assert.equal(upper.repartitions, undefined);
      assert.deepEqual(lower?.repartitions, [
        { topic: "app-s-repartition", node: "n", partitions: 0, writtenBy: 0 },
      ]);
    }
  });

  test("has the topic of the name that it says", () => {
    const named = { ...count("n", "m", "s", null), repartition: "by-user" } as DeclaredNode;
    assert.equal(of(rekeyed("map", named))[1]?.sources[0], "app-by-user-repartition");
  });

  test("takes what the topic says to be null for null, though a value was mapped before it was written", () => {
    const [, lower] = of(rekeyed("map"));
    const [first] = lower?.steps ?? [];
    assert.equal(first?.kind === "operator" ? first.operator.takes : null, "valued");
  });

  test("is left alone where all that is above it keeps the key", () => {
    const nodes = [source("in", "a"), count("n", "in", "s", null), sink("out", "n", "b")];
    const [only, ...others] = of(topology(nodes, [keyValueStore("s")]));
    assert.deepEqual([outline(only), others], ["0 a > n [s] > b", []]);
  });

  test("needs it once: an explicit repartition above is the last change of place", () => {
    const nodes = [
      source("in", "a"),
      functionNode("m", "map", ["in"]),
      repartition("moved", "m", 6),
      count("n", "moved", "s", null),
      sink("out", "n", "b"),
    ];
    const programs = of(topology(nodes, [keyValueStore("s")]));
    assert.deepEqual(programs.map(outline), [
      "0 a > {m} > moved:app-moved-repartition",
      "1 app-moved-repartition > n [s] > b",
    ]);
    assert.deepEqual(keyedTopics(programs[0]), ["app-moved-repartition"]);
    assert.equal(programs[1]?.repartitions?.[0]?.partitions, 6);
  });
});

describe("sub-topologies", () => {
  test("need no code above: a repartition right behind a source copies", () => {
    const nodes = [
      source("in", "a"),
      repartition("moved", "in"),
      functionNode("m", "map", ["moved"]),
      sink("out", "m", "b"),
    ];
    assert.deepEqual(of(topology(nodes)).map(outline), [
      "0 a >  > app-moved-repartition",
      "1 app-moved-repartition > {m} > out:b",
    ]);
  });

  test("are what hangs together by edges or stores, numbered as declared, hooks last", () => {
    const nodes: DeclaredNode[] = [
      source("one", "a"),
      source("two", "b"),
      source("three", "c"),
      functionNode("f", "process", ["one"], ["s"]),
      functionNode("g", "process", ["two"], ["t"]),
      functionNode("h", "process", ["three"], ["t2"]),
      { name: "mail", parents: ["f", "h"], kind: "hook" },
    ];
    const stores = ["s", "t", "t2"].map(keyValueStore);
    const programs = of(topology(nodes, stores));
    assert.deepEqual(programs.map(outline), [
      "0 a > {f} [s] > mail:app-mail-hook",
      "1 b > {g} [t] > ",
      "2 c > {h} [t2] > mail:app-mail-hook",
      "3 app-mail-hook > {mail} > ",
    ]);
    const counts = partitionCounts(programs, (topic) => ({ a: 2, b: 3, c: 5 })[topic]);
    assert.deepEqual([...counts.values()], [2, 3, 5, 5]);
    const topics = internalTopics(programs, counts, 1, 1).map(
      ({ name, partitions }) => `${name} ${partitions}`,
    );
    assert.deepEqual(topics, [
      "app-s-changelog 2",
      "app-t-changelog 3",
      "app-t2-changelog 5",
      "app-mail-hook 5",
    ]);
  });

  test("are one where they share a store", () => {
    const nodes = [
      source("one", "a"),
      source("two", "b"),
      functionNode("f", "process", ["one", "two"], ["s"]),
    ];
    assert.equal(of(topology(nodes, [keyValueStore("s")])).length, 1);
  });

  test("come after those whose topics they read, whatever was declared first", () => {
    const nodes = [
      source("late", "b"),
      source("in", "a"),
      functionNode("m", "map", ["in"]),
      repartition("moved", "m"),
      functionNode("join", "map", ["late", "moved"]),
      sink("out", "join", "c"),
    ];
    assert.deepEqual(of(topology(nodes)).map(outline), [
      "0 a > {m} > moved:app-moved-repartition",
      "1 b,app-moved-repartition > {join} > out:c",
    ]);
  });

  test("have a store of parked records where code runs in one of them, and none where in two", () => {
    const nodes = rekeyed("map").nodes;
    const stores = [keyValueStore("s")];
    const [upper, lower] = compile(topology(nodes, stores), { applicationId, parks: true });
    assert.deepEqual([upper.parking?.controlTopic, lower?.parking], ["app-control", null]);
    const behind = [
      ...nodes.slice(0, 3),
      functionNode("label", "mapValues", ["n"]),
      sink("o", "label", "b"),
    ];
    assert.match(
      refusal(behind, stores, true),
      /code runs in 2 \(in, m, n \| .*set parked.enable: false/,
    );
  });
});

describe("how many tasks a sub-topology has", () => {
  const chain = (first: number, second: number) =>
    of(
      topology([
        source("in", "a"),
        repartition("x", "in", first),
        repartition("y", "x", second),
        sink("out", "y", "b"),
      ]),
    );
  const counted = (programs: ReturnType<typeof of>, known: Readonly<Record<string, number>>) => [
    ...[...partitionCounts(programs, (topic) => known[topic])].sort().map(([, count]) => count),
  ];

  test("goes down the chain of repartitions, up to one that says its own", () => {
    assert.deepEqual(counted(chain(0, 0), { a: 4 }), [4, 4, 4]);
    assert.deepEqual(counted(chain(6, 0), { a: 4 }), [4, 6, 6]);
    assert.deepEqual(counted(chain(0, 3), { a: 4 }), [4, 4, 3]);
  });

  test("is what a topic has that was made before, whatever has become of the sources", () => {
    assert.deepEqual(counted(chain(0, 0), { a: 8, "app-x-repartition": 4 }), [8, 4, 4]);
  });

  test("is what the other sources have where streams meet, and the most of several above", () => {
    const meeting = (...above: DeclaredNode[]) =>
      of(
        topology([
          source("one", "a"),
          source("two", "b"),
          repartition("x", "one"),
          repartition("y", "two"),
          ...above,
          functionNode("f", "map", ["x", "y", ...above.map(({ name }) => name)]),
        ]),
      );
    assert.deepEqual(counted(meeting(), { a: 2, b: 5 }), [2, 5, 5]);
    assert.deepEqual(counted(meeting(source("three", "c")), { a: 2, b: 5, c: 3 }), [2, 5, 3]);
  });
});

describe("aggregates of one grouping", () => {
  const shared = topology(
    [
      source("in", "a"),
      functionNode("m", "map", ["in"]),
      { ...count("n", "m", "s", null), repartition: "x" } as DeclaredNode,
      { ...count("o", "m", "t", null), repartition: "x" } as DeclaredNode,
      sink("out", "o", "b"),
    ],
    [keyValueStore("s"), keyValueStore("t")],
  );

  test("share its repartition: what is said for each of them is written once", () => {
    const [upper, lower] = compile(shared, { applicationId: "app" });
    const [stage] = stagesOf(upper);
    assert.deepEqual(stage?.exits, [
      {
        ...{ kind: "topic", node: "n", topic: "app-x-repartition" },
        ...{ isHook: false, dropsNullKeys: true },
      },
      { kind: "shared", node: "o" },
    ]);
    assert.deepEqual(lower?.sources, ["app-x-repartition"]);
    assert.deepEqual(
      lower?.stores.map(({ name }) => name),
      ["s", "t"],
    );
  });

  test("are drawn with it once", () => {
    const text = pictureText(pictureOf(shared, "app"));
    assert.equal(text.match(/x-repartition-sink/g)?.length, 2, text);
    assert.match(text, /--> n, o/);
  });
});

describe("a repartition is refused", () => {
  const stores = [keyValueStore("s"), keyValueStore("t")];
  const rows: readonly (readonly [string, readonly DeclaredNode[], RegExp])[] = [
    [
      "that nothing reads",
      [source("in", "a"), repartition("x", "in")],
      /node "x": nothing reads it/,
    ],
    [
      "whose topic somebody else writes",
      [source("in", "a"), repartition("x", "in"), sink("o", "x", "app-x-repartition")],
      /node "o": "app-x-repartition" is the repartition topic of "x"/,
    ],
    [
      "whose name is another's",
      [
        source("in", "a"),
        functionNode("m", "map", ["in"]),
        functionNode("k", "map", ["in"]),
        { ...count("n", "m", "s", null), repartition: "x" } as DeclaredNode,
        { ...count("o", "k", "t", null), repartition: "x" } as DeclaredNode,
      ],
      /node "o": its repartition has the name "x", as that of "n": give each a name/,
    ],
    [
      "whose topic would have a name that Kafka does not take",
      [source("in", "a"), repartition("x".repeat(240), "in"), sink("o", "x".repeat(240), "b")],
      /the topic of its repartition: the topic name has \d+ characters/,
    ],
    [
      "of an aggregate that hangs together with what is above it",
      [
        source("in", "a"),
        functionNode("f", "process", ["in"], ["t"]),
        count("n", "f", "s", null),
        functionNode("g", "process", ["n"], ["t"]),
      ],
      /node "n": it hangs together with the nodes above its repartition.*put a repartition before/,
    ],
  ];
  for (const [what, nodes, message] of rows) {
    test(what, () => assert.match(refusal(nodes, stores), message));
  }
});
