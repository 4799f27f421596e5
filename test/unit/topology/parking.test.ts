import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DeclaredNode, DeclaredTopology } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { internalTopics } from "../../../src/topology/internal-topics.ts";

const source: DeclaredNode = { name: "in", parents: [], kind: "source", topics: ["in"] };
const code: DeclaredNode = {
  name: "code",
  parents: ["in"],
  kind: "function",
  operation: "process",
  stores: [],
};
const sink: DeclaredNode = { name: "out", parents: ["code"], kind: "sink", topic: "out" };

function of(parks: boolean, over: Partial<DeclaredTopology> = {}) {
  return compile(
    { nodes: [source, code, sink], stores: [], ...over },
    { applicationId: "app", parks },
  );
}

describe("a topology whose records can be parked", () => {
  test("has a store and a control topic for it, and none where parking is off", () => {
    const programs = of(true);
    const [program] = programs;
    assert.deepEqual(program.parking, { store: 0, controlTopic: "app-control" });
    const topics = internalTopics(programs, new Map([[0, 3]]), 3, 1_048_576).map(
      ({ name, partitions, configs }) => {
        return `${name} ${partitions} ${configs["cleanup.policy"]} ${configs["min.insync.replicas"]}`;
      },
    );
    assert.deepEqual(topics, ["app-parked-changelog 3 compact 2", "app-control 3 delete 2"]);
    const [without] = of(false);
    assert.deepEqual([without?.parking, without?.stores], [null, []]);
  });

  test("has no windows: what was released would be late for them", () => {
    const windows = { kind: "time", sizeMs: 1_000, advanceMs: 1_000, graceMs: 0 } as const;
    const aggregate: DeclaredNode = {
      ...{ name: "code", parents: ["in"], kind: "aggregate", aggregator: "application" },
      ...{ store: "s", windows },
    };
    const stores = [{ name: "s", kind: "window" as const }];
    const nodes = [source, aggregate, sink];
    assert.throws(() => of(true, { nodes, stores }), /too late for its windows.*parked\.enable/);
    of(false, { nodes, stores });
  });

  test("leaves our names alone", () => {
    const stores = [{ name: "parked", kind: "keyValue" as const }];
    const user = { ...code, stores: ["parked"] };
    assert.throws(() => of(true, { nodes: [source, user, sink], stores }), /rename this one/);
    const reads = { ...source, topics: ["app-control"] };
    assert.throws(() => of(true, { nodes: [reads, code, sink] }), /is an internal topic/);
  });

  test("is refused where a policy parks, and parking is off", () => {
    const nodes = [source, { ...code, failurePolicy: { exhausted: "park" as const } }, sink];
    assert.throws(() => of(false, { nodes }), /parking is off: set parked\.enable: true/);
    of(true, { nodes });
  });
});
