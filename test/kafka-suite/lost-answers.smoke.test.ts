import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CountingThroughProxy } from "../support/counting-through-proxy.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";

const missing = whyNoKafka();
if (missing === null) describe("R-7: a sidecar whose answers are lost", suite);
else process.stdout.write(`NOT PROVED: lost answers of a real broker, because ${missing}\n`);

function suite(): void {
  let scene: CountingThroughProxy;

  before(async () => {
    scene = await CountingThroughProxy.start();
  });

  after(async () => {
    await scene.stop();
  });

  test("lost answers of all four requests of a transaction: each record counts once", async () => {
    const fault = { kind: "lostAnswer" } as const;
    const faults = await scene.countedOnceDespite(
      { request: "Produce", every: 7, fault },
      { request: "TxnOffsetCommit", every: 5, fault },
      { request: "EndTxn", every: 4, fault },
      { request: "InitProducerId", every: 2, fault, times: 3 },
    );
    assert.ok(faults >= 4, `${faults} faults`);
  });
}
