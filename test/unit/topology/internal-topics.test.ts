import assert from "node:assert/strict";
import { it } from "node:test";
import { compile } from "../../../src/topology/compile.ts";
import { internalTopics } from "../../../src/topology/internal-topics.ts";
import { count, fiveMinutes, source, topology, windowStore } from "./nodes.ts";

const declared = topology(
  [source("in", "a"), count("n", "in", "counted", fiveMinutes)],
  [windowStore("counted")],
);

function changelog(replicationFactor: number, recordBytesMax = 1_048_576) {
  const programs = compile(declared, { applicationId: "app" });
  const topics = internalTopics(programs, new Map([[0, 4]]), replicationFactor, recordBytesMax);
  assert.equal(topics.length, 1);
  return topics[0];
}

it("a changelog is compacted, keeps record times, and asks for two replicas in sync", () => {
  assert.deepEqual(changelog(3), {
    name: "app-counted-changelog",
    partitions: 4,
    replicationFactor: 3,
    configs: {
      "cleanup.policy": "compact",
      "message.timestamp.type": "CreateTime",
      "min.insync.replicas": "2",
    },
  });
});

it("a changelog with fewer than three replicas leaves min.insync.replicas to the broker", () => {
  for (const replicationFactor of [-1, 1, 2]) {
    assert.equal(changelog(replicationFactor)?.configs["min.insync.replicas"], undefined);
  }
});

it("a changelog takes every record that may be written, where brokers by themselves would not", () => {
  assert.equal(changelog(3, 1_048_588)?.configs["max.message.bytes"], undefined);
  assert.equal(changelog(3, 20_000_000)?.configs["max.message.bytes"], "20000256");
});
