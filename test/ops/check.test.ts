import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Admin } from "kafkajs";
import type { FindingName, Severity } from "../../src/checks/catalogue.ts";
import type { Finding } from "../../src/checks/finding.ts";
import { holdDirectory } from "../support/directory-holder.ts";
import { joinWithJava } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { kafkaAt } from "../support/topics.ts";
import { assertGrant, CheckScene } from "./check-scene.ts";

const skip = whyNoKafka() ?? false;
if (skip !== false)
  process.stdout.write(`NOT PROVED: no check met a real Kafka, because ${skip}\n`);
/** Everything is allowed on what has no rules, so that tests can forbid one thing at a time. */
const AUTHORIZER = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "allow.everyone.if.no.acl.found": "true",
};
let broker: KafkaBroker;
let admin: Admin;
before(async () => {
  if (skip !== false) return;
  broker = await startKafka({ config: AUTHORIZER });
  admin = kafkaAt(broker.bootstrapServers).admin();
  await admin.connect();
});
after(async () => {
  if (skip !== false) return;
  await admin.disconnect();
  await broker.stop();
});

let scenes = 0;
async function within(use: (scene: CheckScene) => Promise<unknown>): Promise<void> {
  scenes += 1;
  const scene = new CheckScene(`shop${scenes}`, broker.bootstrapServers, admin);
  try {
    await use(scene);
  } finally {
    scene.remove();
  }
}

interface Misconfigured {
  readonly what: string;
  /** Makes the cluster so. */
  readonly make: (scene: CheckScene) => Promise<unknown>;
  readonly name: FindingName;
  readonly severity: Severity;
  /** What the finding says, with the value. */
  readonly problem: RegExp;
}

/** One topic of the usual three is other than it should be. */
function topic(
  what: string,
  changes: Parameters<CheckScene["usual"]>[0],
  name: FindingName,
  severity: Severity,
  problem: RegExp,
): Misconfigured {
  return { what, make: (scene) => scene.usual(changes), name, severity, problem };
}

async function writeChangelog(scene: CheckScene, partition: number): Promise<void> {
  const producer = scene.kafka.producer();
  await producer.connect();
  const messages = [{ partition, key: "a", value: "1" }];
  await producer.send({ topic: scene.changelog, messages });
  await producer.disconnect();
}

async function commitByHand({ admin, id, source }: CheckScene): Promise<void> {
  const partitions = [{ partition: 0, offset: "0" }];
  await admin.setOffsets({ groupId: id, topic: source, partitions });
}

const misconfigured: readonly Misconfigured[] = [
  {
    what: "an input that does not exist",
    make: (scene) => scene.topics({ [scene.sink]: {} }),
    name: "topic.missing",
    severity: "forbidden",
    problem: /^the topic shop\d+-in does not exist, and the topology reads it$/,
  },
  {
    what: "an output that does not exist",
    make: (scene) => scene.topics({ [scene.source]: {} }),
    name: "topic.missing",
    severity: "forbidden",
    problem: /^the topic shop\d+-out does not exist, and the topology writes it$/,
  },
  topic(
    "a changelog with other partitions than its source",
    { changelog: { partitions: "3" } },
    "topic.partitions",
    "forbidden",
    /changelog shop\d+-counts-changelog has 3 partitions, the source 2/,
  ),
  topic(
    "a changelog that deletes",
    { changelog: { "cleanup.policy": "delete" } },
    "changelog.policy",
    "forbidden",
    /has cleanup.policy=delete/,
  ),
  topic(
    "a changelog that deletes besides",
    { changelog: { "cleanup.policy": "compact,delete", "retention.ms": "3600000" } },
    "changelog.retention",
    "warning",
    /cleanup.policy=compact,delete with retention.ms=3600000/,
  ),
  topic(
    "a changelog with the time of appends",
    { changelog: { "message.timestamp.type": "LogAppendTime" } },
    "changelog.timestamps",
    "forbidden",
    /changelog .* has message.timestamp.type=LogAppendTime/,
  ),
  topic(
    "a changelog that no write can satisfy",
    { changelog: { "min.insync.replicas": "2" } },
    "changelog.min.insync",
    "forbidden",
    /has min.insync.replicas=2, but 1 replica/,
  ),
  topic(
    "a changelog of one replica on a cluster of one",
    {},
    "changelog.replication",
    "warning",
    /changelog shop\d+-counts-changelog has 1 replica/,
  ),
  topic(
    "a changelog that forgets deletions soon",
    { changelog: { "delete.retention.ms": "60000" } },
    "changelog.tombstones",
    "warning",
    /has delete.retention.ms=60000/,
  ),
  topic(
    "a changelog that takes smaller records than the sidecar",
    { changelog: { "max.message.bytes": "500000" } },
    "topic.message.size",
    "warning",
    /counts-changelog has max.message.bytes=500000, below producer.max.request.size \(1048576\)/,
  ),
  topic(
    "an output that takes no whole batch",
    { sink: { "max.message.bytes": "100000" } },
    "topic.message.size",
    "forbidden",
    /-out has max.message.bytes=100000, below the 131072 bytes of a record batch/,
  ),
  topic(
    "an output that no write can satisfy",
    { sink: { "min.insync.replicas": "2" } },
    "sink.replication",
    "forbidden",
    /-out has min.insync.replicas=2, but 1 replica/,
  ),
  topic(
    "a changelog whose leader may have lost records",
    { changelog: { "unclean.leader.election.enable": "true" } },
    "topic.unclean.election",
    "warning",
    /counts-changelog has unclean.leader.election.enable=true/,
  ),
  topic(
    "an input that deletes by the records' own time",
    { source: { "retention.ms": "60000" } },
    "source.retention",
    "warning",
    /-in deletes records 1 min after their own timestamp \(retention.ms=60000\)/,
  ),
  topic(
    "an input with the time of appends",
    { source: { "message.timestamp.type": "LogAppendTime" } },
    "source.timestamps",
    "warning",
    /-in has message.timestamp.type=LogAppendTime/,
  ),
  {
    what: "a changelog of a store that is gone",
    make: async (scene) => {
      await scene.usual({});
      await scene.topics({ [`${scene.id}-old-changelog`]: { "cleanup.policy": "compact" } });
    },
    name: "changelog.left.over",
    severity: "note",
    problem: /shop\d+-old-changelog is a changelog of no store/,
  },
  {
    what: "state without offsets",
    make: async (scene) => {
      await scene.usual({});
      await writeChangelog(scene, 1);
    },
    name: "offsets.missing",
    severity: "forbidden",
    problem: /no committed offset for the task of shop\d+-counts-changelog-1, .* offset 1$/,
  },
  {
    what: "offsets committed by hand, where there is state",
    make: async (scene) => {
      await scene.usual({});
      await writeChangelog(scene, 0);
      await commitByHand(scene);
    },
    name: "offsets.foreign",
    severity: "forbidden",
    problem: /offset 0 of shop\d+-in-0 in group shop\d+ was not written by Outrigger/,
  },
  {
    what: "offsets committed by hand, where there is none",
    make: async (scene) => {
      await scene.usual({});
      await commitByHand(scene);
    },
    name: "offsets.foreign",
    severity: "warning",
    problem: /offset 0 of shop\d+-in-0 in group shop\d+ was not written by Outrigger/,
  },
];

describe("a real broker, misconfigured in one way:", { skip }, () => {
  for (const { what, make, name, severity, problem } of misconfigured) {
    test(what, () =>
      within(async (scene) => {
        await make(scene);
        const found = await scene.finds(name, problem);
        assert.equal(found.severity, severity);
        assert.ok(found.consequence !== "" && found.remedy !== "");
      }),
    );
  }

  test("sources with different partition counts", () =>
    within(async (scene) => {
      await scene.usual({});
      await scene.topics({ [`${scene.id}-more`]: { partitions: "5" } });
      const program = { ...scene.program, sources: [scene.source, `${scene.id}-more`] };
      const said = /need equal partition counts, but shop\d+-in has 2, shop\d+-more has 5/;
      await scene.finds("topic.partitions", said, () => scene.check(program));
    }));

  test("more names of stores than an offset can carry", () =>
    within(async (scene) => {
      await scene.usual({});
      const stores = Array.from({ length: 60 }, (_, i) => {
        const name = `${"long".repeat(10)}${i}`;
        return { name, kind: "keyValue", changelogTopic: scene.changelog } as const;
      });
      const said = /60 store\(s\) need \d+ bytes of offset metadata, broker \d+ takes 4096/;
      await scene.finds("broker.offset.metadata", said, () =>
        scene.check({ ...scene.program, stores }),
      );
    }));

  test("fewer brokers than replicas", () =>
    within(async (scene) => {
      await scene.usual({});
      const found = await scene.finds("cluster.small", /factor is 3, but the cluster has 1/, () =>
        scene.check(scene.program, { "replication.factor": 3 }),
      );
      assert.equal(found.severity, "warning");
    }));

  test("a state directory that another process holds", () =>
    within(async (scene) => {
      await scene.usual({});
      const holder = await holdDirectory(join(scene.stateDir, scene.id));
      const found = await scene.finds("state.directory", /another process|in use|lock/i);
      assert.equal(found.code, "STATE_DIRECTORY_LOCKED");
      holder.kill("SIGKILL");
      await once(holder, "exit");
      const after = await scene.check();
      assert.equal(after.filter(({ name }) => name === "state.directory").length, 0);
    }));

  test("in no way: nothing is forbidden, and only a cluster of one is warned of", () =>
    within(async (scene) => {
      await scene.usual({});
      const found = await scene.check();
      assert.deepEqual(
        found.filter(({ severity }) => severity !== "note").map(({ name }) => name),
        ["changelog.replication"],
      );
    }));
});

describe("the topic of a hook,", { skip }, () => {
  const cases: readonly (readonly [string, Record<string, string>, FindingName, RegExp])[] = [
    [
      "compacted",
      { "cleanup.policy": "compact" },
      "hook.policy",
      /-mail-hook of a hook has cleanup/,
    ],
    [
      "with a bound",
      { "retention.ms": "60000" },
      "hook.retention",
      /-mail-hook of .* retention.ms=60000/,
    ],
  ];
  for (const [what, configs, name, problem] of cases) {
    test(what, () =>
      within(async (scene) => {
        await scene.usual({});
        await scene.topics({ [scene.hookTopic]: configs });
        await scene.finds(name, problem, () => scene.check(scene.hooked));
      }),
    );
  }

  test("not there yet, is nobody's fault", () =>
    within(async (scene) => {
      await scene.usual({});
      const found = await scene.check(scene.hooked);
      assert.deepEqual(
        found.filter(({ severity }) => severity === "forbidden"),
        [],
      );
    }));

  test("that must not be purged", () =>
    within(async (scene) => {
      await scene.usual({});
      await scene.topics({ [scene.hookTopic]: { "retention.ms": "-1" } });
      await scene.deny("topic", scene.hookTopic, "Delete");
      const said = /lacks the right Delete on the topic shop\d+-mail-hook/;
      const found = await scene.finds("hook.purge", said, () => scene.check(scene.hooked));
      assert.equal(found.severity, "warning");
      assertGrant(found, "Delete", "--topic");
    }));

  test("whose hook is declared no more", () =>
    within(async (scene) => {
      await scene.usual({});
      await scene.topics({ [scene.hookTopic]: { "retention.ms": "-1" } });
      const partitions = [{ partition: 0, offset: "0" }];
      await scene.admin.setOffsets({ groupId: scene.id, topic: scene.hookTopic, partitions });
      await scene.finds("hook.left.over", /-mail-hook is of no hook in this topology/);
    }));
});

describe("a right that is missing is named, with the command that grants it:", { skip }, () => {
  const denied = (found: Finding): void => assert.equal(found.severity, "forbidden");
  const rights: readonly [string, string, (scene: CheckScene) => Promise<void>, string][] = [
    ["Read", "the topic shop\\d+-in", (s) => s.deny("topic", s.source, "Read"), "--topic"],
    ["Describe", "the topic shop\\d+-in", (s) => s.deny("topic", s.source, "Describe"), "--topic"],
    ["Write", "the topic shop\\d+-out", (s) => s.deny("topic", s.sink, "Write"), "--topic"],
    ["Write", "the topic .*changelog", (s) => s.deny("topic", s.changelog, "Write"), "--topic"],
    ["Read", "the group shop\\d+", (s) => s.deny("group", s.id, "Read"), "--group"],
    ["Describe", "the group shop\\d+", (s) => s.deny("group", s.id, "Describe"), "--group"],
    [
      "Write",
      "the transactional-id shop\\d+-check-0",
      (s) => s.deny("transactionalId", `${s.id}-check-0`, "Write"),
      "--transactional-id",
    ],
    [
      "Describe",
      "the transactional-id shop\\d+-check-0",
      (s) => s.deny("transactionalId", `${s.id}-check-0`, "Describe"),
      "--transactional-id",
    ],
  ];
  for (const [operation, on, deny, flag] of rights) {
    test(`${operation} on ${on.replaceAll("\\d+", "")}`, () =>
      within(async (scene) => {
        await scene.usual({});
        await deny(scene);
        const said = new RegExp(`ANONYMOUS lacks the right ${operation} on ${on}`);
        const found = await scene.finds("access.denied", said);
        denied(found);
        assertGrant(found, operation, flag);
      }));
  }

  test("Create, where the changelog is still to be made", () =>
    within(async (scene) => {
      await scene.usual({ changelog: null });
      await scene.deny("topic", scene.changelog, "Create");
      await scene.deny("cluster", "kafka-cluster", "Create");
      const found = await scene.finds("access.denied", /Create on the topic .*changelog/);
      await scene.deny("topic", scene.hookTopic, "Create");
      const ofHook = /Create on the topic .*-mail-hook/;
      await scene.finds("access.denied", ofHook, () => scene.check(scene.hooked));
      denied(found);
      assertGrant(found, "Create", "--topic");
    }));

  test("DescribeConfigs, without which the check is incomplete", () =>
    within(async (scene) => {
      await scene.usual({});
      await scene.deny("topic", scene.source, "DescribeConfigs");
      const said = /not looked at: the configuration of the topic shop\d+-in/;
      const found = await scene.finds("check.incomplete", said);
      assert.equal(found.severity, "note");
      assertGrant(found, "DescribeConfigs", "--topic");
    }));
});

describe("a member of the group that is no sidecar is named:", { skip }, () => {
  test("one of the classic protocol", () =>
    within(async (scene) => {
      await scene.usual({});
      const consumer = scene.kafka.consumer({ groupId: scene.id });
      await consumer.connect();
      await consumer.subscribe({ topic: scene.source });
      await consumer.run({ eachMessage: async () => {} });
      try {
        const said = /no sidecar: client test at \/127.0.0.1, member test-.*, of the classic/;
        const found = await scene.finds("group.foreign.member", said);
        assert.equal(found.severity, "forbidden");
      } finally {
        await consumer.disconnect();
      }
    }));

  test("one of the consumer protocol", () =>
    within(async (scene) => {
      await scene.usual({});
      const member = await joinWithJava(broker.bootstrapServers, scene.id, scene.source);
      try {
        const said = /no sidecar: client intruder at \/127.0.0.1, member \S+$/;
        const found = await scene.finds("group.foreign.member", said);
        assert.equal(found.severity, "forbidden");
      } finally {
        await member.leave();
      }
    }));
});
