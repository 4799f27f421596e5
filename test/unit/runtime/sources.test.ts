import assert from "node:assert/strict";
import { test } from "node:test";
import { type TopicPartition, topicPartitionName } from "../../../src/model/topic-partition.ts";
import type { Program } from "../../../src/model/topology.ts";
import type { HeartbeatRequest } from "../../../src/ports/consumer.ts";
import { GroupLoop } from "../../../src/runtime/group-loop.ts";
import { type Subscription, subscriptionOf, withSources } from "../../../src/runtime/sources.ts";
import { hookProgram } from "../../../src/topology/hooks.ts";
import { copyProgram, statefulProgram } from "../../support/world/kernel-world.ts";
import { VirtualClock } from "../../support/world/virtual-clock.ts";

const pattern = { regex: "in-.*", topics: ["named"] };
const patterned: Program = { ...copyProgram, sources: ["named"], pattern };

const cluster = (...names: string[]) => ({ topicNames: async () => names });

test("the sources are what is named and what matches, in the order of names", async () => {
  const admin = cluster("in-b", "other", "in-a", "named", "xin-c");
  const [{ sources }] = await withSources([patterned], new Set(), admin, null);
  assert.deepEqual(sources, ["named", "in-a", "in-b"]);
});

test("what brokers hold to match is read, as long as it exists", async () => {
  const found = new Set(["odd", "gone"]);
  const [{ sources }] = await withSources([patterned], found, cluster("odd", "in-a"), null);
  assert.deepEqual(sources, ["named", "in-a", "odd"]);
});

test("a pattern that matches nothing is refused, where nothing is named beside it", async () => {
  const alone = { ...patterned, sources: [], pattern: { ...pattern, topics: [] } };
  await assert.rejects(withSources([alone], new Set(), cluster("x"), null), {
    code: "TOPIC_MISSING",
    message: /no topic matches the pattern in-\.\* of a source/,
  });
});

for (const [what, regex, program, letters] of [
  ["a sink", "ou.", copyProgram, null],
  ["a changelog", "app-.*", statefulProgram, null],
  ["the dead letters", "dead.*", copyProgram, "dead-letters"],
  ["Kafka's own offsets", "__.*", copyProgram, null],
] as const) {
  test(`a pattern that matches ${what} is refused: it would read what it writes`, async () => {
    const wide = { ...program, pattern: { regex, topics: [] } };
    await assert.rejects(withSources([wide], new Set(), cluster("in"), letters), {
      code: "TOPOLOGY_INVALID",
      message: /matches \S+, which the application or Kafka itself writes/,
    });
  });
}

const hook = hookProgram("mail", "app-mail-hook", 1);

test("frames count a hook's source behind those that a pattern has found", async () => {
  const found = cluster("in-a", "in-b", "named");
  const [main, mail] = await withSources([patterned, hook], new Set(), found, null);
  assert.equal(main.sources.length, 3);
  assert.deepEqual(mail?.frame, { source: 3, stage: 1 });
});

test("a pattern that matches the topic of a hook is refused", async () => {
  const wide = { ...patterned, pattern: { regex: "app-.*", topics: [] } };
  await assert.rejects(withSources([wide, hook], new Set(), cluster("in"), null), {
    message: /matches app-mail-hook, which the application or Kafka itself writes/,
  });
});

/** A member whose coordinator assigns what the test says, at its next heartbeat. */
class Member {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  readonly requests: HeartbeatRequest[] = [];
  target: readonly string[] = [];
  readonly loop: GroupLoop;

  constructor(subscription: Subscription) {
    const say = (what: string) => (partitions: readonly TopicPartition[]) => {
      this.told.push(`${what} ${partitions.map(topicPartitionName).join(" ")}`);
    };
    const host = {
      assigned: say("assigned"),
      revoked: say("revoked"),
      lost: say("lost"),
      tornApart: () => {
        this.told.push("torn apart");
      },
      topicsChanged: (found: readonly string[]) => {
        this.told.push(`changed ${found.join(" ")}`);
      },
      failed: assert.fail,
      unreachable: assert.fail,
      reachable: () => {},
    };
    const heartbeat = async (request: HeartbeatRequest) => {
      this.requests.push(request);
      const assignment = this.target.map((name) => {
        const cut = name.lastIndexOf("-");
        return { topic: name.slice(0, cut), partition: Number(name.slice(cut + 1)) };
      });
      const heartbeatIntervalMs = 1_000;
      return { kind: "member", memberEpoch: 1, heartbeatIntervalMs, assignment } as const;
    };
    const member = { memberId: "m", subscription };
    const limits = { rebalanceTimeoutMs: 1_000 };
    this.loop = new GroupLoop({ heartbeat }, member, host, this.clock, limits);
  }

  /** What it was told while so many more heartbeats were answered. */
  async assigned(...target: readonly string[]): Promise<readonly string[]> {
    this.target = target;
    const until = this.requests.length + 3;
    this.told.length = 0;
    if (this.loop.state === "outside") this.loop.join();
    await this.clock.until(() => this.requests.length >= until);
    return [...this.told];
  }
}

const two = { tasks: [["a", "b"]], pattern: { regex: "a|b|c", topics: [] } };

test("a member says the pattern whenever it says all, and the names beside it", async () => {
  const member = new Member({ tasks: [["x", "a"]], pattern: { regex: "a|b", topics: ["x"] } });
  await member.assigned();
  assert.deepEqual(member.requests[0]?.topics, ["x"]);
  assert.equal(member.requests[0]?.pattern, "a|b");
});

test("R-6: a task of a pattern begins when it has a partition of each source, never before", async () => {
  const member = new Member(two);
  assert.deepEqual(await member.assigned("b-0"), []);
  assert.deepEqual(await member.assigned("b-0", "a-0", "a-1"), ["assigned b-0 a-0"]);
});

test("a topic that brokers found means other sources, and no task begins with it", async () => {
  const member = new Member(two);
  assert.deepEqual(await member.assigned("a-0", "b-0", "c-0"), ["changed c"]);
});

test("a hook's partition is a task of its own, whatever a pattern has found", async () => {
  const pattern = { regex: "a|b|c", topics: ["h"] };
  const member = new Member({ tasks: [["a", "b"], ["h"]], pattern });
  assert.deepEqual(await member.assigned("a-0", "h-0", "h-1"), ["assigned h-0 h-1"]);
  assert.deepEqual(member.requests[0]?.topics, ["h"]);
  assert.deepEqual(await member.assigned("a-0", "b-0", "h-0"), [
    "revoked h-1",
    "assigned a-0 h-0 b-0",
  ]);
  assert.deepEqual(await member.assigned("a-0", "b-0"), ["revoked h-0"]);
});

test("a topic that is gone from a task means other sources; a task that goes whole does not", async () => {
  const member = new Member(two);
  await member.assigned("a-0", "b-0", "a-1", "b-1");
  assert.deepEqual(await member.assigned("a-0", "b-0"), ["revoked a-1 b-1"]);
  assert.deepEqual(await member.assigned("a-0"), ["changed "]);
});

test("a task that stays in parts is not waited for for ever: topics are looked at again", async () => {
  const member = new Member(two);
  await member.assigned("b-0");
  await member.clock.until(() => member.told.length > 0);
  assert.deepEqual(member.told, ["changed "]);
  assert.ok(member.clock.nowMs() >= 30_000, `${member.clock.nowMs()} ms`);
});

test("R-6: a task of several sub-topologies begins whole, however the group tears it apart", async () => {
  const member = new Member({ tasks: [["a", "b"], ["c"]] });
  assert.deepEqual(await member.assigned("b-0", "c-0", "c-1"), ["assigned c-0 c-1"]);
  assert.deepEqual(member.requests[0]?.topics, ["a", "b", "c"]);
  assert.equal(member.requests[0]?.pattern, undefined);
  assert.deepEqual(await member.assigned("b-0", "c-0", "c-1", "a-0"), ["assigned b-0 c-0 c-1 a-0"]);
  // A part goes: the task ends, the other part stays ours, and begins again with it.
  assert.deepEqual(await member.assigned("b-0", "c-0"), ["revoked c-1 a-0"]);
  for (const partition of ["c", "a"])
    member.loop.released({ topic: partition, partition: partition === "c" ? 1 : 0 });
  member.loop.released({ topic: "b", partition: 0 });
  assert.deepEqual(await member.assigned("b-0", "c-0", "a-0"), ["assigned b-0 c-0 a-0"]);
});

test("parts of a task that stay at several members have this one join the group anew", async () => {
  const member = new Member({ tasks: [["a", "b"]] });
  await member.assigned("b-0");
  await member.clock.until(() => member.told.length > 0);
  assert.deepEqual(member.told, ["torn apart"]);
  assert.ok(member.clock.nowMs() >= 30_000, `${member.clock.nowMs()} ms`);
});

test("patterns of several sub-topologies are one, and each finds its own", async () => {
  const other: Program = {
    ...statefulProgram,
    ...{ subtopology: 1, sources: ["x"], pattern: { regex: "x-.*", topics: ["x"] } },
  };
  const found = cluster("in-a", "x-1", "x-2", "strange");
  const programs = await withSources([patterned, other], new Set(["strange"]), found, null);
  assert.deepEqual(
    programs.map(({ sources }) => sources),
    [
      ["named", "in-a"],
      ["x", "strange", "x-1", "x-2"],
    ],
  );
  assert.deepEqual(subscriptionOf(programs), {
    tasks: programs.map(({ sources }) => sources),
    pattern: { regex: "(?:in-.*)|(?:x-.*)", topics: ["named", "x"] },
  });
  const greedy = { ...other, pattern: { regex: "in-a|x-.*", topics: ["x"] } };
  await assert.rejects(withSources([patterned, greedy], new Set(), found, null), {
    code: "TOPOLOGY_INVALID",
    message: /matches in-a, which another sub-topology reads/,
  });
});
