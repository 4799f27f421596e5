import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Checked } from "../checker/checked.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";

const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
const RECORDS = 3_000;
const missing = whyNoKafka();

describe("the checker", { skip: missing ?? false }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafka();
  });
  after(() => broker.stop());

  test("finds nothing wrong with a sidecar that was killed between EndTxn and its stores", async () => {
    const checked = await Checked.make(broker.bootstrapServers, "killed", MAIN);
    try {
      await checked.send(1, 0, RECORDS);
      const first = checked.startSidecar("a", { OUTRIGGER_FAILPOINT: "applying:3" });
      checked.startApplication("a");
      assert.equal(await first.ended(), "SIGKILL");
      checked.startSidecar("a");
      await checked.drained();
      const { violations, counts } = await checked.verdict();
      assert.deepEqual(violations, []);
      assert.equal(counts["inputs"], RECORDS);
      assert.equal(counts["outputs"], 6 * RECORDS - (counts["late"] ?? 0));
      assert.equal(counts["stores"], 20);
    } finally {
      await checked.end();
    }
  });
});
