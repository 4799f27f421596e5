import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { stagesOf } from "../../../src/model/steps.ts";
import type { DeclaredNode } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { internalTopics } from "../../../src/topology/internal-topics.ts";
import { topologyHash } from "../../../src/topology/topology-hash.ts";
import { functionNode, sink, source, topology } from "./nodes.ts";

function hook(name: string, over: Partial<DeclaredNode & { kind: "hook" }> = {}): DeclaredNode {
  return { name, parents: ["p"], kind: "hook", ...over };
}

const NODES = [source("in", "a", "b"), functionNode("p", "process", ["in"]), sink("out", "p", "c")];

function of(...hooks: readonly DeclaredNode[]) {
  return compile(topology([...NODES, ...hooks]), { applicationId: "app" });
}

function refused(nodes: readonly DeclaredNode[]): string {
  try {
    compile(topology(nodes), { applicationId: "app" });
  } catch (error: unknown) {
    assert.ok(error instanceof OutriggerError);
    return error.message;
  }
  assert.fail("the topology was accepted");
}

describe("a topology with hooks", () => {
  test("is asked by a sink of the stage, and runs each hook as a sub-topology of its own", () => {
    const [main, ...hooks] = of(hook("mail"), hook("bill"));
    assert.deepEqual(stagesOf(main)[0]?.exits, [
      { kind: "topic", node: "out", topic: "c", isHook: false },
      { kind: "topic", node: "mail", topic: "app-mail-hook", isHook: true },
      { kind: "topic", node: "bill", topic: "app-bill-hook", isHook: true },
    ]);
    assert.deepEqual(main.frame, { source: 0, stage: 0 });
    assert.deepEqual(
      hooks.map(({ subtopology, frame, sources, steps, hook }) => {
        return { subtopology, frame, sources, entries: stagesOf({ steps })[0]?.entries, hook };
      }),
      [
        {
          ...{ subtopology: 1, frame: { source: 2, stage: 1 }, sources: ["app-mail-hook"] },
          ...{ entries: ["mail"], hook: "mail" },
        },
        {
          ...{ subtopology: 2, frame: { source: 3, stage: 2 }, sources: ["app-bill-hook"] },
          ...{ entries: ["bill"], hook: "bill" },
        },
      ],
    );
  });

  test("changes nothing of the sub-topology that it had without them", () => {
    const [without] = of();
    const [{ steps, ...main }] = of(hook("mail"));
    const { steps: before, ...rest } = without;
    assert.deepEqual(main, rest);
    const [stage, old] = [stagesOf({ steps })[0], stagesOf({ steps: before })[0]];
    assert.deepEqual([stage?.entries, stage?.exits[0]], [old?.entries, old?.exits[0]]);
  });

  test("is another topology than the same without", () => {
    const without = topologyHash(topology(NODES));
    assert.notEqual(topologyHash(topology([...NODES, hook("mail")])), without);
  });

  test("never parks a request, also where records are parked", () => {
    const nodes = topology([...NODES, hook("mail")]);
    const [main, mail] = compile(nodes, { applicationId: "app", parks: true });
    assert.notEqual(main.parking, null);
    assert.deepEqual([mail?.parking, mail?.stores], [null, []]);
    const parking = hook("mail", { failurePolicy: { exhausted: "park" } });
    assert.match(refused([...NODES, parking]), /"mail": its failure policy parks/);
  });

  test("keeps requests until they have run, in as many partitions as there are tasks", () => {
    assert.deepEqual(
      internalTopics(
        of(hook("mail")),
        new Map([
          [0, 2],
          [1, 4],
        ]),
        3,
        1_048_576,
      ),
      [
        {
          name: "app-mail-hook",
          partitions: 4,
          replicationFactor: 3,
          configs: {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "segment.bytes": "52428800",
            "message.timestamp.type": "CreateTime",
            "min.insync.replicas": "2",
          },
        },
      ],
    );
  });
});

describe("a hook is refused", () => {
  const cases: readonly (readonly [string, readonly DeclaredNode[], RegExp])[] = [
    ["that nothing asks for", [...NODES, hook("mail", { parents: [] })], /nothing feeds it/],
    [
      "that anything but a process asks for",
      [...NODES, hook("mail", { parents: ["in"] })],
      /"in" cannot ask for it: only a process can/,
    ],
    [
      "whose topic would have too long a name",
      [...NODES, hook("m".repeat(242))],
      /the topic of its requests: .*Kafka takes 249; rename the hook/,
    ],
    [
      "that feeds another node",
      [...NODES, hook("mail"), sink("more", "mail", "d")],
      /its parent "mail" is a hook, which feeds nothing/,
    ],
    [
      "whose topic is somebody's sink",
      [...NODES, sink("direct", "p", "app-mail-hook"), hook("mail")],
      /keeps the requests of a hook of this application: only the sidecar/,
    ],
  ];
  for (const [what, nodes, text] of cases) {
    test(what, () => assert.match(refused(nodes), text));
  }
});
