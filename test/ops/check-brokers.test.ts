import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Admin } from "kafkajs";
import type { FindingName } from "../../src/checks/catalogue.ts";
import type { Finding } from "../../src/checks/finding.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";
import { Child } from "../support/sidecar-process.ts";
import { kafkaAt } from "../support/topics.ts";
import { CheckScene } from "./check-scene.ts";

const skip = whyNoKafka() ?? false;
const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
let broker: KafkaBroker;
let admin: Admin;
let scene: CheckScene;
before(async () => {
  if (skip !== false) return;
  broker = await startKafka({
    config: {
      "transaction.max.timeout.ms": "9000",
      "group.consumer.assignors": "uniform",
      "offsets.retention.minutes": "60",
      "offset.metadata.max.bytes": "64",
      "auto.create.topics.enable": "true",
      "unclean.leader.election.enable": "true",
    },
    features: { "transaction.version": 1, "group.version": 0 },
  });
  admin = kafkaAt(broker.bootstrapServers).admin();
  await admin.connect();
  scene = new CheckScene("shop", broker.bootstrapServers, admin);
  await scene.usual({});
});
after(async () => {
  if (skip !== false) return;
  scene.remove();
  await admin.disconnect();
  await broker.stop();
});

describe("brokers that are not what exactly-once needs", { skip }, () => {
  const expected: readonly [FindingName, Finding["severity"], RegExp][] = [
    ["broker.feature", "forbidden", /transaction.version 1, exactly-once needs 2/],
    ["broker.feature", "forbidden", /group.version 0, exactly-once needs 1/],
    [
      "broker.transaction.timeout",
      "forbidden",
      /timeout.ms is 10000, above transaction.max.timeout.ms=9000 of broker \d+/,
    ],
    ["broker.assignor", "forbidden", /group.consumer.assignors=uniform, without range/],
    ["broker.offset.metadata", "forbidden", /takes 64 \(offset.metadata.max.bytes\)/],
    ["broker.offsets.retention", "warning", /offsets.retention.minutes=60/],
    ["topic.unclean.election", "warning", /shop-out has unclean.leader.election.enable=true/],
    ["cluster.small", "warning", /replication.factor is 3, but the cluster has 1 broker/],
    ["broker.auto.create", "note", /auto.create.topics.enable=true/],
  ];

  test("are told by the check, one by one", async () => {
    const findings = await scene.check(scene.program, { "replication.factor": 3 });
    for (const [name, severity, problem] of expected) {
      const found = findings.find((each) => each.name === name && problem.test(each.problem));
      assert.equal(found?.severity, severity, `${name} ${problem}: ${JSON.stringify(findings)}`);
    }
  });

  test("are told by `run` at once, which ends with exit code 2 before it listens", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "outrigger-run-"));
    const flags = [
      ["--application.id", "shop"],
      ["--bootstrap.servers", broker.bootstrapServers],
      ["--state.dir", stateDir],
    ].flat();
    const run = new Child("run", [MAIN, "run", ...flags], {});
    assert.equal(await run.ended(), "2", run.output);
    assert.match(run.output, /outrigger: BROKER_INCOMPATIBLE: 4 things forbid exactly-once/);
    for (const [name, severity, problem] of expected) {
      if (severity !== "forbidden" || name === "broker.offset.metadata") continue;
      assert.match(run.output, new RegExp(`- ${name}: .*${problem.source}`));
    }
    assert.doesNotMatch(run.output, /is listening/);
    rmSync(stateDir, { recursive: true, force: true });
  });

  test("and none that answers ends the check with exit code 1", async () => {
    const flags = ["--application.id", "shop", "--bootstrap.servers", "127.0.0.1:1"];
    const check = new Child("check", [MAIN, "check", ...flags], {});
    assert.equal(await check.ended(), "1", check.output);
    assert.match(check.output, /BROKER_UNAVAILABLE: .*127.0.0.1:1/);
  });
});
