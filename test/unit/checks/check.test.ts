import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { entryOf, type FindingName, findingNames } from "../../../src/checks/catalogue.ts";
import { checkCluster } from "../../../src/checks/check.ts";
import type { Expected } from "../../../src/checks/expected.ts";
import { type Finding, refusalOf } from "../../../src/checks/finding.ts";
import { reportJson, reportText } from "../../../src/checks/report.ts";
import type { ClusterFacts, Operation } from "../../../src/model/cluster-facts.ts";
import { hookProgram } from "../../../src/topology/hooks.ts";
import { statefulProgram } from "../../support/world/kernel-world.ts";
import { brokerFacts, committed, expected, soundFacts, topicFacts, withTopic } from "./facts.ts";

function check(facts: ClusterFacts, changes: Partial<Expected> = {}): Finding[] {
  return checkCluster(facts, { ...expected, ...changes });
}

/** Names with severities. */
function names(facts: ClusterFacts, changes: Partial<Expected> = {}): string[] {
  return check(facts, changes).map(({ name, severity }) => `${severity} ${name}`);
}

it("a control topic that may not be read is a right that is missing", () => {
  const control = { ...topicFacts("app-control"), operations: new Set(["Describe"] as const) };
  const parking = { store: 0, controlTopic: "app-control" };
  const programs = expected.programs && ([{ ...expected.programs[0], parking }] as const);
  const found = check(withTopic(control), { programs });
  assert.deepEqual(names(withTopic(control), { programs }), ["forbidden access.denied"]);
  assert.match(found[0]?.problem ?? "", /lacks the right Read on the topic app-control/);
});

describe("a topic of a hook", () => {
  const hook = hookProgram("mail", "app-mail-hook", 1);
  const programs = [statefulProgram, hook] as const;
  const topic = (over: Record<string, string>, operations: readonly Operation[] | null = null) => {
    const { configs, ...rest } = topicFacts("app-mail-hook");
    const found = new Map([...configs, ["retention.bytes", "-1"], ...Object.entries(over)]);
    return withTopic({
      ...{ ...rest, configs: found },
      operations: operations === null ? null : new Set(operations),
    });
  };
  const cases: readonly (readonly [string, ClusterFacts, readonly string[]])[] = [
    ["that keeps all is sound, and one that is still to be made", topic({}), []],
    ["that compacts", topic({ "cleanup.policy": "compact" }), ["forbidden hook.policy"]],
    ["that forgets", topic({ "retention.ms": "1000" }), ["warning hook.retention"]],
    ["that forgets the most", topic({ "retention.bytes": "1000" }), ["warning hook.retention"]],
    ["that may only be read", topic({}, ["Read", "Delete"]), ["forbidden access.denied"]],
    ["that may only be written", topic({}, ["Write", "Delete"]), ["forbidden access.denied"]],
    ["that may not be purged", topic({}, ["Read", "Write"]), ["warning hook.purge"]],
    [
      "that was deleted from before it was read",
      soundFacts({
        committed: [...soundFacts().committed, { ...committed(0, 0), topic: "app-mail-hook" }],
        logs: new Map([["app-mail-hook-0", { start: 9, end: 9 }]]),
      }),
      ["warning offsets.out.of.range"],
    ],
  ];
  for (const [what, facts, findings] of cases) {
    it(what, () => assert.deepEqual(names(facts, { programs }), findings));
  }

  it("is not missing before the application has run", () => {
    assert.deepEqual(names(soundFacts(), { programs }), []);
  });

  it("is left over when the topology has its hook no more, and somebody had read it", () => {
    const facts = topic({});
    const read = { ...facts, committed: [{ ...committed(0, 0), topic: "app-mail-hook" }] };
    assert.ok(names(read).includes("warning hook.left.over"));
    assert.ok(!names(read, { programs }).includes("warning hook.left.over"));
  });
});

describe("a cluster", () => {
  it("without a fault gives no finding", () => assert.deepEqual(check(soundFacts()), []));

  const cases: readonly [string, ClusterFacts, Partial<Expected>, string[]][] = [
    [
      "of three, with a changelog of one replica",
      withTopic(topicFacts("app-state-changelog", 1)),
      {},
      // Nothing could be written either, since two replicas must be in sync.
      ["forbidden changelog.replication", "forbidden changelog.min.insync"],
    ],
    [
      "of three, with two replicas as asked for",
      withTopic(topicFacts("app-state-changelog", 2)),
      { replicationFactor: 2 },
      ["warning changelog.replication"],
    ],
    [
      "of two, with two replicas",
      {
        ...withTopic(topicFacts("app-state-changelog", 2)),
        brokers: [brokerFacts(1), brokerFacts(2)],
      },
      {},
      ["warning changelog.replication", "warning cluster.small"],
    ],
    [
      "that acknowledges on one disk",
      withTopic({ name: "app-state-changelog", configs: new Map([["min.insync.replicas", "1"]]) }),
      {},
      ["forbidden changelog.min.insync"],
    ],
    [
      "with a changelog still to be made, of fewer replicas",
      soundFacts({
        topics: new Map([topicFacts("in"), topicFacts("out")].map((each) => [each.name, each])),
        committed: [],
      }),
      { replicationFactor: 1 },
      ["warning changelog.replication"],
    ],
    [
      "whose output one disk can lose",
      withTopic({ ...topicFacts("out", 1), configs: new Map() }),
      {},
      ["warning sink.replication"],
    ],
    [
      "that keeps transactions on one disk",
      withTopic({ ...topicFacts("__transaction_state", 1), configs: new Map() }),
      {},
      ["warning cluster.system.topics"],
    ],
    [
      "with a broker that is too old, and one that is away",
      soundFacts({
        brokers: [
          brokerFacts(1),
          { ...brokerFacts(2), lacks: ["EndTxn is needed in version 5 to 5"] },
          { ...brokerFacts(3), configs: null, unreachable: "connect ECONNREFUSED" },
        ],
      }),
      {},
      ["forbidden broker.version", "warning broker.unreachable"],
    ],
    [
      "with a partition that nobody leads, and one that few follow",
      withTopic({
        name: "app-state-changelog",
        partitions: [
          { partition: 0, replicas: 3, inSync: 0, hasLeader: false },
          { partition: 1, replicas: 3, inSync: 1, hasLeader: true },
        ],
      }),
      {},
      ["warning topic.unavailable", "warning topic.unavailable"],
    ],
    [
      "where a changelog ends before what was committed",
      soundFacts({ committed: [committed(0, 11), committed(1, 7)] }),
      {},
      ["forbidden changelog.state.lost"],
    ],
    [
      "where another version of the application is in the group",
      soundFacts({
        group: {
          protocol: "consumer",
          members: [
            { memberId: "outrigger-1", clientId: "c", clientHost: "/h", topics: ["in"] },
            { memberId: "outrigger-2", clientId: "c", clientHost: "/h", topics: ["old"] },
          ],
          operations: null,
        },
      }),
      {},
      ["warning group.subscription"],
    ],
    [
      "where a producer may have written into a changelog",
      soundFacts({
        foreignWriters: [
          {
            topic: "app-state-changelog",
            partition: 0,
            who: "producer id 7",
            offset: null,
            isCertain: false,
          },
        ],
      }),
      {},
      ["warning changelog.foreign.writer"],
    ],
    [
      "where something could not be read",
      soundFacts({ unread: ["the offsets of in-0: the brokers took too long"] }),
      {},
      ["note check.incomplete"],
    ],
  ];
  for (const [what, facts, changes, findings] of cases) {
    it(what, () => assert.deepEqual(names(facts, changes), findings));
  }

  it("is judged without a topology by what the group committed and how changelogs are named", () => {
    const facts = soundFacts({ committed: [{ ...committed(0, 5), metadata: "" }] });
    assert.deepEqual(names(facts, { programs: null }), [
      "forbidden offsets.foreign",
      "forbidden offsets.missing",
    ]);
  });
});

describe("what is accepted", () => {
  const touched = soundFacts({
    foreignWriters: [
      {
        topic: "app-state-changelog",
        partition: 0,
        who: "producer id 7",
        offset: 9,
        isCertain: true,
      },
    ],
  });

  it("is warned of and no longer forbids", () => {
    assert.deepEqual(names(touched), ["forbidden changelog.foreign.writer"]);
    assert.deepEqual(names(touched, { accepted: ["changelog.foreign.writer"] }), [
      "warning changelog.foreign.writer",
    ]);
  });

  it("takes state over from Kafka Streams, and from nobody else", () => {
    const of = (metadata: string) =>
      soundFacts({ committed: [{ ...committed(0, 5), metadata }, committed(1, 5)] });
    const streams = of("AgAAAAAAABtY");
    const accepted = ["offsets.kafka.streams"];
    assert.deepEqual(names(streams), ["forbidden offsets.kafka.streams"]);
    assert.deepEqual(names(streams, { accepted }), ["warning offsets.kafka.streams"]);
    assert.deepEqual(names(of("by a tool"), { accepted }), ["forbidden offsets.foreign"]);
  });

  it("must be acceptable, and a finding", () => {
    const facts = soundFacts({ features: new Map([["group.version", 1]]) });
    const found = check(facts, { accepted: ["broker.feature", "nonsense"] });
    assert.deepEqual(
      found.map(({ name, severity }) => `${severity} ${name}`),
      ["forbidden broker.feature", "warning check.accept", "warning check.accept"],
    );
    assert.match(found[1]?.problem ?? "", /names broker.feature, which cannot be accepted/);
    assert.match(found[2]?.problem ?? "", /names nonsense, which is the name of no finding/);
  });
});

describe("a refusal", () => {
  it("of one finding says it in a sentence, with its code", () => {
    const found = check(withTopic({ ...topicFacts("in"), partitions: [] }));
    assert.equal(refusalOf(found.filter(({ severity }) => severity !== "forbidden")), null);
    const topics = new Map([...soundFacts().topics].filter(([name]) => name !== "in"));
    const refusal = refusalOf(check(soundFacts({ topics, committed: [], logs: new Map() })));
    assert.equal(refusal?.code, "TOPIC_MISSING");
    assert.equal(
      refusal?.message,
      "the topic in does not exist, and the topology reads it: nothing can be processed. " +
        "Create it, then start again",
    );
  });

  it("of several lists them all, the worst first", () => {
    const facts = soundFacts({ features: new Map(), topics: new Map(), committed: [] });
    const refusal = refusalOf(check(facts));
    assert.equal(refusal?.code, "BROKER_INCOMPATIBLE");
    assert.match(refusal?.message ?? "", /^4 things forbid exactly-once.*\n- broker.feature: /);
    assert.equal(refusal?.message.split("\n- ").length, 5);
  });
});

describe("a report", () => {
  const findings = check(withTopic(topicFacts("app-state-changelog", 1)));

  it("for people has a block for each finding, and says what was not checked", () => {
    const text = reportText({ findings, topology: "unknown" });
    assert.match(text, /^FORBIDDEN {2}changelog.replication\n {2}found {5}the changelog app-state/);
    assert.match(text, /\n {2}leads to {2}.*\n {2}remedy {4}.*\n {2}more {6}docs\/errors\//);
    assert.match(text, /Not checked: what needs the topology.*\n2 forbidden, 0 warned of, 0 noted/);
  });

  it("for scripts is one object", () => {
    const parsed: { forbidden: number; topology: string; findings: Finding[] } = JSON.parse(
      reportJson({ findings, topology: "told" }),
    );
    assert.deepEqual([parsed.forbidden, parsed.topology], [2, "told"]);
    assert.deepEqual(parsed.findings, findings);
  });
});

it("docs/checks.md describes each finding, in the catalogue's order, with its usual severity", () => {
  const page = readFileSync(new URL("../../../docs/checks.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z.]+)` \| (\w+)/gm)];
  const known = findingNames.map((name) => {
    // Every name of the list is one of the catalogue.
    return [name, entryOf(name as FindingName).severity];
  });
  const usual = rows.map(([, name, severity]) => [name, severity]);
  // One is worse in one of its cases than in the other, and stands with the worse.
  const said = known.map(([name, severity]) =>
    name === "topic.message.size" ? [name, "forbidden"] : [name, severity],
  );
  assert.deepEqual(usual, said);
});
